/** Files out of the console and into it: what a grid shows as a file, and files that are larger than one request. */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Console, openConsole } from '../../support/browser.ts';
import { startPostgres } from '../../support/servers/postgres.ts';

vi.setConfig({ testTimeout: 150_000 });

let site: Console;
beforeAll(async () => {
  site = await openConsole();
  await site.sql(`CREATE TABLE things (id INTEGER PRIMARY KEY, label VARCHAR, price DECIMAL(10,2), big BIGINT)`);
  await site.sql(
    `INSERT INTO things SELECT i, 'thing, "' || i || '"', i / 4, 9007199254740993 + i FROM range(1, 25001) t(i)`,
  );
});
afterAll(() => site.close());

const view = (query: Readonly<Record<string, unknown>>): string => {
  const texts = Object.entries(query).map(([name, value]): [string, string] => [name, JSON.stringify(value)]);
  return `#/tables/things?${new URLSearchParams(texts).toString()}`;
};

async function exported(page: Page, entry: string): Promise<Buffer> {
  await page.getByRole('button', { name: 'Export' }).click();
  const [download] = await Promise.all([
    page.waitForEvent('download', { timeout: 60_000 }),
    page.getByRole('menuitem', { name: entry }).click(),
  ]);
  return readFile(await download.path());
}

test('an export has the filters, the order and the columns of the grid, however many rows', async () => {
  const { page, close } = await site.open(
    view({ filter: [['price', '≥', '1000']], sort: [['price', 'desc']], hide: ['big'] }),
  );
  await page.getByText('21,001 rows').waitFor();
  const lines = (await exported(page, 'What is shown, as CSV')).toString().trimEnd().split(/\r?\n/);
  expect(lines.length).toBe(21_002);
  expect(lines.slice(0, 2)).toEqual(['id,label,price', '25000,"thing, ""25000""",6250.00']);
  expect(lines.at(-1)).toBe('4000,"thing, ""4000""",1000.00');
  expect(new Set(lines).size).toBe(lines.length);
  const whole = (await exported(page, 'The whole table, as CSV')).toString().trimEnd().split(/\r?\n/);
  expect([whole.length, whole[0]]).toEqual([25_001, 'id,label,price,big']);
  await close();
});

test('JSON lines keep every digit, and Parquet of too many rows is refused with the way out', async () => {
  const { page, close } = await site.open(view({ filter: [['id', '≤', '2']], sort: [['id', 'desc']] }));
  await page.getByText('2 rows', { exact: true }).waitFor();
  const lines = (await exported(page, 'What is shown, as JSON lines')).toString().trimEnd().split(/\r?\n/);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { id: 2, label: 'thing, "2"', price: '0.50', big: '9007199254740995' },
    { id: 1, label: 'thing, "1"', price: '0.25', big: '9007199254740994' },
  ]);
  const parquet = await exported(page, 'What is shown, as Parquet');
  expect([parquet.subarray(0, 4).toString(), parquet.subarray(-4).toString()]).toEqual(['PAR1', 'PAR1']);
  await page.goto(`${site.url}/${view({ hide: ['big'] })}`);
  await page.getByText('25,000 rows').waitFor();
  await page.getByRole('button', { name: 'Export' }).click();
  await page.getByRole('menuitem', { name: 'What is shown, as Parquet' }).click();
  await page.getByText('Parquet of a part of a table has 10,000 rows at most').first().waitFor();
  await close();
});

/** Six megabytes. */
function largeFile(): { name: string; mimeType: string; buffer: Buffer } {
  const text = 'x'.repeat(90);
  const lines = Array.from({ length: 60_000 }, (_, index) => `${index},${text}`);
  return { name: 'large.csv', mimeType: 'text/csv', buffer: Buffer.from(`id,text\n${lines.join('\n')}\n`) };
}

test('a file larger than one request goes in parts, sent once, and shows how far it is', async () => {
  const { page, close } = await site.open('#/tables?new=import');
  let parts = 0;
  page.on('request', (request) => {
    if (request.method() === 'PUT') parts++;
  });
  await page.setInputFiles('input[type=file]', largeFile());
  await page.getByRole('progressbar', { name: 'Sent' }).waitFor();
  await page.getByText('60,000 rows').first().waitFor({ timeout: 60_000 });
  await page.getByRole('button', { name: 'Import 60,000 rows' }).click();
  await page.getByRole('progressbar', { name: 'Importing' }).waitFor();
  await page.waitForURL('**/#/tables/large', { timeout: 90_000 });
  await page.getByText('60,000 rows', { exact: true }).waitFor();
  expect(parts).toBe(2);
  await close();
});

test('PostgreSQL takes no parts, and the dialog says what to do', async () => {
  const server = await startPostgres();
  const other = await openConsole({ DATABASE_URL: await server.createDatabase() });
  try {
    const { page, expectAccessible, close } = await other.open('#/tables?new=import');
    await page.setInputFiles('input[type=file]', largeFile());
    await page
      .getByRole('alert')
      .getByText(/Split a larger file into several/)
      .waitFor();
    expect(await page.getByRole('button', { name: /^Import/ }).isDisabled()).toBe(true);
    await expectAccessible();
    await close();
  } finally {
    await other.close();
    await server.close();
  }
});
