/** What the end of a write finds of references, by its messages; that it finds all is in postgres.system.test.ts. */
import { describe, expect, it } from 'vitest';
import { checkReferences } from '../../../../lib/db/duckdb/references/check.ts';
import { questionsOf } from '../../../../lib/db/duckdb/references/questions.ts';
import type { CheckedChange } from '../../../../lib/db/duckdb/references/questions.ts';
import { type Known, openPlain, type Plain } from '../../../support/references/plain.ts';

async function library(): Promise<Plain> {
  const plain = await openPlain();
  await plain.ddl(
    'CREATE TABLE books (id INTEGER PRIMARY KEY, isbn VARCHAR UNIQUE, title VARCHAR)',
    'CREATE TABLE loans (id INTEGER PRIMARY KEY, book INTEGER REFERENCES books, isbn VARCHAR REFERENCES books (isbn))',
  );
  await plain.commit([`INSERT INTO books VALUES (1, 'x', 'X'), (2, 'y', 'Y')`, `INSERT INTO loans VALUES (1, 1, 'y')`]);
  return plain;
}

describe.each<Known>(['all', 'record'])('knowing of changes: %s', (known) => {
  it('refuses a row that refers to nothing, with table, column and value', async () => {
    const plain = await library();
    await expect(plain.commit(['INSERT INTO loans VALUES (2, 1, NULL), (3, 9, NULL)'], known)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'loans.book = 9 names no row of books.',
      sqlState: '23503',
      fields: [{ path: 'book', message: 'names no row of books' }],
      constraint: { name: 'loans_book_fkey', schema: 'main', table: 'loans' },
    });
    await plain.commit(['INSERT INTO loans VALUES (3, 9, NULL)', `INSERT INTO books VALUES (9, NULL, 'later')`], known);
  });

  it('refuses to take away what is referred to, and allows it when nobody refers at the end', async () => {
    const plain = await library();
    await expect(plain.commit(['DELETE FROM books WHERE id = 1'], known)).rejects.toMatchObject({
      kind: 'conflict',
      message: 'books.id = 1 is still referred to by loans.book.',
      sqlState: '23503',
      fields: [{ path: 'id', message: 'is still referred to by loans.book' }],
      constraint: { name: 'loans_book_fkey', schema: 'main', table: 'loans' },
    });
    await expect(plain.commit([`UPDATE books SET isbn = 'z' WHERE id = 2`], known)).rejects.toMatchObject({
      sqlState: '23503',
      constraint: { name: 'loans_isbn_fkey' },
    });
    await plain.commit([`UPDATE books SET isbn = 'z' WHERE id = 2`, `UPDATE loans SET isbn = 'z'`], known);
    await plain.commit(['DELETE FROM books WHERE id = 1', 'DELETE FROM loans'], known);
  });
});

it('names tables of other schemas, several columns, and long values in short', async () => {
  const plain = await openPlain();
  await plain.ddl(
    'CREATE SCHEMA shop',
    'CREATE TABLE shop.items (a VARCHAR, b DATE, PRIMARY KEY (a, b))',
    'CREATE TABLE parts (x VARCHAR, y DATE, FOREIGN KEY (x, y) REFERENCES shop.items)',
  );
  await plain.commit([`INSERT INTO parts VALUES ('a', NULL), (NULL, NULL)`]);
  await expect(plain.commit([`INSERT INTO parts VALUES (repeat('a', 1000), DATE '2026-01-02')`])).rejects.toMatchObject(
    {
      message: `parts.(x, y) = (${'a'.repeat(100)}…, 2026-01-02) names no row of shop.items.`,
      fields: [
        { path: 'x', message: 'names no row of shop.items' },
        { path: 'y', message: 'names no row of shop.items' },
      ],
    },
  );
  await plain.commit([
    `INSERT INTO shop.items VALUES ('a', '2026-01-02')`,
    `INSERT INTO parts VALUES ('a', '2026-01-02')`,
  ]);
  await expect(plain.commit(['DELETE FROM shop.items'])).rejects.toMatchObject({
    message: 'shop.items.(a, b) = (a, 2026-01-02) is still referred to by parts.(x, y).',
  });
});

it('compares with the values, whatever columns are called', async () => {
  const plain = await openPlain();
  await plain.ddl(
    'CREATE TABLE p (v0 INTEGER, w INTEGER, v STRUCT(v0 INTEGER, v1 INTEGER), PRIMARY KEY (v0, w))',
    'CREATE TABLE c (v0 INTEGER, v1 INTEGER, v STRUCT(v0 INTEGER, v1 INTEGER), FOREIGN KEY (v0, v1) REFERENCES p)',
  );
  const same = `{'v0': 1, 'v1': 1}`;
  await plain.commit([`INSERT INTO p VALUES (1, 1, ${same}), (2, 2, ${same})`]);
  await plain.commit([`INSERT INTO c VALUES (1, 1, ${same}), (2, 2, ${same})`]);
  await expect(plain.commit([`INSERT INTO c VALUES (1, 3, ${same})`])).rejects.toMatchObject({ kind: 'invalid' });
  await expect(plain.commit(['DELETE FROM p WHERE v0 = 2'])).rejects.toMatchObject({ kind: 'conflict' });
  await plain.commit(['DELETE FROM c WHERE v0 = 2', 'DELETE FROM p WHERE v0 = 2']);
});

/** Two values of each type. */
const values: Record<string, readonly [string, string]> = {
  BOOLEAN: ['true', 'false'],
  TINYINT: ['-3', '127'],
  UBIGINT: ['18446744073709551615', '0'],
  HUGEINT: ['-170141183460469231731687303715884105727', '1'],
  'DECIMAL(10,2)': ['12345678.90', '-0.01'],
  'DECIMAL(38,10)': ['1234567890123456789.0123456789', '1'],
  FLOAT: ['0.1', `'-inf'`],
  DOUBLE: [`'NaN'`, '0.1'],
  VARCHAR: [`'it''s'`, `''`],
  "ENUM('a', 'b''c')": [`'b''c'`, `'a'`],
  UUID: [`'8a51f1d0-9c0b-4d9c-a4b2-6d0e0f4b8a11'`, `'00000000-0000-0000-0000-000000000000'`],
  BLOB: [`'\\x00\\xFFa'`, `''`],
  BIT: [`'10110'`, `'0'`],
  DATE: [`'0044-03-15 (BC)'`, `'infinity'`],
  TIME: [`'23:59:59.123456'`, `'00:00:00'`],
  TIMESTAMP: [`'2026-01-02 03:04:05.678901'`, `'-infinity'`],
  TIMESTAMPTZ: [`'2026-01-02 03:04:05.678901+02'`, `'2026-01-02 03:04:05.678901+01'`],
  TIMESTAMP_S: [`'2026-01-02 03:04:05'`, `'1900-01-02 03:04:05'`],
  TIMESTAMP_MS: [`'2026-01-02 03:04:05.678'`, `'2026-01-02 03:04:05'`],
  TIMESTAMP_NS: [`'2026-01-02 03:04:05.678901234'`, `'2026-01-02 03:04:05.678901235'`],
};

it.each(Object.keys(values))('finds values of the type %s, alone, as a list, and joined', async (type) => {
  const plain = await openPlain();
  await plain.ddl(
    `CREATE TABLE p (id ${type} PRIMARY KEY, n INTEGER, UNIQUE (id, n))`,
    `CREATE TABLE c (p ${type} REFERENCES p, n INTEGER, FOREIGN KEY (p, n) REFERENCES p (id, n))`,
  );
  await plain.commit([`INSERT INTO p VALUES ${values[type]!.map((value) => `(${value}, 1)`).join(', ')}`]);
  await plain.commit(['INSERT INTO c SELECT id, NULL FROM p LIMIT 1']);
  await plain.commit(['INSERT INTO c SELECT id, n FROM p']);
  const catalog = await plain.catalog();
  const put = await plain.rows('SELECT p, n FROM c WHERE n IS NOT NULL');
  const gone = put.map((row) => ({ id: row['p']!, n: 1 }));
  await plain.session.execute('DELETE FROM p');
  for (const change of [{ put }, { put: put.slice(1) }, { put: put.map((row) => ({ ...row, n: null })) }]) {
    await expect(checkReferences(plain.session, catalog, [{ table: 'c', ...change }])).rejects.toMatchObject({
      kind: 'invalid',
    });
  }
  for (const change of [{ delete: gone }, { delete: gone.slice(1) }]) {
    await expect(checkReferences(plain.session, catalog, [{ table: 'p', ...change }])).rejects.toMatchObject({
      kind: 'conflict',
    });
  }
  await plain.session.execute('DELETE FROM c');
  await checkReferences(plain.session, catalog, [
    { table: 'c', put },
    { table: 'p', delete: gone },
  ]);
});

it.each([
  ['BIGINT', 'INTEGER'],
  ['INTEGER', 'BIGINT'],
  ['TINYINT', 'UHUGEINT'],
])('a %s refers to an %s', async (own, target) => {
  const plain = await openPlain();
  await plain.ddl(`CREATE TABLE p (id ${target} PRIMARY KEY)`, `CREATE TABLE c (p ${own} REFERENCES p)`);
  await plain.commit(['INSERT INTO p VALUES (1), (2)', 'INSERT INTO c VALUES (1), (2)']);
  await expect(plain.commit([`INSERT INTO c VALUES (${own === 'BIGINT' ? '5000000000' : '5'})`])).rejects.toMatchObject(
    { kind: 'invalid' },
  );
  await expect(plain.commit(['DELETE FROM p WHERE id = 2'])).rejects.toMatchObject({ kind: 'conflict' });
});

it.each([255, 256, 257, 3000])('finds one value among %i', async (count) => {
  const plain = await openPlain();
  await plain.ddl('CREATE TABLE p (a INTEGER, b INTEGER UNIQUE, PRIMARY KEY (a, b))');
  await plain.ddl('CREATE TABLE c (a INTEGER, b INTEGER REFERENCES p (b), FOREIGN KEY (a, b) REFERENCES p)');
  await plain.session.execute(`INSERT INTO p SELECT i % 7, i FROM range(${count}) t(i) WHERE i <> 100`);
  await expect(plain.commit([`INSERT INTO c SELECT i % 7, i FROM range(${count}) t(i)`])).rejects.toMatchObject({
    message: expect.stringMatching(/^c\.(?:b = 100|\(a, b\) = \(2, 100\)) names no row of p\.$/) as unknown,
  });
  await plain.commit([`INSERT INTO c SELECT i % 7, i FROM range(${count}) t(i) WHERE i <> 100`]);
});

describe('asks nothing', () => {
  const asked = async (...changes: CheckedChange[]): Promise<string[]> =>
    questionsOf(await (await library()).catalog(), changes).map(
      ({ link, about }) => `${link.reference.name}: ${about}`,
    );
  const loan = { id: 1, book: 1, isbn: 'x' };
  const book = { id: 1, isbn: 'x', title: 'X' };

  it('for nulls, and for columns that an update leaves alone', async () => {
    expect(await asked({ table: 'loans', put: [{ ...loan, isbn: null }], fresh: true })).toEqual([
      'loans_book_fkey: new',
    ]);
    expect(await asked({ table: 'loans', put: [loan], assigned: ['isbn'] })).toEqual(['loans_isbn_fkey: new']);
    expect(await asked({ table: 'loans', delete: [{ id: 1 }] })).toEqual([]);
    expect(await asked({ table: 'main', put: [loan] })).toEqual([]);
  });

  it('of new rows that others may refer to, and of updates that keep what is referred to', async () => {
    expect(await asked({ table: 'books', put: [book], fresh: true })).toEqual([]);
    expect(await asked({ table: 'books', put: [book], assigned: ['title', 'id'] })).toEqual([]);
    expect(await asked({ table: 'books', put: [book], assigned: ['isbn'], before: [book] })).toEqual([
      'loans_isbn_fkey: gone',
    ]);
    expect(await asked({ table: 'books', put: [book] })).toEqual(['loans_isbn_fkey: any']);
    expect(await asked({ table: 'books', delete: [{ id: 1 }] })).toEqual([
      'loans_book_fkey: gone',
      'loans_isbn_fkey: any',
    ]);
    expect(await asked({ table: 'books', delete: [{ id: 1 }], before: [book] })).toEqual([
      'loans_book_fkey: gone',
      'loans_isbn_fkey: gone',
    ]);
  });
});
