/** DuckDB's errors as a client and a log see them. Texts are DuckDB's own, which may change with its version. */
import { describe, expect, it } from 'vitest';
import type { AppError } from '../../../lib/errors.ts';
import { openCaptured } from '../../support/captured.ts';

const tables = [
  `CREATE TABLE books (id INTEGER PRIMARY KEY, isbn VARCHAR UNIQUE, price DECIMAL(6,2) CHECK (price > 0), "page count" INTEGER NOT NULL DEFAULT 1,
    made DATE, shelf INTEGER, place INTEGER, UNIQUE (shelf, place), CHECK (shelf < place))`,
  `INSERT INTO books VALUES (1, 'x: 1, id: 2', 1, 1, NULL, 1, 2)`,
];

async function errorOf(...statements: string[]): Promise<AppError> {
  const { run } = await openCaptured(...tables);
  return run(...statements).then(
    () => Promise.reject(new Error('It did not fail.')),
    (error: unknown) => error as AppError,
  );
}

describe('a violated constraint', () => {
  it.each<[string, object]>([
    [
      'INSERT INTO books (id) VALUES (1)',
      {
        kind: 'conflict',
        sqlState: '23505',
        constraint: { name: 'books_pkey', table: 'books', schema: 'main' },
        fields: [{ path: 'id', message: 'is taken' }],
      },
    ],
    [
      `INSERT INTO books (id, isbn) VALUES (2, 'x: 1, id: 2')`,
      { sqlState: '23505', constraint: { name: 'books_isbn_key' }, fields: [{ path: 'isbn' }] },
    ],
    [
      'INSERT INTO books (id, shelf, place) VALUES (2, 1, 2)',
      {
        sqlState: '23505',
        constraint: { name: 'books_shelf_place_key' },
        fields: [{ path: 'shelf' }, { path: 'place' }],
      },
    ],
    ['INSERT INTO books (id, shelf, place) VALUES (2, 3, 4), (3, 3, 4)', { sqlState: '23505' }],
    [
      'INSERT INTO books (id, "page count") VALUES (2, NULL)',
      { kind: 'invalid', sqlState: '23502', fields: [{ path: 'page count', message: 'must not be null' }] },
    ],
    [
      'INSERT INTO books (id, price) VALUES (2, -1)',
      { kind: 'invalid', sqlState: '23514', constraint: { name: 'books_price_check' }, fields: [{ path: 'price' }] },
    ],
    [
      'INSERT INTO books (id, shelf, place) VALUES (2, 4, 3)',
      { sqlState: '23514', constraint: { name: 'books_check' }, fields: [{ path: 'shelf' }, { path: 'place' }] },
    ],
  ])('%s', async (statement, expected) => {
    expect(await errorOf(statement)).toMatchObject(expected);
  });
});

describe('a value', () => {
  it.each<[string, string, string]>([
    [`INSERT INTO books (id) VALUES ('many')`, '22P02', 'A value cannot be read as INTEGER (line 1, column 32).'],
    [
      `INSERT INTO books (id) VALUES (3000000000)`,
      '22003',
      'A value is out of the range of INTEGER (line 1, column 32).',
    ],
    [`INSERT INTO books (id, price) VALUES (2, 100000)`, '22003', 'A value is out of the range of DECIMAL(6,2)'],
    [`INSERT INTO books (id, made) VALUES (2, 'yesterday')`, '22007', 'A value cannot be read as DATE'],
    [`INSERT INTO books (id) SELECT isbn FROM books`, '22P02', 'A value cannot be read as INTEGER'],
    [`SELECT 2147483647::INTEGER + 1::INTEGER`, '22003', 'A number is too large for its type.'],
    [`SELECT 'secret'::UUID`, '22P02', 'A value does not fit its type or an operation'],
    [`SELECT 'secret'' to SECRET'::TIME`, '22007', 'A value cannot be read as TIME'],
    [`SELECT strptime('secret', '%Y')`, '22007', 'A value does not fit its type'],
    [`SELECT error('secret')`, '22P02', 'A function does not accept its arguments.'],
    [`SELECT json('secret')`, '22P02', 'A text is not valid JSON.'],
    [`CREATE TYPE kinds AS ENUM ('secret', 'secret')`, '42710', 'The ENUM has a value twice.'],
  ])('%s', async (statement, sqlState, message) => {
    const error = await errorOf(statement);
    expect(error).toMatchObject({ kind: 'invalid', sqlState });
    expect(error.message.slice(0, message.length)).toBe(message);
    for (let each: unknown = error; each instanceof Error; each = each.cause) {
      expect(`${each.message}${each.stack}`).not.toMatch(/many|yesterday|secret|x: 1/i);
    }
  });
});

describe('a statement', () => {
  it.each<[string, string, RegExp]>([
    ['SELEC 1', '42601', /^syntax error at or near "SELEC" \(line 1, column 1\)$/],
    ['SELECT\n  1 +', '42601', /^syntax error at end of input/],
    ['SELECT 1\n FROM FROM', '42601', /near "FROM" \(line 2, column 7\)$/],
    ['DELETE FROM books WHERE', '42601', /^syntax error at end of input/],
    ['UPDATE books SETT id = 1', '42601', /near "id" \(line 1, column 19\)/],
    ['SELECT * FROM nothing', '42P01', /^Table with name nothing does not exist!/],
    ['INSERT INTO nothing VALUES (1)', '42P01', /^Table with name nothing does not exist!/],
    ['INSERT INTO nowhere.books VALUES (1)', '42P01', /schema "nowhere" does not exist/],
    ['SELECT nothing FROM books', '42703', /^Referenced column "nothing" not found/],
    ['UPDATE books SET nothing = 1', '42703', /nothing/],
    ['INSERT INTO books (nothing) VALUES (1)', '42703', /nothing/],
    ['SELECT nothing(1)', '42883', /nothing does not exist/],
    [`SELECT abs('a', 'b')`, '42883', /^No function matches/],
    ['CREATE TABLE books (a INTEGER)', '42P07', /^Table with name "books" already exists!/],
    ['ALTER TABLE books ADD COLUMN id INTEGER', '42701', /already exists/],
    ['DROP TABLE nothing', '42P01', /does not exist/],
    ['DROP SCHEMA nothing', '3F000', /does not exist/],
    ['CREATE TABLE nowhere.t (a INTEGER)', '3F000', /does not exist/],
    ['CREATE SCHEMA main', '42P06', /already exists/],
    ['SELECT $1', '08P01', /parameters/],
    ['SELECT (SELECT unnest([1, 2]))', '21000', /More than one row/],
    [`SELECT nextval('nothing')`, '42704', /nothing does not exist/],
  ])('%s', async (statement, sqlState, message) => {
    const error = await errorOf(statement);
    expect(error).toMatchObject({ name: 'AppError', sqlState });
    expect(error.message).toMatch(message);
  });
});
