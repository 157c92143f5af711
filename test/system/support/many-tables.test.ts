/** The file of many tables is what it says, and states are compared to the last value. */
import { DuckDBInstance } from '@duckdb/node-api';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DatabaseState, differencesOf, stateOf } from '../../support/database-state.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { makeManyTables, manyTables, manyViews, quotedPath } from '../../support/many-tables.ts';

async function withFile<T>(path: string, work: (run: (sql: string) => Promise<unknown[][]>) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  try {
    return await work(async (sql) => (await connection.runAndReadAll(sql)).getRowsJson());
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

describe('the file of many tables', () => {
  it('has the tables, keys, rows and views that it lists', async () => {
    const path = join(await temporaryFolder(), 'many.db');
    await makeManyTables(path);
    await withFile(path, async (run) => {
      const keys = await run(
        `SELECT CASE schema_name WHEN 'main' THEN '' ELSE schema_name || '.' END || t.table_name, coalesce(constraint_column_names, [])
         FROM duckdb_tables() t LEFT JOIN (FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY') c USING (schema_name, table_name)`,
      );
      expect(new Map(keys as [string, string[]][])).toEqual(new Map(manyTables.map(({ name, key }) => [name, key])));
      for (const { name, rows } of manyTables) {
        const [[count] = []] = await run(`SELECT count(*) FROM ${quotedPath(name)}`);
        expect([name, Number(count) > 0]).toEqual([name, rows.length > 0]);
      }
      for (const view of manyViews) await run(`FROM ${quotedPath(view)}`);
    });
  });
});

describe('states', () => {
  const original =
    'CREATE SEQUENCE s; CREATE TABLE t (a DOUBLE, b INTERVAL, c VARCHAR[]); INSERT INTO t VALUES (0, NULL, NULL), (0, NULL, NULL)';
  let expected: DatabaseState;

  async function after(...statements: readonly string[]): Promise<DatabaseState> {
    return withFile(':memory:', async (run) => {
      for (const statement of [original, ...statements]) await run(statement);
      return stateOf(run);
    });
  }

  beforeAll(async () => void (expected = await after()));

  it('are the same for the same statements', async () => {
    expect(differencesOf(expected, await after())).toEqual([]);
  });

  it.each([
    ['a sequence that moved', `SELECT nextval('s')`, /next value of main\.s/],
    // No UPDATE: DuckDB leaves a value as it is when the new one is equal to it.
    ['-0 for 0', `DELETE FROM t; INSERT INTO t VALUES ('-0', NULL, NULL), (0, NULL, NULL)`, /row of main\.t/],
    ['a twin less', 'DELETE FROM t WHERE rowid = 0', /is missing/],
    ['a twin more', 'INSERT INTO t VALUES (0, NULL, NULL)', /should not be there/],
    ['a default', 'ALTER TABLE t ALTER a SET DEFAULT 1', /column main\.t\.a/],
    ['a comment', `COMMENT ON COLUMN t.b IS 'b'`, /column main\.t\.b/],
    ['a view', 'CREATE VIEW v AS FROM t', /view main\.v/],
    ['a macro', 'CREATE MACRO m(x) AS x', /macro main\.m/],
    ['an index', 'CREATE INDEX i ON t (a)', /index main\.i/],
    ['a type', `CREATE TYPE y AS ENUM ('a')`, /type main\.y/],
    ['a schema', 'CREATE SCHEMA other', /schema other/],
  ])('differ by %s', async (_, statement, difference) => {
    expect(differencesOf(expected, await after(statement)).join('\n')).toMatch(difference);
  });

  it.each([
    [`INTERVAL '1 month'`, `INTERVAL '30 days'`],
    [`INTERVAL '1 day'`, `INTERVAL '24 hours'`],
  ])('tell %s from %s, which DuckDB calls equal', async (one, other) => {
    const [a, b] = [await after(`UPDATE t SET b = ${one}`), await after(`UPDATE t SET b = ${other}`)];
    expect(differencesOf(a, b)).not.toEqual([]);
  });

  it.each([
    [`['a', NULL]`, `['a', 'NULL']`],
    [`['a, b']`, `['a', 'b']`],
    [`[chr(65279)]`, `['']`],
    [`[]`, `NULL`],
    [`['']`, `[]`],
  ])('tell the list %s from %s', async (one, other) => {
    const [a, b] = [await after(`UPDATE t SET c = ${one}`), await after(`UPDATE t SET c = ${other}`)];
    expect(differencesOf(a, b)).not.toEqual([]);
  });
});
