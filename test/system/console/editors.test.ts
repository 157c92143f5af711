/** The editors of a cell: a reference is picked from its rows, JSON is checked while it is written, defaults are the database's. */
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { allLooks, type Console, openConsole } from '../../support/browser.ts';

vi.setConfig({ testTimeout: 120_000 });

let site: Console;
beforeAll(async () => {
  site = await openConsole();
  for (const sql of [
    `CREATE TABLE makers (id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, city VARCHAR)`,
    `CREATE TABLE rooms (building VARCHAR, number INTEGER, purpose VARCHAR, PRIMARY KEY (building, number))`,
    `CREATE TABLE things (id INTEGER PRIMARY KEY, maker INTEGER REFERENCES makers (id), document JSON, sizes STRUCT(w DECIMAL(5,2), h BIGINT), state VARCHAR DEFAULT 'new', building VARCHAR, number INTEGER, span INTERVAL, FOREIGN KEY (building, number) REFERENCES rooms (building, number))`,
    `INSERT INTO makers SELECT i, 'Maker ' || i, (['Oslo', 'Riga'])[1 + i % 2] FROM range(1, 501) t(i)`,
    `INSERT INTO rooms VALUES ('A', 1, 'hall'), ('B', 7, 'stage')`,
    `INSERT INTO things SELECT i, i, '{"n": 12345678901234567890}', {'w': 1.5, 'h': 9007199254740993}, 'old', 'A', 1, INTERVAL 1 DAY FROM range(1, 21) t(i)`,
  ])
    await site.sql(sql);
});
afterAll(() => site.close());

const cell = (page: Page, row: number, column: number): Locator =>
  page.locator(`[role=row][aria-rowindex="${row + 2}"]:visible [aria-colindex="${column + 1}"]`);

async function rowOf(query: string): Promise<unknown> {
  return ((await site.sql(query)) as { rows: unknown[] }).rows[0];
}

async function save(page: Page, said: string): Promise<void> {
  await page.keyboard.press('Control+s');
  await page.getByText(said, { exact: true }).first().waitFor();
}

test('a reference is searched by label and picked by keys; a raw key can be typed', async () => {
  const { page, close } = await site.open('#/tables/things');
  await cell(page, 0, 1).dblclick();
  const picker = page.getByRole('combobox', { name: 'maker, INTEGER' });
  await page.getByRole('option', { name: '1 Maker 1 Riga', exact: true }).waitFor();
  await page.keyboard.type('maker 44');
  await page.getByRole('option', { name: '440 Maker 440 Oslo' }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  expect(await picker.getAttribute('aria-activedescendant')).toBe(
    await page.getByRole('option', { selected: true }).getAttribute('id'),
  );
  await page.keyboard.press('Enter');
  await page.keyboard.type('7');
  await page.getByRole('option', { name: '7 Maker 7 Riga', exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.type('Maker 45');
  await page.getByRole('option', { name: '45 Maker 45 Riga' }).click();
  await save(page, '3 saved');
  expect(await rowOf('SELECT list(maker ORDER BY id) AS all FROM things WHERE id <= 3')).toEqual({ all: [440, 7, 45] });
  await close();
});

test('a row that several columns name is picked for all of them', async () => {
  const { page, close } = await site.open('#/tables/things');
  await cell(page, 0, 5).dblclick();
  await page.keyboard.type('stage');
  await page.getByRole('option', { name: 'B, 7 stage' }).click();
  await cell(page, 0, 6).getByText('7', { exact: true }).waitFor();
  await save(page, '1 saved');
  expect(await rowOf('SELECT building, number FROM things WHERE id = 1')).toEqual({ building: 'B', number: 7 });
  await close();
});

test('a document and a struct keep every digit, and stay open until they are values', async () => {
  const { page, close } = await site.open('#/tables/things');
  await cell(page, 0, 2).dblclick();
  const document = page.getByRole('textbox', { name: 'document, JSON' });
  expect(await document.inputValue()).toBe('{"n": 12345678901234567890}');
  await document.fill('{"n": 12345678901234567891,}');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('This is not JSON').waitFor();
  await document.fill('{"n": 12345678901234567891}');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const sizes = page.getByRole('textbox', { name: /^sizes/ });
  expect(await sizes.inputValue()).toBe('{"w":"1.50","h":"9007199254740993"}');
  await sizes.fill('{"w": 2.5, "depth": 1}');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('It has no field "depth".').waitFor();
  await sizes.fill('{"w": 2.5, "h": 9007199254740995}');
  await page.keyboard.press('Enter');
  await save(page, '1 saved');
  expect(
    await rowOf('SELECT CAST(document AS VARCHAR) AS d, CAST(sizes AS VARCHAR) AS s FROM things WHERE id = 1'),
  ).toEqual({ d: '{"n": 12345678901234567891}', s: `{'w': 2.50, 'h': 9007199254740995}` });
  await close();
});

test('cells are set to their default, and an interval is written as it is shown', async () => {
  const { page, close } = await site.open('#/tables/things');
  const others = 'SELECT * EXCLUDE (state, span) FROM things WHERE id = 5';
  const before = await rowOf(others);
  await cell(page, 4, 4).click({ button: 'right' });
  await page.getByRole('menuitem', { name: `Set to DEFAULT ('new')` }).click();
  await cell(page, 4, 4).and(page.locator('.edited.default')).waitFor();
  await cell(page, 4, 7).dblclick();
  await page.getByRole('textbox', { name: 'span, INTERVAL' }).fill('1 year 2 mons 04:05:06.5');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Review SQL' }).click();
  await page.getByText(`SET "state" = DEFAULT, "span" = '1 year 2 mons 04:05:06.5'`).waitFor();
  await page.keyboard.press('Escape');
  await save(page, '1 saved');
  expect(await rowOf('SELECT state, CAST(span AS VARCHAR) AS span FROM things WHERE id = 5')).toEqual({
    state: 'new',
    span: '1 year 2 months 04:05:06.5',
  });
  expect(await rowOf(others)).toEqual(before);
  await close();
});

test.each(allLooks)('nothing in them fails axe: $colours, $width px', async (looks) => {
  const { page, expectAccessible, close } = await site.open('#/tables/things', looks);
  await cell(page, 3, 0).getByText('4', { exact: true }).waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByRole('option').first().waitFor();
  await page.keyboard.press('ArrowDown');
  await expectAccessible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByRole('textbox', { name: 'document, JSON' }).fill('{');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').waitFor();
  await expectAccessible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Space');
  await page.getByRole('complementary').getByRole('button', { name: 'Edit maker' }).click();
  await page.getByRole('complementary').getByRole('option').first().waitFor();
  await expectAccessible();
  await close();
});
