/** A file with more than twenty unlike tables that somebody brings: each cell shows what the engine says, an edit changes that cell alone. */
import { DuckDBInstance } from '@duckdb/node-api';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Console, openConsole, type OpenPage } from '../../support/browser.ts';
import { makeManyTables, type ManyTable, manyTables, quotedPath } from '../../support/many-tables.ts';

vi.setConfig({ testTimeout: 120_000 });

/** What a grid of one window shows at once. */
const mostRows = 20;
const longestText = 1000;
const longestBytes = 301;

let folder: string;
let original: string;
let site: Console;
/** One page for all tables. */
let opened: OpenPage;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-adopted-'));
  original = join(folder, 'original.db');
  await makeManyTables(original);
  await copyFile(original, join(folder, 'adopted.db'));
  site = await openConsole({ LOCAL_DB_PATH: join(folder, 'adopted.db') });
  opened = await site.open('#/tables');
});
afterAll(async () => {
  await site.close();
  await rm(folder, { recursive: true, force: true });
});

type Texts = Readonly<Record<string, string | null>>;

/** By DuckDB alone, from the file that was brought: the rows of a table, as texts, in the order of its key. */
async function rowsOfFile(table: ManyTable): Promise<Texts[]> {
  const instance = await DuckDBInstance.create(original, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    const path = quotedPath(table.name);
    const described = (await connection.runAndReadAll(`DESCRIBE ${path}`)).getRowObjectsJson() as {
      column_name: string;
      column_type: string;
    }[];
    const list = described.map(({ column_name: name, column_type: type }) => {
      const column = `"${name.replaceAll('"', '""')}"`;
      return `${textExpression(column, type)} AS ${column}`;
    });
    const order = table.key.length === 0 ? 'rowid' : table.key.map((name) => `t."${name}"`).join(', ');
    const rows = (
      await connection.runAndReadAll(`SELECT ${list.join(', ')} FROM ${path} AS t ORDER BY ${order} LIMIT ${mostRows}`)
    ).getRowObjectsJson() as Texts[];
    const types = new Map(described.map(({ column_name: name, column_type: type }) => [name, type]));
    return rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, text]) => [name, spelled(text, types.get(name) ?? '')])),
    );
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** PostgreSQL's spelling of bytes and booleans, which the API answers with, said in DuckDB's own SQL. */
function textExpression(column: string, type: string): string {
  if (type === 'BLOB') return String.raw`'\x' || lower(hex(${column}))`;
  if (type === 'BOOLEAN') return `CASE WHEN ${column} THEN 't' WHEN NOT ${column} THEN 'f' END`;
  // Its own text of a far moment is wrong by a millisecond.
  const isMoment = type === 'TIMESTAMP WITH TIME ZONE';
  const moment = isMoment
    ? `if(isfinite(${column}), make_timestamp(epoch_us(${column})), ${column}::TIMESTAMP)`
    : column;
  // The driver takes a byte order mark away.
  return `'|' || CAST(${moment} AS VARCHAR)`;
}

const far = (text: string): string => text.replace(/^(.*?) \(BC\)(.*)$/, '$1$2 BC');

function spelled(given: string | null, type: string): string | null {
  if (given === null) return null;
  const text = given.replace(/^\|/, '');
  if (type === 'TIMESTAMP WITH TIME ZONE' && !text.endsWith('infinity')) return far(text).replace(/( BC)?$/, '+00$1');
  if (/^(?:DATE|TIMESTAMP)/.test(type)) return far(text);
  if (type === 'FLOAT' || type === 'DOUBLE')
    return text
      .replace(/^(-?)inf$/, '$1Infinity')
      .replace('nan', 'NaN')
      .replace(/\.0$/, '');
  if (type === 'INTERVAL') return text.replace(/\bmonth/g, 'mon').replace(/-1 (mon|day)\b/g, '-1 $1s');
  if (type === 'BLOB') return text.slice(0, 2 + 2 * longestBytes);
  return text.slice(0, longestText);
}

/** In a window that is wide enough for all columns. */
async function openWide({ name }: ManyTable, columns: number): Promise<void> {
  const { page } = opened;
  await page.setViewportSize({ width: 700 + columns * 200, height: 900 });
  await page.goto(`${site.url}/#/tables/${encodeURIComponent(name)}`);
  await page.getByRole('heading', { name, exact: true, level: 1 }).waitFor();
}

interface Shown {
  readonly text: string | null;
  readonly classes: string;
}

/** The cells of the first rows. A hidden NULL has no text, and is told by its class. */
async function cellsOf(page: Page, rows: number, columns: number): Promise<(string | null)[][]> {
  await page.locator('.grid-cell.loading:visible').first().waitFor({ state: 'detached' });
  const shown = await page.evaluate<Shown[][]>(`[...document.querySelectorAll('.grid-row')].filter((row) => !row.hidden)
    .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((row) => [...row.querySelectorAll('.grid-cell')]
      .sort((a, b) => a.ariaColIndex - b.ariaColIndex).map((cell) => ({ text: cell.textContent, classes: cell.className })))`);
  const found = shown
    .slice(0, rows)
    .map((row) => row.map(({ text, classes }) => (classes.split(' ').includes('null') ? null : text)));
  expect(found.map(({ length }) => length)).toEqual(Array.from({ length: rows }, () => columns));
  return found;
}

test.each(manyTables)('$name: every cell shows its exact value', async (table) => {
  const rows = await rowsOfFile(table);
  const names = Object.keys(rows[0] ?? {});
  const { page } = opened;
  await openWide(table, names.length);
  if (rows.length === 0) return page.getByText('No rows yet').waitFor();
  await page.getByRole('gridcell').first().waitFor();
  const cells = await cellsOf(page, rows.length, names.length);
  const shown = cells.map((row) => Object.fromEntries(row.map((text, index) => [names[index], text])));
  expect(shown).toEqual(rows);
  return expect(opened.faults).toEqual([]);
});

/** What is typed into one cell of each table, and what the engine then says of it. */
const edits: readonly (readonly [table: string, row: number, column: string, typed: string, text: string])[] = [
  ['log_lines', 0, 'message', 'changed', 'changed'],
  ['countries', 1, 'population', '84000001', '84000001'],
  ['holidays', 0, 'name', 'the Ides', 'the Ides'],
  ['measurements', 2, 'value', '0.1', '0.1'],
  ['invoices', 1, 'customer', 'Barbara', 'Barbara'],
  ['products', 0, 'price', '1.25', '1.25'],
  ['moods', 0, 'strength', 'high', 'high'],
  ['nested', 0, 'by_number', '[[1, {"a": 2, "b": "y"}]]', "{1={'a': 2, 'b': y}}"],
  ['nested', 0, 'either', '{"tag": "word", "value": "42"}', '42'],
  ['Order Details', 0, 'a.b', 'dots', 'dots'],
  ['select', 0, 'where', 'there', 'there'],
  ['a.b/c', 0, 'x.y', 'xy', 'xy'],
  [`it's "odd" 100%?&#`, 0, 'ü%20&', 'b', 'b'],
  ['wide', 0, 'c189', '{"b": 12345678901234567890}', '{"b": 12345678901234567890}'],
  ['employees', 2, 'boss', '1', '1'],
  ['rooms', 0, 'seats', '11', '11'],
  ['lessons', 0, 'starts at', '09:30', '09:30:00'],
  ['shop.items', 0, 'name', 'drake', 'drake'],
  [
    'My Schema.Stock Level',
    1,
    'level',
    '170141183460469231731687303715884105726',
    '170141183460469231731687303715884105726',
  ],
  ['numbers', 2, 'giant', '9999999999999999999999999999.9999999998', '9999999999999999999999999999.9999999998'],
  ['times', 1, 'day', '0044-03-16 BC', '0044-03-16 (BC)'],
  ['texts', 0, 'bytes', String.raw`\x00ff`, String.raw`\x00\xFF`],
  ['keys_of_many_kinds', 0, 'note', 'noted', 'noted'],
];

/** Computed from others, or renewed with each change. */
const following: Readonly<Record<string, readonly string[]>> = {
  products: ['total', 'label'],
  invoices: ['updated_at'],
};

/** As many as the memory of one query has room for, of tables as wide as they come. */
const mostColumns = 50;

/** All rows of a table as the engine has them now, in the order of the grid. */
async function rowsNow({ name, key }: ManyTable, columns: readonly string[]): Promise<Texts[]> {
  const all: Record<string, string | null>[] = [];
  for (let first = 0; first < columns.length; first += mostColumns) {
    const list = columns.slice(first, first + mostColumns).map((column) => {
      const quoted = `"${column.replaceAll('"', '""')}"`;
      return `CAST(${quoted} AS VARCHAR) AS ${quoted}`;
    });
    const order = key.length === 0 ? 'rowid' : key.map((column) => `t."${column}"`).join(', ');
    const query = `SELECT ${list.join(', ')} FROM ${quotedPath(name)} AS t ORDER BY ${order} LIMIT 100`;
    // A process that has answered many may have too little memory left for a wide one; the next is a new one.
    const { rows } = (await site.sql(query).catch(() => site.sql(query))) as { rows: Texts[] };
    for (const [index, row] of rows.entries()) all[index] = { ...all[index], ...row };
  }
  return all;
}

test.each(edits)('%s, row %i: an edit of %s changes that cell alone', async (name, row, column, typed, text) => {
  const table = manyTables.find((each) => each.name === name)!;
  const columns = Object.keys((await rowsOfFile(table))[0] ?? {});
  const before = await rowsNow(table, columns);
  const { page } = opened;
  await openWide(table, columns.length);
  const cell = page.locator(
    `[role=row][aria-rowindex="${row + 2}"]:visible [aria-colindex="${columns.indexOf(column) + 1}"]`,
  );
  await cell.dblclick();
  const editor = page.locator('.grid-editor').locator('input, textarea, select');
  await editor.waitFor();
  if (name === 'moods') await editor.selectOption(typed);
  else await editor.fill(typed);
  await editor.press('Enter');
  await page.keyboard.press('Control+s');
  await page.getByText('1 saved', { exact: true }).first().waitFor();
  await page.getByText('Nothing is changed.').waitFor();
  const left = (rows: readonly Texts[]): Texts[] =>
    rows.map((each) =>
      Object.fromEntries(Object.entries(each).filter(([of]) => following[name]?.includes(of) !== true)),
    );
  const after = await rowsNow(table, columns);
  const place = table.key.length > 0 ? row : after.findIndex((each) => each[column] === text);
  expect(left(after)).toEqual(
    left(before.map((each, index) => (index === place ? { ...each, [column]: text } : each))),
  );
  expect(opened.faults).toEqual([]);
});
