/** What was exported is imported as it was: every type, every format, whatever the table is like. */
import { DuckDBInstance, type DuckDBValue, INTEGER } from '@duckdb/node-api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { plainRows } from '../../../lib/db/duckdb/dialect.ts';
import { Session } from '../../../lib/sync/sql.ts';
import type { Row } from '../../../lib/values.ts';
import { duckDbTypes } from '../../support/duckdb-values.ts';
import { startReplicated } from '../../support/replicated.ts';
import type { Service } from '../../support/service.ts';

const names = Object.keys(duckDbTypes);
const columns = names.map((column) => `"${column}" ${duckDbTypes[column]!.type}`).join(', ');
const ddl = (table: string): string =>
  `CREATE TABLE ${table} (id INTEGER PRIMARY KEY, ${columns}, twice BIGINT GENERATED ALWAYS AS (id * 2));`;
const anyRow = fc.record(Object.fromEntries(names.map((column) => [column, fc.option(duckDbTypes[column]!.value)])));
const types = { csv: 'text/csv', jsonl: 'application/jsonl', parquet: 'application/vnd.apache.parquet' };

/** As rows of a database. */
async function shown(given: readonly Record<string, DuckDBValue>[]): Promise<Row[]> {
  const session = new Session(await (await DuckDBInstance.create(':memory:')).connect());
  await session.execute(ddl('source'));
  const list = names.map((column) => `"${column}"`).join(', ');
  const found = (await session.run(`SELECT ${list} FROM source`)).columnTypes();
  const marks = names.map((_, index) => `$${index + 2}`).join(', ');
  for (const [id, row] of given.entries()) {
    const values = names.map((column) => row[column] ?? null);
    await session.run(`INSERT INTO source (id, ${list}) VALUES ($1, ${marks})`, [id, ...values], [INTEGER, ...found]);
  }
  const rows = plainRows(await session.run(`SELECT id, ${list} FROM source ORDER BY id`));
  return rows.filter((row) => !JSON.stringify(row).includes(String.raw`\u0000`));
}

/** Without the signs of zeros: DuckDB's compression takes 0 and -0 for the same, so that a checkpoint may change them. */
async function rowsOf(service: Service, table: string): Promise<unknown> {
  const text = await (await service.send('GET', `/api/${table}?order=id&limit=500`)).text();
  return (JSON.parse(text, (_, value: unknown) => (value === '-0' ? 0 : value)) as { data: unknown }).data;
}

it('gives back every value in every format', async () => {
  const service = await startReplicated({
    migrations: [{ name: '0001', sql: ['source', ...Object.keys(types)].map(ddl).join('') }],
  });
  const rows = await shown(fc.sample(anyRow, 80));
  const made = await service.send('POST', '/api/source', { json: rows });
  expect([made.status, rows.length > 20]).toEqual([201, true]);
  for (const [format, type] of Object.entries(types)) {
    const file = await (await service.send('GET', `/api/export?table=source&format=${format}`)).arrayBuffer();
    const taken = await service.send('POST', `/api/import?table=${format}`, {
      body: new Uint8Array(file),
      headers: { 'content-type': type },
    });
    expect([format, taken.status]).toEqual([format, 201]);
    expect(await rowsOf(service, format)).toEqual(await rowsOf(service, 'source'));
  }
});
