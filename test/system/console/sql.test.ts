/** The page for SQL: an editor, its tabs, and what statements answer. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allLooks, type Console, openConsole } from '../../support/browser.ts';

let site: Console;
beforeAll(async () => {
  site = await openConsole();
  await site.sql('CREATE TABLE sales (id BIGINT PRIMARY KEY, day DATE, region VARCHAR, amount DECIMAL(12,2))');
  await site.sql(
    `INSERT INTO sales SELECT range, DATE '2026-01-01' + (range % 30)::INTEGER, 'r' || range // 30, range / 4 FROM range(90)`,
  );
});
afterAll(() => site.close());

const content = (page: Page) => page.locator('.cm-content');

/** In the place of whatever is there. */
async function write(page: Page, text: string): Promise<void> {
  await content(page).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
  await page.keyboard.press('Escape');
}

async function run(page: Page, text: string, keys = 'Control+Enter'): Promise<void> {
  await write(page, text);
  await page.keyboard.press(keys);
}

test.each(allLooks)('nothing in it fails axe: $colours, $width px', async (looks) => {
  const { page, expectAccessible, close } = await site.open('#/sql', looks);
  await run(page, 'SELECT day, sum(amount) AS total FROM sales GROUP BY day ORDER BY day');
  await page.getByRole('status').getByText('30 rows').waitFor();
  await expectAccessible();
  await page.getByRole('button', { name: 'Chart' }).click();
  await page.getByRole('img', { name: 'line chart: total by day, 30 rows' }).waitFor();
  await expectAccessible();
  await page.getByRole('button', { name: 'Explain' }).click();
  await page.getByRole('menuitem', { name: 'Run it and measure' }).click();
  await page.getByRole('region', { name: 'Plan' }).getByText('ORDER BY').first().waitFor();
  await expectAccessible();
  await run(page, 'SELECT nothing FROM sales; DELETE FROM sales', 'Control+Shift+Enter');
  await page.getByRole('dialog').getByText('all rows of sales are deleted').waitFor();
  await expectAccessible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'History' }).click();
  await page.getByRole('dialog').getByText('GROUP BY day').first().waitFor();
  await expectAccessible();
  await close();
});

test('the catalog completes tables and columns, and typing over a selection breaks no policy', async () => {
  const { page, close } = await site.open('#/sql');
  await content(page).click();
  await page.keyboard.type('select reg from sal');
  await page.getByRole('option', { name: /^sales/ }).waitFor();
  // What is chosen in the first moment may be meant for the text.
  await page.waitForTimeout(150);
  await page.keyboard.press('Enter');
  for (let step = 0; step < 'sales'.length + ' from '.length; step++) await page.keyboard.press('ArrowLeft');
  await page.keyboard.type('i');
  await page.getByRole('option', { name: /region.*VARCHAR/ }).waitFor();
  await page.waitForTimeout(150);
  await page.keyboard.press('Enter');
  expect(await content(page).textContent()).toBe('select region from sales');
  await page.keyboard.press('Home');
  await page.keyboard.press('Control+Shift+ArrowRight');
  await page.keyboard.type('from');
  expect(await content(page).textContent()).toBe('from region from sales');
  await close();
});

test('runs the statement at the cursor, the selection, or all; each has its result, an error its place', async () => {
  const { page, close } = await site.open('#/sql');
  const text = `SELECT 1 AS one;\nSELECT 'a;b' AS two; -- not; this\nSELECT region,\n  amuont FROM sales;\nSELECT 4 AS four`;
  await write(page, text);
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('gridcell', { name: 'a;b' }).waitFor();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Control+Shift+Enter');
  await page.getByText('1 statement after it did not run.').waitFor();
  expect(await page.locator('.sql-outcomes li').count()).toBe(3);
  expect(await page.locator('.cm-fault').allTextContents()).toEqual(['amuont']);
  await page.locator('.sql-outcomes button').first().click();
  await page.getByRole('columnheader', { name: 'one' }).waitFor();
  await page.keyboard.press('Alt+p');
  await run(page, 'SELECT * form sales');
  await page.getByText('syntax error').waitFor();
  expect(await page.locator('.cm-fault').allTextContents()).toEqual(['sales']);
  // The pinned one is still there.
  expect(await page.locator('.sql-outcomes li').count()).toBe(2);
  await close();
});

test('a statement can be given up, and the server with it', async () => {
  const { page, close } = await site.open('#/sql');
  await run(page, 'SELECT count(*) FROM range(1000000000000) WHERE range % 7 = 5');
  await page.getByRole('button', { name: /^Cancel \d/ }).waitFor();
  await page.waitForTimeout(1000);
  await page.keyboard.press('Control+.');
  await page.getByRole('heading', { name: 'Stopped' }).waitFor();
  // Both processes for queries are free: neither waits for the ten seconds that a query may take.
  const began = Date.now();
  await Promise.all([site.sql('SELECT 1'), site.sql('SELECT 2')]);
  expect(Date.now() - began).toBeLessThan(8000);
  await close();
});

test('says what a write changed, and asks before what cannot be taken back', async () => {
  await site.sql('CREATE TABLE kept (id INTEGER PRIMARY KEY, a INTEGER)');
  const { page, close } = await site.open('#/sql');
  await run(page, 'INSERT INTO kept VALUES (1, 1), (2, 2)');
  await page
    .getByRole('status')
    .getByText(/^2 rows inserted, version \d+/)
    .waitFor();
  const count = async () => (await site.sql('SELECT count(*)::INTEGER AS n, sum(a)::INTEGER AS s FROM kept')) as object;
  for (const dangerous of ['DELETE FROM kept', 'UPDATE kept SET a = 0', 'DROP TABLE kept', 'TRUNCATE kept']) {
    await run(page, dangerous);
    await page.getByRole('dialog').getByText(dangerous).waitFor();
    await page.keyboard.press('Escape');
    expect(await count()).toMatchObject({ rows: [{ n: 2, s: 3 }] });
  }
  await run(page, 'DELETE FROM kept WHERE id = 1');
  await page
    .getByRole('status')
    .getByText(/^1 row deleted/)
    .waitFor();
  await run(
    page,
    'BEGIN; UPDATE kept SET a = 7 WHERE id = 2; INSERT INTO kept VALUES (2, 2); COMMIT',
    'Control+Shift+Enter',
  );
  await page.getByText('None of the transaction was kept.').waitFor();
  expect(await count()).toMatchObject({ rows: [{ n: 1, s: 2 }] });
  await run(page, 'DROP TABLE kept');
  await page.getByRole('dialog').getByRole('button', { name: 'Run' }).click();
  await page.getByRole('heading', { name: 'Done' }).waitFor();
  // The catalog was asked again.
  await page.getByRole('link', { name: 'kept' }).waitFor({ state: 'detached' });
  await close();
});

test('tabs and their texts outlive a reload, and two windows never write into one', async () => {
  const { page, close } = await site.open('#/sql');
  await write(page, 'SELECT 1 AS first_tab');
  await page.keyboard.press('Alt+t');
  await write(page, 'SELECT 2 AS second_tab');
  await page.waitForTimeout(500);
  await page.reload();
  await content(page).getByText('second_tab').waitFor();
  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.getByText('Another window writes in this tab.').waitFor();
  await content(other).click();
  await other.keyboard.type('lost');
  expect(await content(other).textContent()).toBe('SELECT 2 AS second_tab');
  await other.getByRole('button', { name: 'Write here' }).click();
  await page.getByText('Another window writes in this tab.').waitFor();
  await write(other, 'SELECT 3');
  await other.waitForTimeout(500);
  await other.close();
  // It goes back, with what was written.
  await content(page).getByText('SELECT 3').waitFor();
  await page.keyboard.press('Alt+1');
  await content(page).getByText('first_tab').waitFor();
  await page.getByRole('button', { name: 'Close Query 1' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('link', { name: 'Query 1' }).waitFor();
  await close();
});

test('what is saved is what was answered, to the last digit', async () => {
  const { page, close } = await site.open('#/sql');
  const values = `170141183460469231731687303715884105727::HUGEINT AS huge, '' AS empty, NULL AS none, 'a "q", b' AS quoted`;
  await run(page, `SELECT ${values}, '<img src=x onerror=alert(1)>' AS markup`);
  await page.getByRole('gridcell', { name: '<img src=x onerror=alert(1)>' }).waitFor();
  for (const [choice, expected] of [
    [
      'CSV',
      'huge,empty,none,quoted,markup\r\n170141183460469231731687303715884105727,"",,"a ""q"", b",<img src=x onerror=alert(1)>\r\n',
    ],
    [
      'JSON lines',
      '{"huge":170141183460469231731687303715884105727,"empty":"","none":null,"quoted":"a \\"q\\", b","markup":"<img src=x onerror=alert(1)>"}\n',
    ],
  ] as const) {
    await page.getByRole('button', { name: 'Save' }).click();
    const [saved] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: choice }).click(),
    ]);
    expect(await readFile(await saved.path(), 'utf8')).toBe(expected);
  }
  await run(page, 'SELECT range AS n FROM range(20000)');
  await page.getByRole('button', { name: 'Show the first 1,000 rows' }).click();
  await page.getByRole('status').getByText('1,000 rows').waitFor();
  await close();
});

test('charts follow the columns, and can be changed by hand', async () => {
  const { page, close } = await site.open('#/sql');
  await run(page, 'SELECT region, sum(amount) AS total, count(*) AS n FROM sales GROUP BY region ORDER BY region');
  await page.getByRole('button', { name: 'Chart' }).click();
  await page.getByRole('img', { name: 'bar chart: total, n by region, 3 rows' }).waitFor();
  await page.getByRole('checkbox', { name: 'n' }).click();
  await page.getByRole('combobox', { name: 'Chart' }).selectOption('area');
  await page.getByRole('img', { name: 'area chart: total by region, 3 rows' }).waitFor();
  await run(page, 'SELECT day, region, sum(amount) AS total FROM sales GROUP BY ALL ORDER BY region DESC, day');
  await page.getByRole('status').getByText('90 rows').waitFor();
  await page.getByRole('button', { name: 'Chart' }).click();
  await page.getByRole('img', { name: 'line chart: r2, r1, r0 by day, 90 rows' }).waitFor();
  await page.getByLabel('Split by').selectOption('nothing');
  await page.getByRole('img', { name: 'line chart: total by day, 90 rows' }).waitFor();
  await run(page, 'SELECT id, amount FROM sales WHERE id < 80');
  await page.getByRole('status').getByText('80 rows').waitFor();
  await page.getByRole('button', { name: 'Chart' }).click();
  await page.getByRole('img', { name: 'scatter chart: amount by id, 80 rows' }).waitFor();
  await close();
});

test('a statement that another page hands over waits in a tab of its own, and a reader is told what it may', async () => {
  const readable = await openConsole({ ADMIN_TOKEN: 'admin-token-of-some-length', PUBLIC_READ: 'true' });
  const { page, close } = await readable.open(`#/sql?text=${encodeURIComponent('SELECT 1 AS handed_over')}`);
  await content(page).getByText('handed_over').waitFor();
  await page.waitForURL(/#\/sql\/[a-z0-9]+$/);
  await page.getByText('No result yet').waitFor();
  await page.getByText('Your token reads: SELECT alone.').waitFor();
  await page.keyboard.press('Control+Enter');
  await page.getByRole('columnheader', { name: 'handed_over' }).waitFor();
  await run(page, 'INSERT INTO students SELECT * FROM students');
  await page.getByText('The token allows SELECT alone').waitFor();
  // Nothing that was written is lost.
  expect(await content(page).textContent()).toBe('INSERT INTO students SELECT * FROM students');
  await close();
  await readable.close();
});
