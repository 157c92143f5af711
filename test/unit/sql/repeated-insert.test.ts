import { expect, it } from 'vitest';
import { eachResult, repeatedInsert } from '../../../lib/sql/repeated-insert.ts';

it('says an INSERT of one row of parameters for many rows', () => {
  const text = repeatedInsert('insert into "a b" (x, y, z)\n VALUES ( $2 , DEFAULT,$1) RETURNING x, *;', 2)?.text(3);
  expect(text).toBe(
    'insert into "a b" (x, y, z)\n VALUES ( $2 , DEFAULT,$1), ( $4 , DEFAULT,$3), ( $6 , DEFAULT,$5) RETURNING x, *',
  );
  expect(repeatedInsert('INSERT INTO t VALUES ($1)', 1)?.text(1)).toBe('INSERT INTO t VALUES ($1)');
});

it.each([
  ['of two rows', 'INSERT INTO t VALUES ($1), ($2)', 2],
  ['with a conflict', 'INSERT INTO t VALUES ($1) ON CONFLICT DO NOTHING', 1],
  ['with an expression', 'INSERT INTO t VALUES ($1 + 1)', 1],
  ['from a query', 'INSERT INTO t SELECT $1', 1],
  ['with a WITH', 'WITH a AS (SELECT 1) INSERT INTO t VALUES ($1)', 1],
  ['with a parameter in RETURNING', 'INSERT INTO t VALUES ($1) RETURNING $1', 1],
  ['with unnumbered parameters', 'INSERT INTO t VALUES (?)', 1],
  ['with named parameters', 'INSERT INTO t VALUES ($x)', 1],
  ['with a parameter too few', 'INSERT INTO t VALUES ($1, $3)', 2],
  ['with a value too many', 'INSERT INTO t VALUES ($1)', 2],
  ['of defaults', 'INSERT INTO t DEFAULT VALUES', 0],
  ['that is another statement', 'UPDATE t SET a = $1', 1],
])('a statement %s is said for itself', (_, sql, width) => {
  expect(repeatedInsert(sql, width)).toBeNull();
});

it('gives each its own row', () => {
  const result = { command: 'INSERT', columns: [], rows: [[1], [2]], rowCount: 2 };
  expect(eachResult(result, 2)).toEqual([
    { ...result, rows: [[1]], rowCount: 1 },
    { ...result, rows: [[2]], rowCount: 1 },
  ]);
  expect(() => eachResult(result, 3)).toThrow('another number');
});
