/** POST /api/query on real DuckDB: its answers, and that each query sees what was committed. */
import { DuckDBInstance } from '@duckdb/node-api';
import { tableFromIPC } from 'apache-arrow';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../support/engine.ts';
import { startReplicated } from '../support/replicated.ts';
import type { Service } from '../support/service.ts';

interface Answered {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly truncated: string | null;
}

async function start(): Promise<Service> {
  const service = await startReplicated();
  for (const code of ['CS1', 'CS2', 'MA1']) {
    const json = { code, title: `About ${code}`, credits: code.length };
    expect((await service.send('POST', '/api/courses', { json })).status).toBe(201);
  }
  return service;
}

const ask = (service: Service, json: object, headers = {}): Promise<Response> =>
  service.send('POST', '/api/query', { json, headers });

async function rowsOf(service: Service, sql: string, parameters?: unknown): Promise<Answered['rows']> {
  const response = await ask(service, { sql, ...(parameters === undefined ? {} : { parameters }) });
  if (response.status !== 200) throw new Error(await response.text());
  return ((await response.json()) as Answered).rows;
}

it('answers columns with their types, and values in the forms of rows', async () => {
  const service = await start();
  const response = await ask(service, {
    sql: `SELECT code, credits, credits::BIGINT AS big, 1.50 AS exact, NULL AS nothing, created_at IS NOT NULL AS made,
      [1, 2] AS list, DATE '2026-11-24' AS day, 'a' AS code FROM courses WHERE code = $1`,
    parameters: ['CS1'],
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('db-bookmark')).toMatch(/^\d+$/);
  const { columns, rows, truncated } = (await response.json()) as Answered;
  expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
    'code VARCHAR',
    'credits INTEGER',
    'big BIGINT',
    'exact DECIMAL(3,2)',
    'nothing INTEGER',
    'made BOOLEAN',
    'list INTEGER[]',
    'day DATE',
    'code VARCHAR',
  ]);
  expect(rows).toEqual([['CS1', 3, '3', '1.50', null, true, [1, 2], '2026-11-24', 'a']]);
  expect(truncated).toBeNull();
});

it('takes parameters by position and by name, and says which are missing', async () => {
  const service = await start();
  expect(await rowsOf(service, 'SELECT ?::INTEGER + ?::INTEGER', [1, 2])).toEqual([[3]]);
  expect(await rowsOf(service, 'SELECT $1::DECIMAL(10, 2), [1]::INTEGER[]', ['1.5'])).toEqual([['1.50', [1]]]);
  expect(await rowsOf(service, 'SELECT $a || $b', { a: 'x', b: "'; DROP TABLE courses" })).toEqual([
    ["x'; DROP TABLE courses"],
  ]);
  for (const parameters of [[], [1], { a: 1 }, [1, 2, 3]]) {
    const response = await ask(service, { sql: 'SELECT $1::INTEGER, $2::INTEGER', parameters });
    expect(response.status).toBe(422);
    expect(((await response.json()) as { detail: string }).detail).toMatch(/parameter/);
  }
});

it('sees each commit, through checkpoints', async () => {
  const service = await start();
  for (let count = 4; count < 8; count++) {
    await service.send('POST', '/api/courses', { json: { code: `N${count}`, title: 'New', credits: 1 } });
    expect(await rowsOf(service, 'SELECT count(*) FROM courses')).toEqual([[String(count)]]);
    if (count % 2 === 0) await service.send('POST', '/api/db-sync');
    expect(await rowsOf(service, 'SELECT count(*) FROM courses')).toEqual([[String(count)]]);
  }
});

it('cuts off rows and says so', async () => {
  const service = await start();
  const response = await ask(service, { sql: 'SELECT * FROM range(100000)', limit: 7 });
  expect(response.headers.get('db-truncated')).toBe('rows');
  expect(await response.json()).toMatchObject({ truncated: 'rows', rows: { length: 7 } });
  const large = await ask(service, { sql: `SELECT repeat('x', 100000) FROM range(1000)` });
  const text = await large.text();
  expect(JSON.parse(text)).toMatchObject({ truncated: 'bytes' });
  expect(text.length).toBeLessThan(4_100_000);
  expect(text.length).toBeGreaterThan(3_000_000);
});

it('answers CSV, Parquet and Arrow', async () => {
  const service = await start();
  const sql = `SELECT code, credits, credits::BIGINT AS big, sum(credits) OVER () AS total, 1.50 AS exact, 'a "b", c' AS text, '' AS empty,
    NULL AS nothing, TIMESTAMPTZ '2026-11-24 04:05:06.789+00' AS at, [1, 2] AS list, {'a': 1} AS struct, DATE '2026-11-24' AS day
    FROM courses ORDER BY code`;
  const csv = await ask(service, { sql }, { accept: 'text/csv' });
  expect((await csv.text()).split('\r\n').slice(0, 2)).toEqual([
    'code,credits,big,total,exact,text,empty,nothing,at,list,struct,day',
    'CS1,3,3,9,1.50,"a ""b"", c","",,2026-11-24T04:05:06.789000Z,"[1,2]","{""a"":1}",2026-11-24',
  ]);
  const parquet = await ask(service, { sql }, { accept: 'application/vnd.apache.parquet' });
  expect(parquet.headers.get('content-type')).toBe('application/vnd.apache.parquet');
  const path = join(await temporaryFolder(), 'answer.parquet');
  await writeFile(path, Buffer.from(await parquet.arrayBuffer()));
  const reader = await (await (await DuckDBInstance.create()).connect()).runAndReadAll(`SELECT * FROM '${path}'`);
  expect(reader.columnTypes().map(String)).toEqual([
    'VARCHAR',
    'INTEGER',
    'BIGINT',
    'DECIMAL(38,0)',
    'DECIMAL(3,2)',
    'VARCHAR',
    'VARCHAR',
    'INTEGER',
    'TIMESTAMP WITH TIME ZONE',
    'INTEGER[]',
    'VARCHAR',
    'DATE',
  ]);
  expect(reader.getRowsJson()[2]).toEqual([
    'MA1',
    3,
    '3',
    '9',
    '1.50',
    'a "b", c',
    '',
    null,
    '2026-11-24 04:05:06.789+00',
    [1, 2],
    '{"a":1}',
    '2026-11-24',
  ]);
  const arrow = await ask(service, { sql }, { accept: 'application/vnd.apache.arrow.stream' });
  const table = tableFromIPC(new Uint8Array(await arrow.arrayBuffer()));
  expect(table.schema.fields.map(({ name }) => name)).toEqual(reader.columnNames());
  expect(table.getChild('big')?.get(0)).toBe(3n);
  expect(table.getChild('credits')?.get(2)).toBe(3);
  expect(table.getChild('text')?.get(1)).toBe('a "b", c');
  expect(table.getChild('nothing')?.get(1)).toBeNull();
  expect((await ask(service, { sql }, { accept: 'image/png' })).status).toBe(406);
});

it('names what is wrong with a request', async () => {
  const service = await start();
  for (const [json, path] of [
    [{}, 'sql'],
    [{ sql: 5 }, 'sql'],
    [{ sql: ' ' }, 'sql'],
    [{ sql: 'SELECT 1\0' }, 'sql'],
    [{ sql: 'SELECT 1', parameters: 'x' }, 'parameters'],
    [{ sql: 'SELECT $1', parameters: [{ a: 1 }] }, 'parameters/0'],
    [{ sql: 'SELECT $1', parameters: [1, [3]] }, 'parameters/1'],
    [{ sql: 'SELECT $x', parameters: { x: [] } }, 'parameters/x'],
    [{ sql: 'SELECT $1', parameters: [9_007_199_254_740_992] }, 'parameters/0'],
    [{ sql: 'SELECT $1', parameters: ['\ud800'] }, 'parameters/0'],
    [{ sql: 'SELECT 1', limit: 0 }, 'limit'],
    [{ sql: 'SELECT 1', limit: 10_001 }, 'limit'],
    [{ sql: 'SELECT 1', settings: {} }, 'settings'],
  ] as const) {
    const response = await ask(service, json);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ errors: [{ path }] });
  }
  const wrong = await ask(service, { sql: 'SELECT nothing FROM courses' });
  expect(wrong.status).toBe(422);
  expect(((await wrong.json()) as { detail: string }).detail).toMatch(/"nothing" not found/);
});
