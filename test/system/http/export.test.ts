/** GET /api/export: files as other programs read them, of one version, and nothing left behind. */
import { DuckDBInstance } from '@duckdb/node-api';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { readCsv } from '../../../lib/imports/csv.ts';
import { startReplicated } from '../../support/replicated.ts';
import type { Service } from '../../support/service.ts';

const courses = Array.from({ length: 900 }, (_, at) => ({
  code: `C${String(at).padStart(5, '0')}`,
  title: at % 3 === 0 ? `Line, "quoted" ${at}` : `Course ${at}`,
  credits: at % 31,
}));

async function start(): Promise<{ service: Service; folder: string }> {
  const folder = await temporaryFolder();
  const service = await startReplicated({ environment: { TMPDIR: folder } });
  const made = await service.send('POST', '/api/courses', { json: courses });
  if (made.status !== 201) throw new Error(await made.text());
  return { service, folder };
}

async function fileOf(response: Response): Promise<string> {
  if (response.status !== 200) throw new Error(await response.text());
  const bytes = Buffer.from(await response.arrayBuffer());
  if (bytes.length !== Number(response.headers.get('content-length'))) throw new Error('The length is wrong.');
  const path = join(await temporaryFolder(), 'file');
  await writeFile(path, bytes);
  return path;
}

async function query(sql: string): Promise<unknown[][]> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  return (await connection.runAndReadAll(sql)).getRowsJson();
}

const leftovers = (folder: string): string[] => {
  const root = join(folder, 'eider-files');
  return existsSync(root) ? readdirSync(root) : [];
};

it('gives a table as Parquet, CSV and JSON lines', async () => {
  const { service, folder } = await start();
  const parquet = await service.send('GET', '/api/export?table=courses');
  expect(parquet.headers.get('content-disposition')).toBe('attachment; filename="courses.parquet"');
  expect(parquet.headers.get('db-bookmark')).toMatch(/^\d+$/);
  const file = await fileOf(parquet);
  expect(await query(`SELECT count(*), sum(credits), count(DISTINCT id) FROM read_parquet('${file}')`)).toEqual([
    ['900', String(courses.reduce((sum, { credits }) => sum + credits, 0)), '900'],
  ]);
  expect(
    await query(`SELECT name, type FROM (DESCRIBE FROM read_parquet('${file}')) AS d(name, type, a, b, c, e)`),
  ).toEqual([
    ['id', 'UUID'],
    ['code', 'VARCHAR'],
    ['title', 'VARCHAR'],
    ['credits', 'INTEGER'],
    ['created_at', 'TIMESTAMP WITH TIME ZONE'],
    ['updated_at', 'TIMESTAMP WITH TIME ZONE'],
  ]);
  const csv = await fileOf(await service.send('GET', '/api/export?table=courses&format=csv'));
  expect(await query(`SELECT count(*), max(title) FROM read_csv('${csv}')`)).toEqual([['900', 'Line, "quoted" 99']]);
  const lines = await fileOf(
    await service.send('GET', '/api/export?table=courses&credits=gte.29', { headers: { accept: 'application/jsonl' } }),
  );
  const rows = readFileSync(lines, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { credits: number });
  expect(rows).toHaveLength(courses.filter(({ credits }) => credits >= 29).length);
  expect(new Set(rows.map(({ credits }) => credits))).toEqual(new Set([29, 30]));
  await expect.poll(() => leftovers(folder)).toEqual([]);
});

it('gives the whole database as a file that plain DuckDB opens, and that can be adopted again', async () => {
  const { service } = await start();
  const response = await service.send('GET', '/api/export?format=duckdb');
  expect(response.headers.get('content-type')).toBe('application/vnd.duckdb');
  const file = await fileOf(response);
  expect(
    await query(
      `ATTACH '${file}' AS f (READ_ONLY); SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'f' ORDER BY 1`,
    ),
  ).toEqual([['eider.migrations'], ['eider.references'], ['main.courses'], ['main.enrollments'], ['main.students']]);
  expect(await query(`ATTACH '${file}' AS f (READ_ONLY); SELECT count(*) FROM f.courses`)).toEqual([['900']]);
  const store = createMemoryStore({ runtime: systemRuntime });
  await store.create('test.db', readFileSync(file));
  const adopted = await startReplicated({ store });
  const list = await adopted.send('GET', '/api/courses?limit=1&count=exact');
  expect(await list.json()).toMatchObject({ count: 900 });
  expect((await adopted.send('POST', '/api/courses', { json: { code: 'NEW', title: 'x', credits: 1 } })).status).toBe(
    201,
  );
});

it('says what is wrong, and leaves nothing behind', async () => {
  const { service, folder } = await start();
  for (const [path, status] of [
    ['/api/export?table=nothing', 404],
    ['/api/export?table=courses&format=xlsx', 400],
    ['/api/export?table=courses&format=duckdb', 400],
    ['/api/export?format=csv', 400],
    ['/api/export?credits=eq.1', 400],
    ['/api/export?table=courses&nothing=eq.1', 400],
    ['/api/export?table=courses&table=students', 400],
  ] as const) {
    const response = await service.send('GET', path);
    expect([path, response.status]).toEqual([path, status]);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  }
  const left = await service.send('GET', '/api/export?table=courses');
  await left.body?.cancel();
  await expect.poll(() => leftovers(folder)).toEqual([]);
});

it('answers HEAD with the headers of GET, and keeps nothing', async () => {
  const { service, folder } = await start();
  const [head, get] = [
    await service.send('HEAD', '/api/export?table=courses&format=csv'),
    await service.send('GET', '/api/export?table=courses&format=csv'),
  ];
  const told = ({ headers }: Response) =>
    ['content-type', 'content-length', 'content-disposition', 'db-bookmark'].map((name) => headers.get(name));
  expect([head.status, await head.text(), told(head)]).toEqual([200, '', told(get)]);
  await get.arrayBuffer();
  await vi.waitFor(() => expect(leftovers(folder)).toEqual([]));
});

it('escapes what a spreadsheet would take for a formula, where that is asked for', async () => {
  const service = await startReplicated();
  for (const [code, title] of [
    ['A1', '=HYPERLINK("x")'],
    ['A2', '+1'],
    ['A3', '-1'],
    ['A4', '@x'],
    ['A5', 'a=b'],
  ])
    await service.send('POST', '/api/courses', { json: { code, title, credits: 1 } });
  const titles = async (more: string): Promise<(string | undefined)[]> => {
    const text = await (await service.send('GET', `/api/export?table=courses&format=csv${more}`)).text();
    return [...readCsv(text)]
      .slice(1)
      .map(({ cells }) => cells.find((cell) => /[=+@-]/.test(cell ?? '') && cell!.length < 20) ?? undefined);
  };
  expect(new Set(await titles(''))).toEqual(new Set(['+1', '-1', '=HYPERLINK("x")', '@x', 'a=b']));
  expect(new Set(await titles('&escape=formulas'))).toEqual(new Set(["'+1", "'-1", `'=HYPERLINK("x")`, "'@x", 'a=b']));
  expect((await service.send('GET', '/api/export?table=courses&format=csv&escape=x')).status).toBe(400);
});
