import { DECIMAL, LIST } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { codecFor } from '../../../lib/sync/codec.ts';

test.each([
  ['1.5', '1.50'],
  ['-0.5', '-0.50'],
  ['7', '7.00'],
  [1.5, '1.50'],
  ['1.50', '1.50'],
])('a decimal within a list may have fewer digits behind the point than rows write: %s', (given, read) => {
  const codec = codecFor(LIST(DECIMAL(5, 2)));
  expect(codec.encode(codec.decode([given]))).toEqual([read]);
});

test('one with more digits is refused, not moved', () => {
  expect(() => codecFor(LIST(DECIMAL(5, 2))).decode(['1.234'])).toThrow(RangeError);
});
