/** What clients of PostgreSQL send, in DuckDB's words: only what is another spelling of the same. */
import { expect, it } from 'vitest';
import { adapt } from '../../../lib/sql/adapt.ts';
import { statementOf } from '../../../lib/sql/statement.ts';
import type { PlainValue } from '../../../lib/values.ts';

const adapted = (sql: string, values: readonly PlainValue[] = []) => adapt(statementOf(sql), values);

it.each([
  ['SELECT a + $1', ['5'], 'SELECT a + $1::INTEGER', ['5']],
  ['SELECT $1 * a', ['3000000000'], 'SELECT $1::BIGINT * a', ['3000000000']],
  ['SELECT a - $1', ['1.50'], 'SELECT a - $1::DECIMAL(3, 2)', ['1.50']],
  ['SELECT a / $1', ['1e5'], 'SELECT a / $1::DOUBLE', ['1e5']],
  ['SELECT a + $1', ['x'], 'SELECT a + $1', ['x']],
  ['SELECT a + $1', [5], 'SELECT a + $1', [5]],
  ['SELECT a + $1::bigint', ['5'], 'SELECT a + $1::bigint', ['5']],
  ["SELECT $1->'a', j->>$2", ['{}', '1'], "SELECT $1->'a', j->>$2", ['{}', '1']],
  ['SELECT a FROM t LIMIT $1 OFFSET $2', ['10', '5'], 'SELECT a FROM t LIMIT 10 OFFSET 5', []],
  ['SELECT $2 FROM t LIMIT $1', ['10', 'x'], 'SELECT $1 FROM t LIMIT 10', ['x']],
  [
    'SELECT f(a, $1) FROM t GROUP BY f(a, $1) LIMIT $2',
    ['x', '1'],
    'SELECT f(a, $1) FROM t GROUP BY f(a, $1) LIMIT 1',
    ['x'],
  ],
  ['SELECT a = any($1)', ['{1,"b c",NULL}'], 'SELECT a  IN ($1, $2, $3)', ['1', 'b c', null]],
  ['SELECT a <> ALL ($1)', [[1, 2]], 'SELECT a  NOT IN ($1, $2)', [1, 2]],
  ['SELECT a = any($1)', ['{}'], 'SELECT a = any([])', []],
  ['SELECT a >= any($1)', ['{1}'], 'SELECT a >= any($1)', ['{1}']],
  ['SELECT a = any($1::int[])', ['{1}'], 'SELECT a = any($1::int[])', ['{1}']],
  [
    'SELECT json_agg(x ORDER BY y) FILTER (WHERE z) AS j',
    [],
    'SELECT to_json(list(x ORDER BY y) FILTER (WHERE z)) AS j',
    [],
  ],
  [
    'SELECT json_build_array(json_agg(a), jsonb_build_object($1, b))',
    ['k'],
    'SELECT json_array(to_json(list(a)), json_object($1, b))',
    ['k'],
  ],
  ["SELECT '[]'::jsonb, CAST(a AS jsonb), jsonb", [], "SELECT '[]'::json, CAST(a AS json), jsonb", []],
  ['CREATE TABLE t (a jsonb, "jsonb" TEXT)', [], 'CREATE TABLE t (a json, "jsonb" TEXT)', []],
  [
    'SELECT \'json_agg(x)\', "json_agg", t.json_agg(a) -- $1',
    [],
    'SELECT \'json_agg(x)\', "json_agg", t.json_agg(a)',
    [],
  ],
  ['SELECT ?, ? + 1', ['a', '2'], 'SELECT $1, $2::INTEGER + 1', ['a', '2']],
] as const)('%s', (sql, values, wanted, sent) => {
  expect(adapted(sql, values)).toEqual({ sql: wanted, values: sent });
});

it.each([
  ['SELECT $2', ['a'], '08P01'],
  ['SELECT $1', ['a', 'b'], '08P01'],
  ['SELECT $name', ['a'], '42601'],
  ['SELECT a FROM t FOR UPDATE', [], '0A000'],
  ['CREATE TABLE t (id bigserial)', [], '0A000'],
  ['CREATE TABLE t (id INT GENERATED ALWAYS AS IDENTITY)', [], '0A000'],
] as const)('refuses %s', (sql, values, sqlState) => {
  expect(() => adapted(sql, values)).toThrow(expect.objectContaining({ sqlState }));
});
