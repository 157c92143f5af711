/** Statements that change something as SELECTs: nothing of them is left out but names and fixed words. */
import { expect, it } from 'vitest';
import { definitionOf } from '../../../lib/sql/definition.ts';
import { definitionParts, rowParts } from '../../../lib/sql/parts.ts';
import { statementOf } from '../../../lib/sql/statement.ts';

function partsOf(sql: string): readonly string[] {
  const statement = statementOf(sql);
  return rowParts(statement, statement.write!).map((part) => part.replaceAll(/\s+/g, ' ').trim());
}

it.each([
  ['INSERT INTO t (a, b) VALUES (1, f(2))', ['VALUES (1, f(2))']],
  ['INSERT INTO t DEFAULT VALUES RETURNING a', ['SELECT a']],
  [
    'INSERT INTO s.t AS x (a) (SELECT b FROM u) ON CONFLICT (a) WHERE c DO NOTHING',
    ['(SELECT b FROM u)', 'SELECT (a)', 'SELECT c'],
  ],
  ['INSERT INTO t BY NAME FROM u RETURNING *', ['FROM u', 'SELECT *']],
  [
    'WITH w AS (SELECT 1) INSERT INTO t SELECT * FROM w ON CONFLICT DO UPDATE SET a = excluded.a, b = f(1) WHERE t.c IS DISTINCT FROM 1',
    [
      'WITH w AS (SELECT 1) SELECT * FROM w',
      'WITH w AS (SELECT 1) SELECT a = excluded.a, b = f(1)',
      'WITH w AS (SELECT 1) SELECT t.c IS DISTINCT FROM 1',
    ],
  ],
  [
    'UPDATE t AS x SET a = CASE WHEN b THEN c END, (d, e) = (1, 2) FROM u JOIN v ON u.f = v.f WHERE g RETURNING h',
    [
      'SELECT a = CASE WHEN b THEN c END, (d, e) = (1, 2)',
      'SELECT 1 FROM u JOIN v ON u.f = v.f',
      'SELECT g',
      'SELECT h',
    ],
  ],
  ['DELETE FROM t x USING u JOIN v USING (a) WHERE b', ['SELECT 1 FROM u JOIN v USING (a)', 'SELECT b']],
  ['TRUNCATE t', []],
  [
    'MERGE INTO t x USING u ON x.a = u.a WHEN MATCHED AND b THEN UPDATE SET a = c WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED THEN INSERT (a) VALUES (d) RETURNING e',
    ['SELECT 1 FROM t JOIN u ON x.a = u.a', 'SELECT b', 'SELECT a = c', 'VALUES (d)', 'SELECT e'],
  ],
])('%s', (sql, wanted) => {
  expect(partsOf(sql)).toEqual(wanted);
});

it.each([
  'INSERT INTO t x y VALUES (1)',
  'INSERT INTO t (f(a)) VALUES (1)',
  'INSERT INTO t 5',
  'UPDATE t x y SET a = 1',
  'UPDATE t, eider.state SET a = 1',
  'DELETE FROM t, u WHERE a',
  'MERGE INTO t USING u ON a WHEN SOMETHING f(1) THEN DELETE',
  'MERGE INTO t USING u ON a WHEN MATCHED THEN DO f(1)',
])('refuses %s', (sql) => {
  expect(() => partsOf(sql)).toThrow(expect.objectContaining({ sqlState: '42601' }));
});

it.each([
  ['CREATE TABLE t AS SELECT f(1)', ['SELECT f(1)'], []],
  ['CREATE VIEW v (a) AS WITH w AS (SELECT 1) FROM w', ['WITH w AS (SELECT 1) FROM w'], []],
  ['CREATE MACRO m(a) AS f(a)', ['SELECT f(a)'], []],
  ['CREATE MACRO m(a := f(1)) AS TABLE SELECT a', ['SELECT a'], ['f']],
  ['CREATE TABLE t (a INT DEFAULT f(1), b INT REFERENCES s.u (c), CHECK (g(a)))', [], ['f', 'CHECK', 'g']],
  ['ALTER TABLE t ADD COLUMN a INT DEFAULT "f" (1)', [], ['f']],
  ['CREATE INDEX i ON t (f(a))', [], ['f']],
] as const)('%s', (sql, selects, calls) => {
  const statement = statementOf(sql);
  expect(definitionParts(statement, definitionOf(statement)!)).toEqual({ selects, calls });
});
