/** A database that somebody brings: unlike types and names, hostile texts, a million rows. */
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Console, openConsole } from '../../support/browser.ts';

vi.setConfig({ testTimeout: 120_000 });

const oddName = `Odd "Table" / of.x`;
const quoted = `"${oddName.replaceAll('"', '""')}"`;

const definitions = [
  `CREATE TYPE mood AS ENUM ('sad', 'ok')`,
  `CREATE TABLE ${quoted} ("my id" INTEGER PRIMARY KEY, huge HUGEINT, big BIGINT, money DECIMAL(38,10), list INTEGER[], pair STRUCT(a INTEGER, b VARCHAR), map MAP(VARCHAR, INTEGER), bytes BLOB, day DATE, clock TIME, moment TIMESTAMPTZ, nanos TIMESTAMP_NS, span INTERVAL, feeling mood, doc JSON, ratio DOUBLE, flag BOOLEAN, id UUID)`,
  `INSERT INTO ${quoted} VALUES (1, 170141183460469231731687303715884105727, 9223372036854775807, 1234567890123456789012345678.0123456789, [1, NULL, 3], {'a': 1, 'b': 'x'}, MAP {'k': 1}, '\\xAA\\x00'::BLOB, '5877642-06-25', '23:59:59.999999', '290000-01-01 00:00:00+00', '2020-01-01 00:00:00.123456789', INTERVAL 14 MONTH, 'sad', '{"a": [1, 2.50]}', 0.1, true, '00000000-0000-0000-0000-00000000000a')`,
  `INSERT INTO ${quoted} ("my id") VALUES (2)`,
  `CREATE TABLE hostile (id INTEGER PRIMARY KEY, text VARCHAR)`,
  `INSERT INTO hostile VALUES (1, '<img src=x onerror=alert(1)><script>alert(1)</script>'), (2, chr(8238) || 'live' || chr(8203)), (3, ''), (4, NULL), (5, 'a' || chr(10) || 'b' || chr(9) || 'c'), (6, repeat('x', 1000000)), (7, '{{constructor}} javascript:alert(1)')`,
  `CREATE TABLE wide AS SELECT ${Array.from({ length: 200 }, (_, index) => `${index} AS c${index}`).join(', ')}`,
  `CREATE TABLE keyless AS SELECT 1 AS a`,
  `CREATE TABLE million AS SELECT i AS id, 'note ' || i AS note, i / 7 AS part FROM range(1000000) t(i)`,
];

let folder: string;
let site: Console;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-adopted-'));
  const path = join(folder, 'adopted.db');
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  for (const sql of definitions) await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
  site = await openConsole({ LOCAL_DB_PATH: path });
});
afterAll(async () => {
  await site.close();
  await rm(folder, { recursive: true, force: true });
});

const cell = (page: Page, row: number, column: number): Locator =>
  page.locator(`[role=row][aria-rowindex="${row + 2}"]:visible [aria-colindex="${column + 1}"]`);
const oddAddress = `#/tables/${encodeURIComponent(oddName)}`;

/** All cells of a row, going over it to the right. */
async function textsOf(page: Page, row: number, count: number): Promise<(string | null)[]> {
  const texts: (string | null)[] = [];
  await page.getByRole('grid').focus();
  await page.keyboard.press('Control+Home');
  for (let down = 0; down < row; down++) await page.keyboard.press('ArrowDown');
  for (let column = 0; column < count; column++) {
    texts.push(await cell(page, row, column).textContent());
    await page.keyboard.press('ArrowRight');
  }
  return texts;
}

test('every cell shows its exact value, whatever its type', async () => {
  const { page, close } = await site.open(oddAddress);
  await cell(page, 0, 0).getByText('1', { exact: true }).waitFor();
  expect(await textsOf(page, 0, 18)).toEqual([
    '1',
    '170141183460469231731687303715884105727',
    '9223372036854775807',
    '1234567890123456789012345678.0123456789',
    '[1, NULL, 3]',
    "{'a': 1, 'b': x}",
    '{k=1}',
    '\\xaa00',
    '5877642-06-25',
    '23:59:59.999999',
    '290000-01-01 00:00:00+00',
    '2020-01-01 00:00:00.123456789',
    '1 year 2 mons',
    'sad',
    '{"a": [1, 2.50]}',
    '0.1',
    't',
    '00000000-0000-0000-0000-00000000000a',
  ]);
  await close();
});

test('an edit changes what was edited, and nothing else of the row', async () => {
  const { page, close } = await site.open(oddAddress);
  const all = `SELECT * EXCLUDE (big, list) FROM ${quoted} WHERE "my id" = 1`;
  const before = await site.sql(all);
  await cell(page, 0, 2).dblclick();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('9223372036854775806');
  await page.keyboard.press('Tab');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  const list = page.getByRole('textbox', { name: /^list/ });
  await list.fill('[4,5]');
  await list.press('Enter');
  await page.keyboard.press('Control+s');
  await page.getByText('1 saved').first().waitFor();
  const { rows } = (await site.sql(`SELECT big, list FROM ${quoted} WHERE "my id" = 1`)) as { rows: unknown[] };
  expect(rows).toEqual([{ big: '9223372036854775806', list: [4, 5] }]);
  expect(await site.sql(all)).toEqual(before);
  await close();
});

test('hostile texts stay texts, and what cannot be seen shows as marks', async () => {
  const { page, close } = await site.open('#/tables/hostile');
  await cell(page, 0, 0).getByText('1', { exact: true }).waitFor();
  const text = (row: number) => cell(page, row, 1).textContent();
  expect(await text(0)).toBe('<img src=x onerror=alert(1)><script>alert(1)</script>');
  expect(await text(1)).toBe('\u202elive\u200b');
  expect(
    await cell(page, 1, 1)
      .locator('.mark')
      .evaluateAll((marks) => marks.map((mark) => mark.getAttribute('data-sign'))),
  ).toEqual(['202E', '200B']);
  expect(await text(4)).toBe('a\nb\tc');
  expect(await cell(page, 2, 1).getAttribute('class')).toContain('empty');
  expect(await cell(page, 3, 1).getAttribute('class')).toContain('null');
  expect(await text(5)).toBe('x'.repeat(1000));
  await cell(page, 5, 1).dblclick();
  const editor = page.getByRole('textbox', { name: 'text, VARCHAR' });
  await editor.waitFor();
  expect((await editor.inputValue()).length).toBe(1_000_000);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Space');
  await page.getByRole('complementary').getByRole('button', { name: 'Edit text' }).click();
  await page.getByRole('complementary').getByRole('textbox').waitFor();
  expect((await page.getByRole('complementary').getByRole('textbox').inputValue()).length).toBe(1_000_000);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Close the row' }).click();
  expect(await page.locator('img[src=x], .grid script').count()).toBe(0);
  await page.getByRole('grid').focus();
  await cell(page, 1, 1).click();
  await page.keyboard.press('Space');
  expect(await page.getByRole('complementary').getByText('live').textContent()).toBe('\u202elive\u200b');
  await close();
});

test('200 columns are all reached; a table without a key says how its rows are found', async () => {
  const { page, close } = await site.open('#/tables/wide');
  await cell(page, 0, 0).getByText('0', { exact: true }).waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('End');
  await cell(page, 0, 199).getByText('199', { exact: true }).waitFor();
  expect(await page.getByRole('gridcell').count()).toBeLessThan(80);
  await page.getByRole('link', { name: 'keyless' }).click();
  await page.getByText('The table has no primary key').waitFor();
  await close();
});

test('the last of a million rows is reached by key, wheel and scrollbar, and the time of a frame is told', async () => {
  const { page, close } = await site.open('#/tables/million');
  await page.getByText('1,000,000 rows').waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('Control+End');
  await cell(page, 999_999, 0).getByText('999999').waitFor();
  await page.keyboard.press('Control+Home');
  await cell(page, 0, 0).getByText('0', { exact: true }).waitFor();
  await page.evaluate(
    `(() => { const grid = document.querySelector('[role=grid]'); grid.scrollTop = grid.scrollHeight; })()`,
  );
  await cell(page, 999_999, 0).getByText('999999').waitFor();
  await page.keyboard.press('Control+Home');
  await page.getByRole('grid').hover();
  await page.mouse.wheel(0, 280);
  await cell(page, 10, 0).getByText('10', { exact: true }).waitFor();
  await page.mouse.wheel(0, 40_000_000);
  await cell(page, 999_999, 0).getByText('999999').waitFor();
  // The middle of an order, that nothing is ready for.
  await page.goto(`${site.url}/#/tables/million?sort=${encodeURIComponent('[["part","desc"]]')}`);
  await page.getByRole('columnheader', { name: 'part ▼' }).waitFor();
  await page.getByRole('grid').focus();
  await page.keyboard.press('Control+Home');
  await cell(page, 0, 0).getByText('999999').waitFor();
  const sought = performance.now();
  await page.evaluate(
    `(() => { const grid = document.querySelector('[role=grid]'); grid.scrollTop = (grid.scrollHeight - grid.clientHeight) / 2; })()`,
  );
  await page
    .locator('.grid-row:visible [aria-colindex="1"]')
    .getByText(/^(?:499|500)\d{3}$/)
    .first()
    .waitFor();
  console.log(`${Math.round(performance.now() - sought)} ms to rows half a million deep in an order`);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const busy = async (): Promise<number> =>
    (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
  const frames = 120;
  const began = await busy();
  await page.evaluate(`(async () => {
    const grid = document.querySelector('[role=grid]');
    for (let frame = 0; frame < ${frames}; frame++) {
      grid.dispatchEvent(new WheelEvent('wheel', { deltaY: -2000, bubbles: true, cancelable: true }));
      await new Promise(requestAnimationFrame);
    }
  })()`);
  const ms = ((await busy()) - began) * 1000;
  console.log(`${(ms / frames).toFixed(1)} ms of the main thread a frame, at 2,000 pixels a frame`);
  await close();
});
