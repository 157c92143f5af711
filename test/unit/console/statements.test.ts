/** What the editor knows of statements before and after they ran. */
import { expect, test } from 'vitest';
import { readPlan } from '../../../console/src/pages/sql/plan.ts';
import { dangerOf, inTab, placeOfError } from '../../../console/src/pages/sql/statements.ts';

test.each([
  'DROP TABLE a',
  'drop schema s cascade',
  'TRUNCATE a',
  'DELETE FROM a',
  `DELETE FROM a -- WHERE id = 1`,
  `DELETE FROM a RETURNING (SELECT 1 WHERE true)`,
  `WITH b AS (SELECT 1 WHERE true) DELETE FROM a`,
  'UPDATE a SET b = (SELECT c FROM d WHERE d.id = 1)',
  `UPDATE a SET b = ' WHERE '`,
  'ALTER TABLE a DROP COLUMN b',
  'CREATE OR REPLACE TABLE a (b INTEGER)',
])('asks before %s', (text) => {
  expect(dangerOf(text)).not.toBeNull();
});

test.each([
  `SELECT 'DROP TABLE a'`,
  'DELETE FROM a WHERE id = 1',
  'DELETE FROM a USING b WHERE a.id = b.id',
  'UPDATE a SET b = 1 WHERE id = 2',
  'INSERT INTO a VALUES (1)',
  'CREATE TABLE a (b INTEGER)',
  'ALTER TABLE a ADD COLUMN b INTEGER',
  'not SQL at all (',
])('does not ask before %s', (text) => {
  expect(dangerOf(text)).toBeNull();
});

test('an error is at the place that it says, or at what it names', () => {
  const text = 'SELECT region,\n  amuont FROM sales';
  const at = (message: string): string => {
    const { from, to } = placeOfError(message, text);
    return text.slice(from, to);
  };
  expect(at('Referenced column was not found (line 2, column 3).')).toBe('amuont');
  expect(at('PostgreSQL: column "amuont" does not exist')).toBe('amuont');
  expect(at('There is no table "Sales" that a query may read.')).toBe('sales');
  expect(at('There is no column "on".')).toBe(text);
  expect(at('Something else.')).toBe(text);
  expect(at('Beyond the text (line 9, column 1).')).toBe(text);
});

test('lines and columns are those of the tab', () => {
  const piece = { line: 3, column: 5 };
  expect(inTab('No (line 1, column 2).', piece)).toBe('No (line 3, column 6).');
  expect(inTab('No (line 2, column 2).', piece)).toBe('No (line 4, column 2).');
  expect(inTab('No (line 2).', piece)).toBe('No (line 4).');
});

test("plans of both engines become one kind of tree, and a node's time is its own", () => {
  const duckDb = {
    latency: 1,
    children: [
      {
        operator_name: 'EXPLAIN_ANALYZE',
        children: [
          {
            operator_name: 'HASH_JOIN',
            operator_timing: 0.002,
            operator_cardinality: 6,
            extra_info: { Conditions: ['a = b', 'c = d'], 'Estimated Cardinality': '7' },
            children: [],
          },
        ],
      },
    ],
  };
  expect(readPlan([['analyzed_plan', JSON.stringify(duckDb)]])).toEqual({
    name: 'HASH JOIN',
    details: [['Conditions', 'a = b, c = d']],
    estimatedRows: 7,
    rows: 6,
    ms: 2,
    children: [],
  });
  const scan = {
    'Node Type': 'Seq Scan',
    'Plan Rows': 3,
    'Actual Rows': 2,
    'Actual Loops': 4,
    'Actual Total Time': 0.5,
  };
  const loop = {
    'Node Type': 'Nested Loop',
    'Plan Rows': 9,
    'Actual Rows': 8,
    'Actual Loops': 1,
    'Actual Total Time': 5,
  };
  const plan = readPlan([[JSON.stringify([{ Plan: { ...loop, 'Join Type': 'Inner', Plans: [scan] } }])]]);
  expect(plan).toMatchObject({ name: 'Nested Loop', details: [['Join Type', 'Inner']], rows: 8, ms: 3 });
  expect(plan.children).toMatchObject([{ name: 'Seq Scan', rows: 8, ms: 2, estimatedRows: 3 }]);
});
