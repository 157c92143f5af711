/** Tables in the console: looked at, edited, imported, defined, by keys and by mouse. */
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { allLooks, type Console, openConsole } from '../../support/browser.ts';

// Axe looks at everything, four times.
vi.setConfig({ testTimeout: 150_000 });

let site: Console;
beforeAll(async () => {
  site = await openConsole();
  await site.sql(`CREATE TABLE makers (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL)`);
  await site.sql(
    `CREATE TABLE things (id INTEGER PRIMARY KEY, maker INTEGER REFERENCES makers (id), label VARCHAR, price DECIMAL(10,2), is_new BOOLEAN DEFAULT true)`,
  );
  await site.sql(`INSERT INTO makers VALUES (1, 'Ada'), (2, 'Bo')`);
  await site.sql(`INSERT INTO things SELECT i, 1 + i % 2, 'thing ' || i, i / 4, NULL FROM range(1, 1001) t(i)`);
});
afterAll(() => site.close());

const grid = (page: Page): Locator => page.getByRole('grid');
const cell = (page: Page, row: number, column: number): Locator =>
  page.locator(`[role=row][aria-rowindex="${row + 2}"]:visible [aria-colindex="${column + 1}"]`);

async function cellOf(query: string): Promise<unknown> {
  const { rows } = (await site.sql(query)) as { rows: Record<string, unknown>[] };
  return Object.values(rows[0] ?? {})[0];
}

async function openTable(page: Page): Promise<void> {
  await cell(page, 0, 0).getByText('1', { exact: true }).waitFor();
  await grid(page).focus();
}

test.each(allLooks)(
  'nothing on a table, its row, menus and structure fails axe: $colours, $width px',
  async (looks) => {
    const { page, expectAccessible, close } = await site.open('#/tables/things', looks);
    await cell(page, 0, 0).getByText('1', { exact: true }).waitFor();
    await expectAccessible();
    await grid(page).focus();
    await page.keyboard.press('Space');
    await page.getByRole('complementary').waitFor();
    await page.getByRole('button', { name: 'Filter' }).click();
    await expectAccessible();
    await page.getByRole('button', { name: 'Close the row' }).click();
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('menu').waitFor();
    await expectAccessible();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Structure' }).click();
    await page.getByRole('heading', { name: 'Constraints and references' }).waitFor();
    await expectAccessible();
    await close();
  },
);

test.each(allLooks)('nor do the list, a new table and an import: $colours, $width px', async (looks) => {
  const { page, expectAccessible, close } = await site.open('#/tables', looks);
  await page.getByRole('heading', { name: 'Tables' }).waitFor();
  await expectAccessible();
  await page.getByRole('button', { name: 'Create a table' }).click();
  await page.getByRole('dialog').waitFor();
  await expectAccessible();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Import a file' }).click();
  await page.setInputFiles('input[type=file]', {
    name: 'x.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from('id,a\n1,x\n'),
  });
  await page.getByText('would be imported').waitFor();
  await expectAccessible();
  await close();
});

describe('rows', () => {
  test('are edited by keys alone, staged, and saved together', async () => {
    const { page, close } = await site.open('#/tables/things');
    await openTable(page);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.type('first');
    await page.keyboard.press('Tab');
    await page.keyboard.type('12.5');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+Backspace');
    await page.getByText('2 changed rows').waitFor();
    expect(await cellOf('SELECT label FROM things WHERE id = 1')).toBe('thing 1');
    await page.keyboard.press('Control+s');
    await page.getByText('2 saved').first().waitFor();
    expect(await cellOf('SELECT label FROM things WHERE id = 1')).toBe('first');
    expect(await cellOf('SELECT price FROM things WHERE id = 1')).toBe('12.50');
    expect(await cellOf('SELECT price FROM things WHERE id = 2')).toBe(null);
    await cell(page, 1, 3).and(page.locator('.null')).waitFor();
    await close();
  });

  test('a step is undone, everything discarded', async () => {
    const { page, close } = await site.open('#/tables/things');
    await cell(page, 4, 2).click();
    await page.keyboard.type('one');
    await page.keyboard.press('Enter');
    await page.keyboard.type('two');
    await page.keyboard.press('Enter');
    await page.getByText('2 changed rows').waitFor();
    await page.keyboard.press('Control+z');
    await page.getByText('1 changed row', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Discard' }).click();
    await page.getByText('Nothing is changed.').waitFor();
    await close();
  });

  test('a row that somebody else changed is a conflict, shown side by side; the others are saved', async () => {
    const { page, close } = await site.open('#/tables/things');
    await cell(page, 9, 2).click();
    // The tag is asked for when the edit begins.
    const tagged = page.waitForResponse('**/api/things/10');
    await page.keyboard.type('mine');
    await page.keyboard.press('Enter');
    await page.keyboard.type('also mine');
    await page.keyboard.press('Enter');
    await tagged;
    await site.sql(`UPDATE things SET label = 'theirs' WHERE id = 10`);
    await page.keyboard.press('Control+s');
    await page.getByText('1 saved, 1 conflict').first().waitFor();
    const conflict = page.getByRole('region', { name: 'Somebody else changed 10' });
    await conflict.getByRole('cell', { name: 'theirs' }).waitFor();
    await conflict.getByRole('cell', { name: 'mine', exact: true }).waitFor();
    expect(await cellOf('SELECT label FROM things WHERE id = 10')).toBe('theirs');
    expect(await cellOf('SELECT label FROM things WHERE id = 11')).toBe('also mine');
    await conflict.getByRole('button', { name: 'Keep yours' }).click();
    await page.getByRole('button', { name: /^Save/ }).click();
    await page.getByText('1 saved', { exact: true }).first().waitFor();
    expect(await cellOf('SELECT label FROM things WHERE id = 10')).toBe('mine');
    await close();
  });

  test('one is added, refused with its reason, mended, deleted and brought back', async () => {
    const { page, close } = await site.open('#/tables/makers');
    await cell(page, 0, 1).getByText('Ada').waitFor();
    await page.getByRole('button', { name: 'Row', exact: true }).click();
    await page.keyboard.type('7');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+s');
    await page.getByText('1 refused').first().waitFor();
    await page.getByRole('alert').getByText('name is required').waitFor();
    await cell(page, 0, 1).dblclick();
    await page.keyboard.type('Cy');
    await page.keyboard.press('Control+s');
    await page.getByText('1 saved').first().waitFor();
    expect(await cellOf('SELECT name FROM makers WHERE id = 7')).toBe('Cy');
    await cell(page, 2, 1).click();
    await page.keyboard.press('Delete');
    await page.keyboard.press('Control+s');
    await page.getByRole('button', { name: 'Bring 1 row back' }).click();
    await page.getByText('1 row back').waitFor();
    expect(await cellOf('SELECT name FROM makers WHERE id = 7')).toBe('Cy');
    await close();
  });

  test('a reference is followed, and what refers to a row found', async () => {
    const { page, close } = await site.open('#/tables/things');
    await openTable(page);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Alt+Enter');
    await page.waitForURL('**/#/tables/makers**');
    await page.getByText('1 row', { exact: true }).waitFor();
    await grid(page).focus();
    await page.keyboard.press('Space');
    await page.getByRole('complementary').getByRole('link', { name: 'things (maker)' }).click();
    await page.getByText('500 rows').waitFor();
    await close();
  });
});

describe('a view', () => {
  test('is sorted, filtered and narrowed in the address, and so survives', async () => {
    const { page, close } = await site.open('#/tables/things');
    await openTable(page);
    const head = page.getByRole('columnheader', { name: /^price/ });
    await head.click();
    await head.click();
    await cell(page, 0, 0).getByText('1000').waitFor();
    await page.locator('main').focus();
    await page.keyboard.press('/');
    await page.getByLabel('Column', { exact: true }).selectOption('label');
    await page.getByLabel('Value').fill('99');
    await page.keyboard.press('Enter');
    await page.getByText('19 rows').waitFor();
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('menuitemcheckbox', { name: 'is_new' }).click();
    await page.keyboard.press('Escape');
    await page.reload();
    await page.getByText('19 rows').waitFor();
    await cell(page, 0, 0).getByText('999').waitFor();
    expect(await page.getByRole('columnheader').count()).toBe(4);
    await close();
  });

  test('the values of a column are counted, and one of them is a filter', async () => {
    const { page, expectAccessible, close } = await site.open('#/tables/things');
    await openTable(page);
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Alt+ArrowDown');
    await page.getByRole('menuitem', { name: 'Values and their counts' }).click();
    await page
      .getByRole('dialog')
      .getByRole('row', { name: /^1 500/ })
      .waitFor();
    await expectAccessible();
    await page.getByRole('button', { name: 'Only these' }).first().click();
    await page.getByText('500 rows').waitFor();
    await close();
  });

  test('a filter that the database does not understand says so, and stays', async () => {
    const filter = encodeURIComponent(JSON.stringify([['price', '=', 'cheap']]));
    const { page, close } = await site.open(`#/tables/things?filter=${filter}`);
    await page.getByRole('alert').getByText('cannot be read as DECIMAL').waitFor();
    await page.getByRole('button', { name: 'Remove the filter of price' }).click();
    await page.getByText('1,000 rows').waitFor();
    await close();
  });
});

describe('files and definitions', () => {
  test('a CSV of 10,000 rows becomes a table, whose rows can be edited', async () => {
    const file = join(tmpdir(), `people-${process.pid}.csv`);
    const lines = Array.from({ length: 10_000 }, (_, index) => `${index},Person ${index},${index / 4}`);
    await writeFile(file, `id,name,score\n${lines.join('\n')}\n`);
    const { page, close } = await site.open('#/tables?new=import');
    await page.setInputFiles('input[type=file]', file);
    await page.getByLabel('Table', { exact: true }).fill('people');
    await page.getByText('10,000 rows').first().waitFor();
    await page.getByLabel('The statement').getByText('PRIMARY KEY').waitFor();
    await page.getByRole('button', { name: 'Import 10,000 rows' }).click();
    await page.waitForURL('**/#/tables/people');
    await cell(page, 3, 1).getByText('Person 3').waitFor();
    expect(await cellOf('SELECT count(*) FROM people')).toBe('10000');
    await close();
  });

  test('a file that is wrong says in which lines, and imports nothing', async () => {
    const { page, close } = await site.open('#/tables/makers');
    await page.getByRole('button', { name: 'Import' }).click();
    await page.setInputFiles('input[type=file]', {
      name: 'm.csv',
      mimeType: 'text/csv',
      buffer: Buffer.from('id,name\n50,Dee\nx,Eve\n'),
    });
    await page.getByText('1 are wrong').waitFor();
    await page.getByText(/must be a whole number/).waitFor();
    expect(await page.getByRole('button', { name: /^Import \d/ }).isDisabled()).toBe(true);
    await close();
  });

  test('a table is made and changed in forms that show their SQL', async () => {
    const { page, close } = await site.open('#/tables?new=table');
    await page.getByLabel('Name', { exact: true }).fill('my notes');
    await page.getByLabel('Reference of column 2').selectOption({ label: '→ makers.id' });
    await page.getByText('REFERENCES "main"."makers" ("id")').waitFor();
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await page.waitForURL('**/#/tables/my%20notes');
    await page.getByRole('button', { name: 'Structure' }).click();
    await page.getByLabel('Name', { exact: true }).fill('due');
    await page.getByLabel('Type', { exact: true }).fill('DATE');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('cell', { name: 'due' }).waitFor();
    await page.getByLabel('Change', { exact: true }).selectOption('Drop the table');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Drop the table' }).click();
    await page.getByRole('heading', { name: 'Tables' }).waitFor();
    await expect.poll(() => page.getByRole('link', { name: 'my notes' }).count()).toBe(0);
    await close();
  });
});
