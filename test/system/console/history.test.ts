/** The page of versions: what changed when, and how one row became what it is. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allLooks, type Console, openConsole } from '../../support/browser.ts';

let site: Console;
beforeAll(async () => {
  site = await openConsole();
  await site.sql('CREATE TABLE notes (id BIGINT, part VARCHAR, body VARCHAR, PRIMARY KEY (id, part))');
  await site.sql(
    `INSERT INTO notes VALUES (9007199254740993, 'a,b', 'first'), (2, 'x', 'evil \u202elive <b>bold</b>')`,
  );
  await site.sql(`UPDATE notes SET body = NULL WHERE part = 'a,b'`);
  await site.sql(`DELETE FROM notes WHERE part = 'a,b'`);
  await site.sql(`INSERT INTO notes VALUES (9007199254740993, 'a,b', '')`);
});
afterAll(() => site.close());

test.each(allLooks)('nothing in it fails axe: $colours, $width px', async (looks) => {
  const { page, expectAccessible, close } = await site.open('#/history', looks);
  await page.getByRole('img', { name: /^Rows written and deleted/ }).waitFor();
  await page.getByRole('button', { name: 'Show the rows' }).last().click();
  await page.getByRole('region', { name: 'Rows of notes' }).waitFor();
  await expectAccessible();
  await page
    .getByRole('link', { name: /^All versions of notes/ })
    .first()
    .click();
  await page.getByText('created').first().waitFor();
  await expectAccessible();
  await close();
});

test('tells what each version changed, of hostile rows as text, and of one row before and after', async () => {
  const { page, close } = await site.open('#/history');
  const versions = page.getByRole('list', { name: 'Versions' }).locator('> li');
  await versions.first().waitFor();
  const told = await versions.allTextContents();
  expect(told.filter((text) => /notes/.test(text)).length).toBe(4);
  await page.getByLabel('Table', { exact: true }).selectOption('notes');
  await page.waitForURL('**/#/history?table=notes');
  await page.getByRole('button', { name: 'Show the rows' }).last().click();
  const cells = page.getByRole('region', { name: 'Rows of notes' }).getByRole('cell');
  await cells.first().waitFor();
  expect(await cells.allTextContents()).toEqual([
    'versions',
    '9007199254740993',
    'a,b',
    'first',
    'versions',
    '2',
    'x',
    'evil \u202elive <b>bold</b>',
  ]);
  await page.getByRole('link', { name: 'All versions of notes 9007199254740993,a%2Cb' }).click();
  await page.getByText('deleted').waitFor();
  const rows = await page.evaluate(
    "[...document.querySelectorAll('.history-entry')].map((item) => [item.querySelector('.badge'), ...item.querySelectorAll('tbody tr')].map((part) => part.textContent))",
  );
  expect(rows).toEqual([
    ['created', 'id–9007199254740993', 'part–a,b', 'body–(empty)'],
    ['deleted', 'id9007199254740993–', 'parta,b–', 'bodyNULL–'],
    ['changed', 'bodyfirstNULL'],
    ['created', 'id–9007199254740993', 'part–a,b', 'body–first'],
  ]);
  await close();
});

test('shows how the snapshots grew, and goes to the versions of a row from its table', async () => {
  const sync = (): Promise<Response> => fetch(`${site.url}/api/db-sync`, { method: 'POST' });
  await sync();
  const { page, expectAccessible, close } = await site.open('#/history');
  await page.getByRole('region', { name: 'Snapshots' }).getByText('Newest').waitFor();
  await site.sql(`INSERT INTO notes SELECT 100 + i, 'x', md5(CAST(i AS VARCHAR)) FROM range(50000) t(i)`);
  await sync();
  await page.getByRole('img', { name: 'Size of the snapshots over time' }).waitFor();
  await expectAccessible();
  await page.goto(`${site.url}/#/tables/notes`);
  await page.locator('[role=row][aria-rowindex="2"]:visible').getByText('2', { exact: true }).waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('Space');
  await page.getByRole('link', { name: 'Versions of this row' }).click();
  await page.waitForURL('**/#/history?table=notes&key=2%2Cx');
  await page.getByText('created').first().waitFor();
  await close();
});

test('shows a version as it comes, and older ones on request', async () => {
  await site.sql('CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER)');
  for (let n = 0; n < 130; n++) await site.sql(`INSERT INTO counters VALUES (${n}, 0)`);
  const { page, close } = await site.open('#/history');
  const versions = page.getByRole('list', { name: 'Versions' }).locator('> li');
  await versions.first().waitFor();
  expect(await versions.count()).toBe(100);
  const newest = await versions.first().textContent();
  // The stream follows from the moment that it is open.
  await page.waitForTimeout(2500);
  await site.sql('UPDATE counters SET n = 1 WHERE id < 7');
  await versions.first().getByText('counters').getByText('+7').waitFor();
  expect(await versions.nth(1).textContent()).toBe(newest);
  await page.getByRole('button', { name: 'Load older versions' }).click();
  await versions.nth(136).waitFor();
  expect(await versions.count()).toBeGreaterThan(136);
  await close();
});
