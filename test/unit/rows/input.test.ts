/** What is a row of a table, and what is said of what is none. */
import { beforeAll, describe, expect, it } from 'vitest';
import { findRelation, type Relation } from '../../../lib/catalog/catalog.ts';
import type { Scope } from '../../../lib/db/database.ts';
import { isAppError } from '../../../lib/errors.ts';
import { type InputMode, parseInput, parseInputs } from '../../../lib/rows/input.ts';
import { keySegment, parseKey } from '../../../lib/rows/key.ts';
import { columnOfParameter, splitNames } from '../../../lib/rows/names.ts';
import type { PlainValue } from '../../../lib/values.ts';
import { openScope } from '../../support/plain-scope.ts';

let scope: Scope;

beforeAll(async () => {
  scope = await openScope(`
    CREATE SEQUENCE numbers;
    CREATE TABLE books (id BIGINT PRIMARY KEY DEFAULT nextval('numbers'), title VARCHAR NOT NULL, pages USMALLINT NOT NULL,
      price DECIMAL(6, 2), tags VARCHAR[], shelf STRUCT(room VARCHAR, level UTINYINT), status VARCHAR NOT NULL DEFAULT 'new',
      label VARCHAR GENERATED ALWAYS AS (title || '!'));
    CREATE TABLE pairs (a VARCHAR, b INTEGER, c DATE, PRIMARY KEY (c, a));
    CREATE TABLE bare (x INTEGER);
    CREATE TABLE "named so" (k VARCHAR PRIMARY KEY)`);
});

function relation(name: string): Relation {
  return findRelation(scope.catalog, name)!;
}

function faults(mode: InputMode, input: PlainValue): Record<string, string> {
  try {
    parseInput(relation('books'), mode, input);
  } catch (error) {
    if (!isAppError(error, 'invalid')) throw error;
    return Object.fromEntries((error.fields ?? []).map(({ path, message }) => [path, message]));
  }
  return {};
}

describe('a whole row', () => {
  it('has what was given, each value in its one form, and nothing of what was left out', () => {
    const input = { title: ' Emma ', pages: '474', price: 9.5, tags: ['a', null], shelf: { level: 2 } };
    expect(parseInput(relation('books'), 'whole', input)).toEqual({
      title: ' Emma ',
      pages: 474,
      price: '9.50',
      tags: ['a', null],
      shelf: { room: null, level: 2 },
    });
  });

  it('must have what has no default and may not be null', () => {
    expect(faults('whole', {})).toEqual({ title: 'is required', pages: 'is required' });
  });

  it('refuses what is no column, what is computed, and null where none may be', () => {
    const input = JSON.parse(
      '{"title":null,"pages":1,"__proto__":{"x":1},"constructor":1,"label":"x","status":null,"nick":"z"}',
    );
    expect(faults('whole', input)).toEqual({
      ['__proto__']: 'is not a column of books',
      constructor: 'is not a column of books',
      nick: 'is not a column of books',
      label: 'is computed by the database; leave it out',
      title: 'must not be null',
      status: 'must not be null',
    });
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it.each([null, 1, 'x', [], [{}]])('is not %j', (input) => {
    expect(faults('whole', input as PlainValue)).toEqual({ '': 'must be an object' });
  });

  it('names the place within a nested value', () => {
    expect(faults('part', { pages: 70_000, tags: ['a', 5], shelf: { level: 256 }, price: 'x' })).toEqual({
      pages: 'must be a whole number from 0 to 65535',
      'tags/1': 'must be text',
      'shelf/level': 'must be a whole number from 0 to 255',
      price: 'must be a decimal number with at most 4 digits before the point and 2 after it',
    });
  });
});

describe('a part of a row', () => {
  it('has a field', () => {
    expect(parseInput(relation('books'), 'part', { price: null })).toEqual({ price: null });
    expect(faults('part', {})).toEqual({ '': 'must have a field to change' });
  });
});

describe('many rows', () => {
  it('have faults with their places, so many and no more', () => {
    const books = relation('books');
    const good = { title: 'Emma', pages: 1 };
    expect(() => parseInputs(books, [good, 5, { ...good, pages: -1 }])).toThrow(
      expect.objectContaining({
        fields: [
          { path: '1', message: 'must be an object' },
          { path: '2/pages', message: 'must be a whole number from 0 to 65535' },
        ],
      }),
    );
    const bad = Array.from({ length: 1000 }, () => null);
    expect(() => parseInputs(books, bad)).toThrow(
      expect.objectContaining({ fields: expect.objectContaining({ length: 100 }) }),
    );
  });
});

describe('keys in paths', () => {
  it.each([
    ['books', '42', ['42']],
    ['pairs', '2026-01-01,a%2Cb', ['2026-01-01', 'a,b']],
    ['pairs', '-000043-03-15,', ['-000043-03-15', '']],
    ['named so', 'a,b', ['a,b']],
    ['named so', '%22%2F%25', ['"/%']],
  ])('%s/%s', (table, segment, key) => {
    expect(parseKey(relation(table), segment)).toEqual(key);
  });

  it.each([
    ['books', 'x'],
    ['books', '9223372036854775808'],
    ['pairs', '2026-01-01'],
    ['pairs', '2026-01-01,a,b'],
    ['pairs', '2026-02-30,a'],
    ['named so', '%ff'],
    ['bare', '1'],
  ])('%s/%s is none', (table, segment) => {
    expect(() => parseKey(relation(table), segment)).toThrow(expect.objectContaining({ kind: 'not-found' }));
  });

  it('are written so that they are read back', () => {
    const row = { a: 'x,/"%é', b: 1, c: '+012026-01-01' };
    const segment = keySegment(relation('pairs'), row)!;
    expect(segment).toBe('%2B012026-01-01,x%2C%2F%22%25%C3%A9');
    expect(parseKey(relation('pairs'), segment)).toEqual([row.c, row.a]);
    expect(keySegment(relation('bare'), { x: 1 })).toBeNull();
  });
});

describe('names in parameters', () => {
  it('are quoted where they have to be', () => {
    expect(columnOfParameter('"select"')).toBe('select');
    expect(columnOfParameter(String.raw`"a\"b\\"`)).toBe('a"b\\');
    expect(columnOfParameter('select')).toBe('select');
    expect(splitNames('a,"b,c".desc,d.asc', '.')).toEqual([
      { name: 'a', rest: '' },
      { name: 'b,c', rest: '.desc' },
      { name: 'd', rest: '.asc' },
    ]);
    expect(splitNames('a,')).toEqual([
      { name: 'a', rest: '' },
      { name: '', rest: '' },
    ]);
    for (const wrong of ['a"b', '"a', '"a"b', 'a,"b']) expect(() => splitNames(wrong)).toThrow('quote');
  });
});
