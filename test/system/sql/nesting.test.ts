/** Statements that a parser or a binder would break on are refused before, on either engine; flat ones may be as long. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireShallow } from '../../../lib/sql/nesting.ts';
import { tokensOf } from '../../../lib/sql/tokens.ts';
import { type Deploy, onDuckDb, onPostgres } from '../../support/deployments.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import type { Service } from '../../support/service.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

const migration = {
  name: '0001_deep',
  sql: `CREATE TABLE deep (id INTEGER PRIMARY KEY, a VARCHAR); INSERT INTO deep VALUES (1, 'x')`,
};

async function run(service: Service, query: string): Promise<unknown> {
  const response = await service.send('POST', '/api/sql', { json: { query } });
  if (response.status === 200) return 200;
  return [response.status, ((await response.json()) as { code: string }).code];
}

const repeated = (before: string, times: number, after = '', middle = '1'): string =>
  `${before.repeat(times)}${middle}${after.repeat(times)}`;
const selects = (times: number) => repeated('(SELECT ', times, ')');

/** What both refuse. */
const tooDeep: readonly string[] = [
  `UPDATE deep SET a = ''${`||'x'`.repeat(900)}`,
  `UPDATE deep SET id = 0${'+1'.repeat(900)}`,
  `SELECT 0${'+1'.repeat(900)}`,
  `DELETE FROM deep WHERE id = ${repeated('abs(', 600, ')')}`,
  `CREATE TABLE other (id INTEGER PRIMARY KEY, a INTEGER DEFAULT (0${'+1'.repeat(900)}))`,
  `CREATE TABLE other (id INTEGER PRIMARY KEY, CHECK (id <> ${repeated('abs(', 600, ')')}))`,
];

const flat: readonly string[] = [
  `SELECT id FROM deep WHERE id = 1${' OR id = 2 AND id = 3'.repeat(1000)}`,
  `UPDATE deep SET a = 'y' WHERE id = 1${' AND id = 1'.repeat(1000)}`,
  `UPDATE deep SET a = a${` || 'x'`.repeat(100)}`,
  `SELECT ${repeated('(', 150, ')')}`,
  `SELECT 1${' UNION ALL SELECT 1'.repeat(300)}`,
  `INSERT INTO deep VALUES ${Array.from({ length: 3000 }, (_, id) => `(${id} + 10, 'a' || 'b')`).join(', ')}`,
  `SELECT ${selects(9)}`,
  `CREATE TABLE other (id INTEGER PRIMARY KEY, a INTEGER DEFAULT (0${'+1'.repeat(50)}), CHECK (a > 0 AND a < 99))`,
];

async function outcomes(deploy: Deploy, texts: readonly string[]): Promise<Record<string, unknown>> {
  const service = await deploy().instance({ migrations: [migration] });
  const all: Record<string, unknown> = {};
  for (const text of texts) all[text.slice(0, 60)] = await run(service, text);
  expect(await run(service, 'SELECT a FROM deep')).toBe(200);
  return all;
}

const each = (texts: readonly string[], outcome: unknown) =>
  Object.fromEntries(texts.map((text) => [text.slice(0, 60), outcome]));

describe.each<[string, Deploy, readonly string[]]>([
  [
    'on DuckDB',
    onDuckDb,
    [
      `UPDATE deep SET id = ${selects(25)}`,
      `DELETE FROM deep WHERE ${repeated('EXISTS (SELECT 1 FROM deep WHERE ', 25, ')', 'true')}`,
      `SELECT ${Array.from({ length: 40 }, () => `'x'${`||'x'`.repeat(150)}`).join(', ')}`,
    ],
  ],
  [
    'on PostgreSQL',
    onPostgres(() => server),
    [
      `SELECT 1${'+1'.repeat(20_000)}`,
      ...['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `SELECT 1 AS ${name}, 2${'+1'.repeat(20_000)}`),
      `SELECT ${repeated('(', 45_000, ')')}`,
      `SELECT 1${' UNION SELECT 1'.repeat(5000)}`,
      `SELECT ${repeated('NOT ', 20_000, '', 'true')}`,
      `SELECT ${repeated('CASE WHEN true THEN 1 ELSE ', 1500, ' END')}`,
    ],
  ],
])('%s', (_name, deploy, more) => {
  const refused = [...tooDeep, ...more];
  it('refuses what goes too deep', { timeout: 60_000 }, async () => {
    expect(await outcomes(deploy, refused)).toEqual(each(refused, [400, '54001']));
  });

  it('runs what is long and flat', { timeout: 60_000 }, async () => {
    expect(await outcomes(deploy, flat)).toEqual(each(flat, 200));
  });
});

it('counts operators in a row, each level of brackets by itself', () => {
  const shallow = (sql: string, most: number) => requireShallow(tokensOf(sql), most);
  expect(() => shallow('SELECT 1 || 2 || 3, 4 || 5 || 6', 2)).not.toThrow();
  expect(() => shallow('SELECT 1 || 2 || 3 || 4', 2)).toThrow('2 operators in a row');
  expect(() => shallow('SELECT 1 + (2) + (3 + 4) + 5', 2)).toThrow('2 operators in a row');
  expect(() => shallow('SELECT a[1][1][1]', 2)).toThrow('2 operators in a row');
  expect(() => shallow('SELECT (((1)))', 2)).toThrow('nested 2 deep');
});
