import { expect, test } from 'vitest';
import { definitionsAfter, unknownDefinitions } from '../../../lib/sync/definitions.ts';

test.each([
  ['CREATE TABLE t (a INTEGER)', true],
  ['CREATE SCHEMA IF NOT EXISTS eider', true],
  ['CREATE OR REPLACE SCHEMA s', false],
  ['DROP SCHEMA s CASCADE', false],
  ['CREATE MACRO m(a) AS a + 1', false],
  ['-- a comment\nDROP FUNCTION m', false],
])('macros are read again where they may have changed: %s', (ddl, areSame) => {
  const before = unknownDefinitions();
  const after = definitionsAfter([{ ddl }], before);
  expect(after).not.toBe(before);
  expect(after.macros === before.macros).toBe(areSame);
});
