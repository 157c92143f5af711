import { describe, expect, it } from 'vitest';
import { calledNames, columnClauses, definitionOf, readsFile } from '../../../lib/sql/definition.ts';
import { returningRows, statementOf } from '../../../lib/sql/statement.ts';
import { tokensOf } from '../../../lib/sql/tokens.ts';

const rowsSql = (sql: string): string => {
  const statement = statementOf(sql);
  return returningRows(statement, statement.write!).sql;
};

describe('a statement on rows', () => {
  it.each<[string, string]>([
    ['DELETE FROM t;', 'DELETE FROM t RETURNING *'],
    ['DELETE FROM t -- all', 'DELETE FROM t RETURNING *'],
    ['DELETE FROM t RETURNING a, b AS returning', 'DELETE FROM t RETURNING *, a, b AS returning'],
    ['INSERT INTO t VALUES (1) returning *', 'INSERT INTO t VALUES (1) returning *'],
    ['INSERT INTO t SELECT a AS returning FROM u', 'INSERT INTO t SELECT a AS returning FROM u RETURNING *'],
    ['UPDATE t SET a = u.returning FROM u', 'UPDATE t SET a = u.returning FROM u RETURNING *'],
    ['UPDATE t SET a = (SELECT f(returning))', 'UPDATE t SET a = (SELECT f(returning)) RETURNING *'],
    ['TRUNCATE TABLE "a b".t', 'DELETE FROM "a b".t RETURNING *'],
    [
      'MERGE INTO t USING u ON a = b WHEN MATCHED THEN DELETE',
      'MERGE INTO t USING u ON a = b WHEN MATCHED THEN DELETE RETURNING merge_action, *',
    ],
    [
      'MERGE INTO t USING u USING (a) WHEN MATCHED THEN DELETE RETURNING *',
      'MERGE INTO t USING u USING (a) WHEN MATCHED THEN DELETE RETURNING merge_action, *, *',
    ],
  ])('%s returns whole rows', (sql, expected) => {
    expect(rowsSql(sql)).toBe(expected);
  });

  it.each<[string, string, string[]]>([
    ['INSERT OR REPLACE INTO "A"."b c" AS x VALUES (1)', 'insert', ['A', 'b c']],
    ['UPDATE ONLY db.s.t AS x SET a = 1', 'update', ['db', 's', 't']],
    [
      'WITH RECURSIVE a(x) USING KEY (x) AS (SELECT 1), b AS NOT MATERIALIZED (SELECT 2) DELETE FROM t',
      'delete',
      ['t'],
    ],
    ['WITH update AS (SELECT 1) INSERT INTO t FROM update', 'insert', ['t']],
    ['truncate t', 'delete', ['t']],
    ['/* x */ merge into t using u on true when matched then delete', 'merge', ['t']],
  ])('%s: what and where', (sql, kind, parts) => {
    expect(statementOf(sql).write).toMatchObject({ kind, target: { parts } });
  });

  it.each<[string, string[] | null]>([
    ['UPDATE t SET a = 1, b = 2 WHERE c = 3', ['a', 'b']],
    ['UPDATE t SET (a, "B c") = (1, 2), d = e = f', ['B c', 'a', 'd']],
    ['UPDATE t SET a = b IS DISTINCT FROM c, d = 1 FROM u WHERE e = 1', ['a', 'd']],
    ['UPDATE t SET a = CASE WHEN b = 1 THEN 2 END, c = 5', ['a', 'c']],
    ['INSERT INTO t VALUES (1) ON CONFLICT (a) WHERE b = 1 DO UPDATE SET c = excluded.c', ['c']],
    [
      'MERGE INTO t USING u ON t.a = u.a WHEN MATCHED AND x = 1 THEN UPDATE SET b = CASE WHEN c = 2 THEN 1 END, d = 3 WHEN NOT MATCHED THEN INSERT',
      ['b', 'd'],
    ],
    ['MERGE INTO t USING u ON true WHEN MATCHED THEN UPDATE', null],
    ['MERGE INTO t USING u ON true WHEN MATCHED THEN UPDATE BY NAME', null],
    ['MERGE INTO t USING u ON true WHEN MATCHED THEN UPDATE SET *', null],
    ['DELETE FROM t WHERE a = 1', []],
  ])('%s may set', (sql, expected) => {
    expect(statementOf(sql).write?.assigned).toEqual(expected);
  });

  it.each<[string, boolean, boolean]>([
    ['INSERT INTO t (a, b) VALUES ($1, DEFAULT), (?, NULL) RETURNING a, "b"', true, true],
    ['INSERT INTO t VALUES ($1)', true, true],
    ['INSERT INTO t VALUES (1)', true, false],
    ['INSERT INTO t VALUES ($1), ($2), ($3), ($4), ($5)', true, false],
    ['INSERT INTO t VALUES ((SELECT $1))', true, false],
    ['INSERT INTO t VALUES (f($1))', true, false],
    ['INSERT INTO t FROM u UNION ALL VALUES ($1)', true, false],
    ['INSERT INTO t VALUES ($1) ON CONFLICT DO NOTHING', true, false],
    ['INSERT INTO t VALUES ($1) RETURNING (SELECT 1)', true, false],
    ['INSERT OR IGNORE INTO t VALUES ($1)', true, false],
    ['INSERT OR REPLACE INTO t VALUES ($1)', false, false],
    ['INSERT INTO t VALUES ($1) ON CONFLICT DO UPDATE SET a = 1', false, false],
    ['WITH a AS (SELECT 1) INSERT INTO t VALUES ($1)', true, false],
    ['UPDATE t SET a = $1', false, false],
  ])('%s adds only: %s; parameters only: %s', (sql, addsOnly, insertsParameters) => {
    expect(statementOf(sql).write).toMatchObject({ addsOnly, insertsParameters });
  });

  it.each(['', ';', 'SELECT 1; SELECT 2', 'DELETE FROM t RETURNING a RETURNING b', `SELECT 'a`, 'TRUNCATE t CASCADE'])(
    '%j is refused',
    (sql) => {
      expect(() => rowsSql(sql)).toThrow(expect.objectContaining({ kind: 'invalid', sqlState: '42601' }));
    },
  );
});

describe('a definition', () => {
  it.each<[string, object]>([
    [
      'CREATE OR REPLACE TABLE a.b (c INTEGER)',
      { action: 'CREATE', object: 'TABLE', orReplace: true, isOfQuery: false },
    ],
    ['CREATE TABLE IF NOT EXISTS t (a, b) AS SELECT 1, 2', { isConditional: true, isOfQuery: true }],
    ['CREATE TABLE t (a INTEGER, b INTEGER AS (a + 1))', { isOfQuery: false }],
    [`CREATE TYPE t AS ENUM ('a', 'select')`, { object: 'TYPE', isOfQuery: false }],
    ['CREATE TYPE t AS ENUM (SELECT a FROM u)', { isOfQuery: true }],
    [
      'CREATE UNIQUE INDEX IF NOT EXISTS i ON s.t (a)',
      { object: 'INDEX', name: { parts: ['i'] }, onTable: { parts: ['s', 't'] } },
    ],
    ['CREATE INDEX ON t (a)', { object: 'INDEX', name: null, onTable: { parts: ['t'] } }],
    ['DROP MACRO TABLE IF EXISTS m', { action: 'DROP', object: 'MACRO', name: { parts: ['m'] } }],
    ['COMMENT ON COLUMN s.t.c IS NULL', { action: 'COMMENT', object: 'COLUMN', name: { parts: ['s', 't'] } }],
    ['ALTER TABLE t ALTER a TYPE INTEGER USING f(a)', { using: 40, addColumn: null }],
    [
      `ALTER TABLE IF EXISTS t ADD IF NOT EXISTS "a b" DECIMAL(9, 2) DEFAULT now()`,
      { isConditional: true, addColumn: { isConditional: true, name: { parts: ['a b'] }, default: { start: 70 } } },
    ],
    ['ALTER TABLE t ADD PRIMARY KEY (a)', { addColumn: null }],
    ['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)', { addColumn: null }],
  ])('%s', (sql, expected) => {
    expect(definitionOf(statementOf(sql))).toMatchObject(expected);
  });

  it.each([
    'CREATE TEMP TABLE t (a INTEGER)',
    'CREATE SECRET s',
    'DROP SECRET s',
    'CREATE PERSISTENT SECRET s',
    'ALTER DATABASE d',
    'SELECT 1',
    'CREATE UNLOGGED TABLE t (a INTEGER)',
    'CREATE',
    'DROP TABLE',
  ])('%s is of no known form', (sql) => {
    expect(definitionOf(statementOf(sql))).toBeNull();
  });

  it.each<[string, string | null]>([
    [`CREATE VIEW v AS FROM 'a.csv'`, `'a.csv'`],
    [`CREATE VIEW v AS SELECT * FROM t, 'a'`, `'a'`],
    [`CREATE VIEW v AS SELECT * FROM t JOIN "s3://a/b.parquet" USING (c)`, 's3://a/b.parquet'],
    [`CREATE VIEW v AS SELECT * FROM Read_CSV('a')`, 'Read_CSV'],
    [`CREATE VIEW v AS SELECT a, 'b.csv', (SELECT 'c.csv' FROM t) FROM t, u WHERE x IN ('y', 'z.csv')`, null],
    [`CREATE VIEW v AS FROM "a b"`, null],
  ])('%s reads %j', (sql, source) => {
    expect(readsFile(tokensOf(sql))).toBe(source);
  });

  it('tells which columns are computed and collated, of the text that DuckDB prints', () => {
    const sql = `CREATE TABLE s."t(" ("a, b" INTEGER DEFAULT(nextval('GENERATED ALWAYS')), c INTEGER GENERATED ALWAYS AS(("a, b" + 1)),
      d VARCHAR COLLATE nocase.noaccent NOT NULL, "e COLLATE f" VARCHAR, CHECK((d COLLATE nocase = 'x')), PRIMARY KEY(c, d));`;
    expect(columnClauses(tokensOf(sql))).toEqual({ generated: new Set(['c']), collated: new Set(['d']) });
  });

  it('names what an expression calls', () => {
    expect(calledNames(tokensOf(`NOW() + "My F"(a) + CURRENT_DATE + 'x()' + b`))).toEqual([
      'now',
      'my f',
      'current_date',
    ]);
  });
});
