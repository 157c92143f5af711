/** Reading by POST /api/sql on real DuckDB: its answers, and that each query sees what was committed. */
import { DuckDBInstance } from '@duckdb/node-api';
import { tableFromIPC } from 'apache-arrow';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../support/engine.ts';
import { startReplicated } from '../../../support/replicated.ts';
import type { Service } from '../../../support/service.ts';
import { problemType } from '../../../support/problems.ts';

interface Answered {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
  readonly rows: readonly (readonly unknown[])[];
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
  service.send('POST', '/api/sql', { json: { arrayMode: true, ...json }, headers });

async function rowsOf(service: Service, query: string, params?: unknown): Promise<Answered['rows']> {
  const response = await ask(service, { query, ...(params === undefined ? {} : { params }) });
  if (response.status !== 200) throw new Error(await response.text());
  return ((await response.json()) as Answered).rows;
}

it('answers columns with their types, and values in the forms of rows', async () => {
  const service = await start();
  const response = await ask(service, {
    query: `SELECT code, credits, credits::BIGINT AS big, 1.50 AS exact, NULL AS nothing, created_at IS NOT NULL AS made,
      [1, 2] AS list, DATE '2026-11-24' AS day, 'a' AS code FROM courses WHERE code = $1`,
    params: ['CS1'],
  });
  expect(response.status).toBe(200);
  expect(response.headers.get('db-bookmark')).toMatch(/^\d+$/);
  const { fields, rows } = (await response.json()) as Answered;
  expect(fields.map(({ name, dataTypeID }) => `${name} ${dataTypeID}`)).toEqual([
    'code 25',
    'credits 23',
    'big 20',
    'exact 1700',
    'nothing 23',
    'made 16',
    'list 1007',
    'day 1082',
    'code 25',
  ]);
  expect(rows).toEqual([['CS1', 3, '3', '1.50', null, true, [1, 2], '2026-11-24', 'a']]);
});

it('takes parameters by position and by name, and says which are missing', async () => {
  const service = await start();
  expect(await rowsOf(service, 'SELECT ?::INTEGER + ?::INTEGER', [1, 2])).toEqual([[3]]);
  expect(await rowsOf(service, 'SELECT $1::DECIMAL(10, 2), [1]::INTEGER[]', ['1.5'])).toEqual([['1.50', [1]]]);
  expect(await rowsOf(service, 'SELECT $a || $b', { a: 'x', b: "'; DROP TABLE courses" })).toEqual([
    ["x'; DROP TABLE courses"],
  ]);
  // Where nothing says what type a list or an object has, it is its JSON.
  expect(await rowsOf(service, 'SELECT $1, $2', [{ a: 1 }, [1, null]])).toEqual([['{"a":1}', '[1,null]']]);
  expect(await rowsOf(service, 'SELECT $1::INTEGER[], typeof($2)', [[1], [1]])).toEqual([[[1], 'VARCHAR']]);
  for (const params of [[], [1], { a: 1 }, [1, 2, 3]]) {
    const response = await ask(service, { query: 'SELECT $1::INTEGER, $2::INTEGER', params });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: '08P01',
      detail: expect.stringMatching(/parameter/) as string,
    });
  }
});

it('says which parameter is not a value of its nested type', async () => {
  const service = await start();
  for (const [type, value] of [
    ['INTEGER[]', ['5x']],
    ['BIGINT[]', ['abc']],
    ['DECIMAL(5,2)[]', ['1.555']],
    ['STRUCT("a" INTEGER)', { a: { b: 1 } }],
  ] as const) {
    const response = await ask(service, { query: `SELECT 1, $1::${type}`, params: [value] });
    expect([response.status, await response.json()]).toMatchObject([400, { detail: `Parameter $1 is no ${type}.` }]);
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

it('refuses to answer more than there is room for', async () => {
  const service = await start();
  for (const query of ['SELECT * FROM range(10001)', `SELECT repeat('x', 100000) FROM range(1000)`]) {
    const response = await ask(service, { query });
    expect(response.status).toBe(507);
    expect(await response.json()).toMatchObject({ type: problemType('answer-too-large'), code: '54000' });
  }
  expect((await rowsOf(service, 'SELECT * FROM range(10000)')).length).toBe(10_000);
});

it('answers CSV, Parquet and Arrow', async () => {
  const service = await start();
  const query = `SELECT code, credits, credits::BIGINT AS big, sum(credits) OVER () AS total, 1.50 AS exact, 'a "b", c' AS text, '' AS empty,
    NULL AS nothing, TIMESTAMPTZ '2026-11-24 04:05:06.789+00' AS at, [1, 2] AS list, {'a': 1} AS struct, DATE '2026-11-24' AS day
    FROM courses ORDER BY code`;
  const csv = await ask(service, { query }, { accept: 'text/csv' });
  expect((await csv.text()).split('\r\n').slice(0, 2)).toEqual([
    'code,credits,big,total,exact,text,empty,nothing,at,list,struct,day',
    'CS1,3,3,9,1.50,"a ""b"", c","",,2026-11-24T04:05:06.789000Z,"[1,2]","{""a"":1}",2026-11-24',
  ]);
  const parquet = await ask(service, { query }, { accept: 'application/vnd.apache.parquet' });
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
  const arrow = await ask(service, { query }, { accept: 'application/vnd.apache.arrow.stream' });
  const table = tableFromIPC(new Uint8Array(await arrow.arrayBuffer()));
  expect(table.schema.fields.map(({ name }) => name)).toEqual(reader.columnNames());
  expect(table.getChild('big')?.get(0)).toBe(3n);
  expect(table.getChild('credits')?.get(2)).toBe(3);
  expect(table.getChild('text')?.get(1)).toBe('a "b", c');
  expect(table.getChild('nothing')?.get(1)).toBeNull();
  expect((await ask(service, { query }, { accept: 'image/png' })).status).toBe(406);
});

it('names what is wrong with a request', async () => {
  const service = await start();
  for (const [json, path] of [
    [{}, 'query'],
    [{ query: 5 }, 'query'],
    [{ query: ' ' }, 'query'],
    [{ query: 'SELECT 1\0' }, 'query'],
    [{ query: 'SELECT 1', params: 'x' }, 'params'],
    [{ query: 'SELECT $1', params: [9_007_199_254_740_992] }, 'params/0'],
    [{ query: 'SELECT $1', params: [['\ud800']] }, 'params/0'],
    [{ query: 'SELECT 1', settings: {} }, 'settings'],
    [{ query: 'SELECT 1', arrayMode: 1 }, 'arrayMode'],
  ] as const) {
    const response = await ask(service, json);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ path }] });
  }
  const batch = await service.send('POST', '/api/sql', { json: { queries: [{ query: 'SELECT 1' }, {}] } });
  expect(await batch.json()).toMatchObject({ errors: [{ path: 'queries/1/query' }] });
  const wrong = await ask(service, { query: 'SELECT nothing FROM courses' });
  expect(wrong.status).toBe(400);
  expect(await wrong.json()).toMatchObject({
    code: '42703',
    detail: expect.stringMatching(/"nothing" not found/) as string,
  });
});

it.each([
  'CREATE INDEX by_credits ON courses (credits)',
  'ALTER TABLE marks ADD PRIMARY KEY (id)',
  'CREATE UNIQUE INDEX one ON marks (id)',
])('goes on after %s, which builds an index over rows', async (definition) => {
  const service = await start();
  await rowsOf(service, 'CREATE TABLE marks AS SELECT range AS id FROM range(10)');
  expect(await rowsOf(service, 'SELECT count(*) FROM marks')).toEqual([['10']]);
  await rowsOf(service, definition);
  expect(await rowsOf(service, 'SELECT count(*) FROM courses WHERE credits = 3')).toEqual([['3']]);
  await rowsOf(service, 'INSERT INTO marks VALUES (11)');
  expect(await rowsOf(service, 'SELECT count(*) FROM marks')).toEqual([['11']]);
});
