/** What DuckDB says of its tables, as the catalog's model. */
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { columnNamed, findRelation, type Catalog, type Relation } from '../../../lib/catalog/catalog.ts';
import { readDuckDbCatalog } from '../../../lib/catalog/duckdb.ts';
import { parseDuckDbType } from '../../../lib/catalog/duckdb-types.ts';
import { plainRows } from '../../../lib/db/duckdb/dialect.ts';
import { Session } from '../../../lib/sync/sql.ts';

async function openSession(): Promise<Session> {
  const instance = await DuckDBInstance.create(':memory:');
  const session = new Session(await instance.connect());
  onTestFinished(() => {
    session.close();
    instance.closeSync();
  });
  return session;
}

const catalogOf = (session: Session): Promise<Catalog> =>
  readDuckDbCatalog(async (sql) => plainRows(await session.run(sql)));

function relation(catalog: Catalog, name: string): Relation {
  const found = findRelation(catalog, name);
  if (!found) throw new Error(`There is no ${name}.`);
  return found;
}

describe('the type texts of DuckDB', () => {
  it('are read as they are written', () => {
    expect(parseDuckDbType('BOOLEAN')).toEqual({ kind: 'boolean' });
    expect(parseDuckDbType('UTINYINT')).toEqual({ kind: 'integer', min: 0n, max: 255n });
    expect(parseDuckDbType('HUGEINT')).toEqual({ kind: 'integer', min: -(2n ** 127n), max: 2n ** 127n - 1n });
    expect(parseDuckDbType('DECIMAL(10,2)')).toEqual({ kind: 'decimal', width: 10, scale: 2 });
    expect(parseDuckDbType('TIMESTAMP WITH TIME ZONE')).toEqual({ kind: 'timestamp', withZone: true, digits: 6 });
    expect(parseDuckDbType('TIMESTAMP_NS')).toEqual({ kind: 'timestamp', withZone: false, digits: 9 });
    expect(parseDuckDbType('TIME WITH TIME ZONE[]')).toMatchObject({ kind: 'list', item: { withZone: true } });
    expect(parseDuckDbType('INTEGER[][3]')).toMatchObject({
      kind: 'list',
      length: 3,
      item: { kind: 'list', length: null },
    });
    expect(parseDuckDbType(`ENUM('a', 'o''k', 'b, c')`)).toEqual({ kind: 'enum', values: ['a', "o'k", 'b, c'] });
    expect(parseDuckDbType('STRUCT(a INTEGER, "b, ""c" VARCHAR[])')).toMatchObject({
      kind: 'struct',
      fields: [
        ['a', { kind: 'integer' }],
        ['b, "c', { kind: 'list', item: { kind: 'text' } }],
      ],
    });
    expect(parseDuckDbType('MAP(VARCHAR, STRUCT(x UUID))')).toMatchObject({
      kind: 'map',
      key: { kind: 'text' },
      value: { kind: 'struct', fields: [['x', { kind: 'uuid' }]] },
    });
    expect(parseDuckDbType('UNION(n INTEGER, "t t" JSON)')).toMatchObject({
      members: [
        ['n', {}],
        ['t t', { kind: 'json' }],
      ],
    });
  });

  it('are `other` when they are not known', () => {
    for (const text of ['VARIANT', 'GEOMETRY', 'TIME_NS', 'ENUM(', 'INTEGER INTEGER', 'constructor', '', "'"]) {
      expect(parseDuckDbType(text)).toEqual({ kind: 'other' });
    }
  });
});

describe('the catalog of DuckDB', () => {
  it('tells tables with their columns and constraints', async () => {
    const session = await openSession();
    await session.execute(`
      CREATE TYPE mood AS ENUM ('sad', 'happy'); CREATE SEQUENCE numbers; CREATE SCHEMA "my shop";
      CREATE TABLE books (
        "Shelf no" INTEGER, isbn VARCHAR UNIQUE, number BIGINT DEFAULT nextval('numbers'), title VARCHAR NOT NULL,
        price DECIMAL(10,2) DEFAULT 1.50 CHECK (price > 0), gross DECIMAL(10,2) GENERATED ALWAYS AS (price * 2),
        mood mood, UNIQUE (title, isbn), CHECK (price < 100), CHECK (length(title) > price),
        PRIMARY KEY (number, "Shelf no"));
      CREATE UNIQUE INDEX shelves ON books ("Shelf no"); CREATE UNIQUE INDEX lower_titles ON books (lower(title));
      CREATE TABLE "my shop"."Order" (id UUID PRIMARY KEY DEFAULT gen_random_uuid());
      COMMENT ON TABLE books IS 'What we lend'; COMMENT ON COLUMN books.title IS 'On the spine';
      INSERT INTO books ("Shelf no", title) SELECT range, 'a long title' || range FROM range(3);
    `);
    const catalog = await catalogOf(session);
    expect([...catalog.relations.values()].map(({ schema, name }) => [schema, name])).toEqual([
      ['main', 'books'],
      ['my shop', 'Order'],
    ]);
    const books = relation(catalog, 'books');
    expect(books).toMatchObject({ kind: 'table', comment: 'What we lend', readOnly: null, estimatedRows: 3 });
    expect(books.key).toEqual(['number', 'Shelf no']);
    expect(books.unique).toEqual([
      { name: 'books_isbn_key', columns: ['isbn'] },
      { name: 'books_title_isbn_key', columns: ['title', 'isbn'] },
      { name: 'shelves', columns: ['Shelf no'] },
    ]);
    expect(books.checks).toEqual([
      { name: 'books_price_check', expression: '(price > 0)', columns: ['price'] },
      { name: 'books_price_check1', expression: '(price < 100)', columns: ['price'] },
      {
        name: 'books_check',
        expression: expect.stringContaining('length(title)') as string,
        columns: ['title', 'price'],
      },
    ]);
    expect(columnNamed(books, 'number')).toMatchObject({ default: "nextval('numbers')", nullable: false });
    expect(columnNamed(books, 'gross')).toMatchObject({ generated: true, default: null, sqlType: 'DECIMAL(10,2)' });
    expect(columnNamed(books, 'mood')).toMatchObject({
      type: { kind: 'enum', values: ['sad', 'happy'] },
      nullable: true,
    });
    expect(columnNamed(books, 'title')).toMatchObject({ comment: 'On the spine', generated: false });
    expect(relation(catalog, 'my shop.Order').key).toEqual(['id']);
  });

  it('tells views, also those whose table is gone, and macros', async () => {
    const session = await openSession();
    await session.execute(`
      CREATE TABLE t (id INTEGER, gone INTEGER); CREATE VIEW v AS SELECT id, 1 AS one FROM t; CREATE VIEW lost AS SELECT gone FROM t;
      COMMENT ON VIEW v IS 'a view'; CREATE MACRO add(a, b := 2) AS a + b; CREATE MACRO pick(x) AS TABLE SELECT x;
      ALTER TABLE t DROP COLUMN gone;
    `);
    const catalog = await catalogOf(session);
    expect(relation(catalog, 'v')).toMatchObject({
      kind: 'view',
      comment: 'a view',
      readOnly: 'It is a view.',
      key: [],
    });
    expect(relation(catalog, 'v').columns.map(({ name }) => name)).toEqual(['id', 'one']);
    expect(relation(catalog, 'lost').kind).toBe('view');
    expect(catalog.macros).toMatchObject([
      { name: 'add', kind: 'scalar', parameters: [{ name: 'a', type: null }, { name: 'b' }] },
      { name: 'pick', kind: 'table' },
    ]);
  });

  it('tells references: those that Eider keeps, and those of DuckDB', async () => {
    const session = await openSession();
    await session.execute(`
      CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a INTEGER REFERENCES a (id)); CREATE TABLE c (x INTEGER);
      CREATE SCHEMA eider;
      CREATE TABLE eider."references" (name VARCHAR, schema_name VARCHAR, table_name VARCHAR, columns VARCHAR[],
        target_schema VARCHAR, target_table VARCHAR, target_columns VARCHAR[]);
      INSERT INTO eider."references" VALUES ('c_x_fkey', 'main', 'c', ['x'], 'main', 'a', ['id']);
    `);
    const catalog = await catalogOf(session);
    const target = { schema: 'main', name: 'a' };
    expect(relation(catalog, 'b').references).toEqual([
      { name: 'b_a_fkey', columns: ['a'], target, targetColumns: ['id'] },
    ]);
    expect(relation(catalog, 'c').references).toEqual([
      { name: 'c_x_fkey', columns: ['x'], target, targetColumns: ['id'] },
    ]);
    expect(findRelation(catalog, 'eider.references')).toBeNull();
  });

  it('says which tables can only be read', async () => {
    const session = await openSession();
    await session.execute('CREATE TABLE t (a INTEGER, b STRUCT(x TIME_NS)[])');
    expect(relation(await catalogOf(session), 't').readOnly).toMatch(/column b, STRUCT\(x TIME_NS\)\[\]/);
  });

  it('has an etag of the definitions, whatever rows there are', async () => {
    const session = await openSession();
    await session.execute('CREATE TABLE t (a INTEGER)');
    const { etag } = await catalogOf(session);
    await session.execute('INSERT INTO t VALUES (1)');
    expect((await catalogOf(session)).etag).toBe(etag);
    const seen = new Set([etag]);
    for (const ddl of [
      'ALTER TABLE t ADD COLUMN b INTEGER',
      'ALTER TABLE t ALTER b SET DEFAULT 4',
      `COMMENT ON COLUMN t.b IS 'b'`,
      'CREATE UNIQUE INDEX i ON t (a)',
      'CREATE MACRO m(x) AS x',
      'CREATE VIEW v AS SELECT 1 AS one',
    ]) {
      await session.execute(ddl);
      seen.add((await catalogOf(session)).etag);
    }
    expect(seen.size).toBe(7);
  });
});
