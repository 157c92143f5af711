/** POST /api/import: files as other programs write them, all rows or none, faults by line. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readCsv } from '../../../lib/imports/csv.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { startReplicated } from '../../support/replicated.ts';
import type { Service } from '../../support/service.ts';

interface Problem {
  readonly detail: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

const send = (
  service: Service,
  table: string,
  type: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<Response> => service.send('POST', `/api/import?table=${table}`, { body, headers: { 'content-type': type } });

async function count(service: Service, table: string): Promise<number> {
  const response = await service.send('GET', `/api/${table}?limit=1&count=exact`);
  return ((await response.json()) as { count: number }).count;
}

it('takes CSV, JSON lines and Parquet', async () => {
  const service = await startReplicated();
  const csv = await send(
    service,
    'courses',
    'text/csv; charset=utf-8',
    '\uFEFFcode,title,credits\r\nA1,"Comma, ""quoted""",3\r\n\r\nA2,Plain,0\r\n',
  );
  expect([csv.status, await csv.json()]).toEqual([201, { table: 'courses', rows: 2 }]);
  expect(csv.headers.get('db-durability')).toBe('durable');
  const lines = await send(
    service,
    'courses',
    'application/x-ndjson',
    '{"code":"B1","title":"x","credits":1}\n\n{"code":"B2","title":"y","credits":2}\n',
  );
  expect(lines.status).toBe(201);
  const path = join(await temporaryFolder(), 'x.parquet');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(
    `COPY (SELECT 'C' || i AS code, 'Course ' || i AS title, (i % 31)::INTEGER AS credits FROM range(2500) t(i)) TO '${path}'`,
  );
  const parquet = await send(service, 'courses', 'application/vnd.apache.parquet', new Uint8Array(readFileSync(path)));
  expect([parquet.status, await parquet.json()]).toEqual([201, { table: 'courses', rows: 2500 }]);
  expect(await count(service, 'courses')).toBe(2504);
  const found = await service.send('GET', '/api/courses?code=eq.A1');
  expect(await found.json()).toMatchObject({ data: [{ title: 'Comma, "quoted"', credits: 3 }] });
});

it('tells every fault by its line, and imports nothing then', async () => {
  const service = await startReplicated();
  const body = 'code,title,credits\nA1,"two\nlines",3\nA2,,4\nA3,ok,many\nA4,ok,99\nA5,ok,5\n';
  const response = await send(service, 'courses', 'text/csv', body);
  expect(response.status).toBe(422);
  const { detail, errors } = (await response.json()) as Problem;
  expect(errors).toEqual([
    { path: '4/title', message: 'is required' },
    { path: '5/credits', message: expect.stringMatching(/^must be a whole number/) },
    { path: '6/credits', message: 'must be 30 or less' },
  ]);
  expect(detail).toMatch(/^3 rows are wrong, so nothing was imported: line 4, title is required;/);
  const many = await send(service, 'courses', 'text/csv', `code,title,credits\n${'x,y,z\n'.repeat(5000)}`);
  expect(((await many.json()) as Problem).errors).toHaveLength(100);
  expect(await count(service, 'courses')).toBe(0);
});

it('finds duplicates and missing references wherever they are, by line', async () => {
  const service = await startReplicated();
  const rows = Array.from({ length: 2300 }, (_, at) => `C${at},T,1`);
  const twice = await send(
    service,
    'courses',
    'text/csv',
    `code,title,credits\n${[...rows, 'C7,again,1'].join('\n')}\n`,
  );
  expect(twice.status).toBe(409);
  expect(((await twice.json()) as Problem).errors).toEqual([
    { path: '2302/code', message: 'is the same as in line 9' },
  ]);
  expect(await count(service, 'courses')).toBe(0);
  const near = await send(service, 'courses', 'text/csv', 'code,title,credits\nA1,T,1\nA1,T,1\n');
  expect(((await near.json()) as Problem).errors).toEqual([{ path: '3/code', message: 'is the same as in line 2' }]);
  const id = '00000000-0000-4000-8000-00000000dead';
  const enrolled = await send(
    service,
    'enrollments',
    'text/csv',
    `student_id,course_id,term,status\n${id},${id},2026-F,enrolled\n`,
  );
  expect(enrolled.status).toBe(422);
  expect(((await enrolled.json()) as Problem).errors[0]?.path).toMatch(/^2\/(?:student|course)_id$/);
});

it('refuses what it does not understand', async () => {
  const service = await startReplicated();
  for (const [path, type, body, status] of [
    ['/api/import', 'text/csv', 'code\nA', 400],
    ['/api/import?table=nothing', 'text/csv', 'code\nA', 404],
    ['/api/import?table=courses&format=xlsx', 'text/csv', 'code\nA', 400],
    ['/api/import?table=courses', 'text/html', 'code\nA', 415],
    ['/api/import?table=courses', 'text/csv', '', 422],
    ['/api/import?table=courses', 'text/csv', 'code,title,credits,nothing\nA,b,1,2', 422],
    ['/api/import?table=courses', 'text/csv', 'code,code\nA,b', 422],
    ['/api/import?table=courses', 'text/csv', 'code,title,credits\nA,b', 422],
    ['/api/import?table=courses', 'text/csv', 'code,title,credits\nA,"b,1', 422],
    ['/api/import?table=courses', 'application/jsonl', '{"code":"A"', 422],
    ['/api/import?table=courses', 'application/jsonl', '[1]', 422],
    ['/api/import?table=courses', 'application/vnd.apache.parquet', 'PAR1 nonsense PAR1', 422],
    ['/api/import?table=courses&format=csv', 'application/octet-stream', 'x'.repeat(4_600_000), 413],
    ['/api/import?table=courses&format=csv', 'text/plain', 'code', 415],
  ] as const) {
    const response = await service.send('POST', path, { body, headers: { 'content-type': type } });
    expect([path, body.slice(0, 30), response.status]).toEqual([path, body.slice(0, 30), status]);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  }
  expect(await count(service, 'courses')).toBe(0);
});

it('reads CSV as it is written', () => {
  expect([...readCsv('a,b\r"1,""2""\r\n3",\n,""\n\nx')]).toEqual([
    { line: 1, cells: ['a', 'b'] },
    { line: 2, cells: ['1,"2"\r\n3', null] },
    { line: 4, cells: [null, ''] },
    { line: 6, cells: ['x'] },
  ]);
  expect(() => [...readCsv('a"b,c')]).toThrow(/line 1 has a quote out of place/);
  expect(() => [...readCsv('a\n"b"c')]).toThrow(/line 2/);
});
