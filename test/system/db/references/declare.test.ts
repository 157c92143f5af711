/** What SQL declares of references on DuckDB, and what becomes of it when tables change. */
import { describe, expect, it } from 'vitest';
import { readDdl } from '../../../../lib/db/duckdb/references/statements.ts';
import { openPlain, type Plain, storedReferences } from '../../../support/references/plain.ts';

const books = 'CREATE TABLE books (id INTEGER PRIMARY KEY, isbn VARCHAR UNIQUE, a INTEGER, b INTEGER, UNIQUE (a, b))';

async function library(): Promise<Plain> {
  const plain = await openPlain();
  await plain.ddl(books);
  return plain;
}

describe('CREATE TABLE', () => {
  it.each([
    ['a INTEGER REFERENCES books', 'loans_a_fkey: main.loans(a) -> main.books(id)'],
    ['a INTEGER NOT NULL REFERENCES Books (ID) DEFAULT 1', 'loans_a_fkey: main.loans(a) -> main.books(id)'],
    ['"A b" VARCHAR CONSTRAINT "my ref" REFERENCES main.books(isbn)', 'my ref: main.loans(A b) -> main.books(isbn)'],
    [
      'a INTEGER REFERENCES books ON DELETE NO ACTION ON UPDATE RESTRICT MATCH SIMPLE NOT DEFERRABLE',
      'loans_a_fkey: main.loans(a) -> main.books(id)',
    ],
    [
      'a INTEGER REFERENCES books DEFERRABLE INITIALLY DEFERRED NOT NULL',
      'loans_a_fkey: main.loans(a) -> main.books(id)',
    ],
    [
      'x INTEGER, y INTEGER, FOREIGN KEY (x, y) REFERENCES books (b, a)',
      'loans_x_y_fkey: main.loans(x,y) -> main.books(b,a)',
    ],
    ['FOREIGN KEY (x) REFERENCES books, x BIGINT', 'loans_x_fkey: main.loans(x) -> main.books(id)'],
    ['id INTEGER PRIMARY KEY, up INTEGER REFERENCES loans', 'loans_up_fkey: main.loans(up) -> main.loans(id)'],
  ])('keeps %s', async (elements, reference) => {
    const plain = await library();
    await plain.ddl(`CREATE TABLE loans (${elements})`);
    expect(await storedReferences(plain)).toEqual([reference]);
    const [row] = await plain.rows(`SELECT sql FROM duckdb_tables() WHERE table_name = 'loans'`);
    expect(row!['sql']).not.toMatch(/REFERENCES|FOREIGN/);
  });

  it('leaves all else of the table as it is', async () => {
    const plain = await library();
    const elements = [
      `"REFERENCES" VARCHAR DEFAULT 'x REFERENCES y, ("' -- REFERENCES books
      CHECK ("REFERENCES" <> 'FOREIGN KEY')`,
      'n DECIMAL(10, 2)[] /* , */ NOT NULL',
      's STRUCT("references" INTEGER, b VARCHAR)',
      'g INTEGER GENERATED ALWAYS AS (n[1]::INTEGER + 1)',
      'PRIMARY KEY ("REFERENCES")',
    ];
    await plain.ddl(`CREATE TABLE plain (${elements.join(', ')}, i INTEGER)`);
    await plain.ddl(
      `CREATE TABLE referring (${elements.join(', ')}, FOREIGN KEY (i) REFERENCES books, i INTEGER REFERENCES books(id))`,
    );
    const [one, two] = await plain.rows(
      `SELECT replace(sql, 'referring', 'plain') AS sql FROM duckdb_tables() WHERE table_name IN ('plain', 'referring') ORDER BY table_name`,
    );
    expect(two!['sql']).toBe(one!['sql']);
    expect(await storedReferences(plain)).toEqual([
      'referring_i_fkey: main.referring(i) -> main.books(id)',
      'referring_i_fkey1: main.referring(i) -> main.books(id)',
    ]);
  });

  it('refers to other schemas, and names each reference of a schema once', async () => {
    const plain = await library();
    await plain.ddl(
      'CREATE SCHEMA "my shop"',
      'CREATE TABLE "my shop".books (id INTEGER PRIMARY KEY, original INTEGER REFERENCES books)',
      'CREATE TABLE loans (x INTEGER, x_y INTEGER REFERENCES "my shop".books, y INTEGER, FOREIGN KEY (x, y) REFERENCES books (a, b))',
    );
    expect(await storedReferences(plain)).toEqual([
      'books_original_fkey: my shop.books(original) -> main.books(id)',
      'loans_x_y_fkey: main.loans(x_y) -> my shop.books(id)',
      'loans_x_y_fkey1: main.loans(x,y) -> main.books(a,b)',
    ]);
  });

  it('does nothing when the table is there already', async () => {
    const plain = await library();
    await plain.ddl('CREATE TABLE loans (a INTEGER)', 'CREATE TABLE IF NOT EXISTS loans (a INTEGER REFERENCES books)');
    expect(await storedReferences(plain)).toEqual([]);
  });

  it('forgets the references of a table that it replaces, and replaces none that others refer to', async () => {
    const plain = await library();
    await plain.ddl(
      'CREATE TABLE loans (id INTEGER PRIMARY KEY, a INTEGER REFERENCES books, up INTEGER REFERENCES loans)',
      'CREATE OR REPLACE TABLE loans (b INTEGER REFERENCES books)',
    );
    expect(await storedReferences(plain)).toEqual(['loans_b_fkey: main.loans(b) -> main.books(id)']);
    await expect(plain.ddl(`CREATE OR REPLACE ${books.slice(7)}`)).rejects.toMatchObject({
      kind: 'conflict',
      sqlState: '2BP01',
    });
    await plain.ddl('CREATE OR REPLACE TABLE loans AS SELECT 1 AS b', `CREATE OR REPLACE ${books.slice(7)}`);
    expect(await storedReferences(plain)).toEqual([]);
  });

  it.each([
    ['a INTEGER REFERENCES nobody', '42P01', 'There is no table nobody to refer to.'],
    ['a INTEGER REFERENCES books (nothing)', '42703', 'books has no column nothing.'],
    ['a INTEGER, FOREIGN KEY (b) REFERENCES books', '42703', 'loans has no column b.'],
    ['a INTEGER, FOREIGN KEY (a, a) REFERENCES books (a, b)', '42701', 'A column appears twice in a reference.'],
    ['a INTEGER REFERENCES books (a)', '42830', 'books (a) is neither its primary key nor unique.'],
    [
      'a INTEGER REFERENCES books (a, b)',
      '42830',
      'A reference to books needs as many columns on one side as on the other.',
    ],
    ['a INTEGER REFERENCES keyless', '42830', 'keyless has no primary key to refer to.'],
    [
      'a VARCHAR REFERENCES books',
      '42804',
      'loans.a is VARCHAR and books.id is INTEGER: a reference needs like types.',
    ],
    [
      'x INTEGER, a INTEGER GENERATED ALWAYS AS (1) REFERENCES books',
      '42P16',
      'loans.a is generated and cannot be part of a reference.',
    ],
    ['a INTEGER REFERENCES books ON DELETE CASCADE', '0A000', 'ON DELETE CASCADE is not supported on DuckDB.'],
    ['a INTEGER REFERENCES books ON UPDATE SET NULL', '0A000', 'ON UPDATE SET NULL is not supported on DuckDB.'],
    ['a INTEGER REFERENCES books MATCH FULL', '0A000', 'MATCH FULL is not supported on DuckDB.'],
    ['a INTEGER REFERENCES', '42601', 'Syntax error at the end of the statement: a name should be here.'],
    [
      'a INTEGER, FOREIGN KEY (a) REFERENCES books CHECK (a > 1)',
      '42601',
      'Syntax error at "CHECK": "," or ")" should be here.',
    ],
    [
      'a INTEGER CONSTRAINT c CHECK (a > 0) CONSTRAINT loans_a_check REFERENCES books',
      '42710',
      'loans has a constraint loans_a_check already.',
    ],
  ])('refuses %s', async (elements, sqlState, message) => {
    const plain = await library();
    await plain.ddl('CREATE TABLE keyless (a INTEGER)');
    await expect(plain.ddl(`CREATE TABLE loans (${elements})`)).rejects.toMatchObject({
      kind: 'invalid',
      sqlState,
      message,
    });
    expect(await plain.rows(`SELECT 1 FROM duckdb_tables() WHERE table_name = 'loans'`)).toEqual([]);
  });
});

describe('ALTER TABLE', () => {
  it('adds and drops references, and checks the rows that are there', async () => {
    const plain = await library();
    await plain.ddl('CREATE TABLE loans (a INTEGER, b VARCHAR)');
    await plain.commit([
      `INSERT INTO books (id, isbn) VALUES (1, 'x')`,
      `INSERT INTO loans VALUES (1, 'x'), (7, NULL)`,
    ]);
    const add = 'ALTER TABLE loans ADD CONSTRAINT "of book" FOREIGN KEY (a) REFERENCES books';
    await expect(plain.ddl(add)).rejects.toMatchObject({
      kind: 'invalid',
      sqlState: '23503',
      message: 'loans.a = 7 names no row of books.',
      constraint: { name: 'of book', schema: 'main', table: 'loans' },
    });
    await plain.ddl('ALTER TABLE loans ADD FOREIGN KEY (b) REFERENCES books (isbn)');
    await plain.commit(['DELETE FROM loans WHERE a = 7']);
    await plain.ddl(add);
    expect(await storedReferences(plain)).toEqual([
      'loans_b_fkey: main.loans(b) -> main.books(isbn)',
      'of book: main.loans(a) -> main.books(id)',
    ]);
    await plain.ddl(
      'ALTER TABLE loans DROP CONSTRAINT "OF BOOK"',
      'ALTER TABLE main.loans DROP CONSTRAINT IF EXISTS loans_b_fkey',
    );
    expect(await storedReferences(plain)).toEqual([]);
    await plain.ddl(
      'ALTER TABLE loans DROP CONSTRAINT IF EXISTS loans_b_fkey',
      'ALTER TABLE IF EXISTS nobody ADD FOREIGN KEY (x) REFERENCES y',
    );
    await expect(plain.ddl('ALTER TABLE nobody ADD FOREIGN KEY (x) REFERENCES books')).rejects.toMatchObject({
      sqlState: '42P01',
    });
  });

  it('adds a column that refers', async () => {
    const plain = await library();
    await plain.ddl('CREATE TABLE loans (a INTEGER)');
    await plain.commit(['INSERT INTO loans VALUES (1)']);
    await plain.ddl('ALTER TABLE loans ADD COLUMN IF NOT EXISTS b INTEGER CONSTRAINT r REFERENCES books');
    expect(await storedReferences(plain)).toEqual(['r: main.loans(b) -> main.books(id)']);
    await expect(plain.ddl('ALTER TABLE loans ADD c INTEGER DEFAULT 5 REFERENCES books')).rejects.toMatchObject({
      message: 'loans.c = 5 names no row of books.',
    });
  });

  it('takes references along when tables, columns and constraints get other names', async () => {
    const plain = await library();
    await plain.ddl(
      'CREATE TABLE loans (a INTEGER REFERENCES books, b VARCHAR REFERENCES books (isbn))',
      'ALTER TABLE books RENAME TO volumes',
      'ALTER TABLE volumes RENAME COLUMN isbn TO "Number"',
      'ALTER TABLE LOANS RENAME A TO volume',
      'ALTER TABLE loans RENAME TO lendings',
      'ALTER TABLE lendings RENAME CONSTRAINT loans_b_fkey TO by_number',
    );
    expect(await storedReferences(plain)).toEqual([
      'by_number: main.lendings(b) -> main.volumes(Number)',
      'loans_a_fkey: main.lendings(volume) -> main.volumes(id)',
    ]);
    await plain.ddl(
      'CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree)',
      'ALTER TABLE tree RENAME id TO number',
      'ALTER TABLE tree RENAME TO wood',
    );
    expect(await storedReferences(plain)).toContain('tree_up_fkey: main.wood(up) -> main.wood(number)');
  });

  it('changes no type so that a reference cannot be looked up, or breaks', async () => {
    const plain = await library();
    await plain.ddl('CREATE TABLE loans (a INTEGER REFERENCES books)');
    await plain.commit(['INSERT INTO books (id) VALUES (1)', 'INSERT INTO loans VALUES (1)']);
    await expect(plain.ddl('ALTER TABLE loans ALTER a TYPE VARCHAR')).rejects.toMatchObject({ sqlState: '42804' });
    await expect(plain.ddl('ALTER TABLE loans ALTER COLUMN a SET DATA TYPE BIGINT USING a + 1')).rejects.toMatchObject({
      sqlState: '23503',
    });
    await plain.ddl('ALTER TABLE loans ALTER a TYPE BIGINT');
  });
});

describe('DROP', () => {
  it('forgets references with their table, their column, their schema', async () => {
    const plain = await library();
    await plain.ddl(
      'CREATE SCHEMA shop',
      'CREATE TABLE shop.sales (a INTEGER REFERENCES books)',
      'CREATE TABLE loans (a INTEGER REFERENCES books, b INTEGER, c INTEGER REFERENCES books)',
      'ALTER TABLE loans DROP COLUMN c',
    );
    expect((await storedReferences(plain)).length).toBe(2);
    await plain.ddl('DROP TABLE loans', 'DROP SCHEMA shop CASCADE');
    expect(await storedReferences(plain)).toEqual([]);
  });

  it('spares what others refer to, unless it cascades', async () => {
    const plain = await library();
    await plain.ddl(
      'CREATE TABLE loans (a INTEGER REFERENCES books)',
      'CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree)',
      'DROP TABLE tree',
    );
    await expect(plain.ddl('DROP TABLE IF EXISTS books')).rejects.toMatchObject({
      kind: 'conflict',
      sqlState: '2BP01',
      message: 'loans refers to books (id) by loans_a_fkey: it cannot be dropped or replaced.',
      constraint: { name: 'loans_a_fkey', schema: 'main', table: 'loans' },
    });
    await plain.ddl('DROP TABLE books CASCADE');
    expect(await storedReferences(plain)).toEqual([]);
  });

  it('spares a unique index that a reference needs', async () => {
    const plain = await library();
    await plain.ddl('CREATE TABLE shelves (place INTEGER)', 'CREATE UNIQUE INDEX shelf_places ON shelves (place)');
    await plain.ddl('CREATE TABLE loans (a INTEGER REFERENCES shelves (place))');
    await expect(plain.ddl('DROP INDEX shelf_places')).rejects.toMatchObject({ sqlState: '2BP01' });
  });
});

it.each([
  'CREATE VIEW v AS SELECT 1',
  'DROP TABLE a',
  'ALTER TABLE t RENAME s.a TO b',
  'ALTER TABLE t ALTER a SET DEFAULT 1',
  'CREATE UNIQUE INDEX i ON t (a)',
])('leaves %s to DuckDB', (sql) => {
  expect(readDdl(sql)).toEqual({ kind: 'other', sql, cascade: false });
});
