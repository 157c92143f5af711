/** Files whose tables have foreign keys of DuckDB's own: adopted without them, and nothing else of them changes. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { takeOverForeignKeys } from '../../../../lib/db/duckdb/references/take-over.ts';
import { systemRuntime as runtime } from '../../../../lib/runtime.ts';
import { createMemoryStore } from '../../../../lib/testing/memory.ts';
import { Engine } from '../../../../lib/sync/engine.ts';
import { layoutOf } from '../../../../lib/sync/layout.ts';
import { Session } from '../../../../lib/sync/sql.ts';
import { openDatabase, temporaryFolder } from '../../../support/engine.ts';
import { plainOn, storedReferences } from '../../../support/references/plain.ts';

const layout = layoutOf('test.db');

const shop = `
  CREATE SCHEMA "my shop";
  CREATE SEQUENCE numbers START 5;
  CREATE TYPE mood AS ENUM ('good', 'it''s bad');
  CREATE MACRO twice(x) AS x * 2;
  CREATE TABLE people (id INTEGER PRIMARY KEY DEFAULT nextval('numbers'), boss INTEGER REFERENCES people,
    name VARCHAR NOT NULL DEFAULT 'no, "body" (REFERENCES x)' CHECK (length(name) < 30), feels mood DEFAULT 'good',
    double INTEGER GENERATED ALWAYS AS (id * 2), tags VARCHAR[], since TIMESTAMP DEFAULT now(), UNIQUE (name, boss));
  CREATE TABLE "order" (id BIGINT PRIMARY KEY, "who, of them" INTEGER REFERENCES people (id), price DECIMAL(10, 2),
    spot STRUCT(x INTEGER, "y z" VARCHAR));
  CREATE TABLE "my shop".items (a INTEGER, b VARCHAR, PRIMARY KEY (a, b));
  CREATE TABLE "my shop".parts (x INTEGER, y VARCHAR COLLATE nocase, note BLOB, FOREIGN KEY (x, y) REFERENCES "my shop".items);
  CREATE TABLE notes (about BIGINT REFERENCES "order");
  CREATE TABLE alone (a INTEGER);
  CREATE INDEX by_name ON people (name); CREATE UNIQUE INDEX "by two" ON people (double, name); CREATE INDEX low ON "order" ((price + 1));
  CREATE VIEW staff AS SELECT p.name, b.name AS boss FROM people AS p JOIN people AS b ON p.boss = b.id;
  COMMENT ON TABLE people IS 'who''s who'; COMMENT ON COLUMN people.double IS 'twice'; COMMENT ON INDEX by_name IS 'index';
  COMMENT ON VIEW staff IS 'a view'; COMMENT ON COLUMN "order"."who, of them" IS 'buyer';
  INSERT INTO people (boss, name, tags) VALUES (NULL, 'Ada', ['a', NULL]); INSERT INTO people (boss, name, feels) VALUES (5, 'Bob', 'it''s bad');
  INSERT INTO "order" VALUES (9, 5, 1.50, {x: 1, 'y z': 'q'}), (3, NULL, NULL, NULL), (7, 6, -2, NULL);
  INSERT INTO "my shop".items VALUES (1, 'a'); INSERT INTO "my shop".parts VALUES (1, 'a', '\\x00'), (1, NULL, NULL), (NULL, NULL, NULL);
  INSERT INTO notes VALUES (9), (3), (9);`;

const definitions = [
  `SELECT schema_name, table_name, column_name, column_index, comment, column_default, is_nullable, data_type FROM duckdb_columns() WHERE NOT internal AND schema_name <> 'eider'`,
  `SELECT schema_name, table_name, comment, has_primary_key, estimated_size, column_count, sql LIKE '%COLLATE nocase%' AS collates FROM duckdb_tables() WHERE schema_name <> 'eider'`,
  `SELECT schema_name, table_name, constraint_name, constraint_text FROM duckdb_constraints() WHERE constraint_type <> 'FOREIGN KEY' AND schema_name <> 'eider'`,
  'SELECT schema_name, index_name, table_name, is_unique, comment, expressions, sql FROM duckdb_indexes()',
  'SELECT schema_name, view_name, sql, comment FROM duckdb_views() WHERE NOT internal',
  'SELECT sequence_name, start_value, last_value, cycle FROM duckdb_sequences()',
  'SELECT function_name, macro_definition FROM duckdb_functions() WHERE NOT internal',
];
const rows = ['people', '"order"', '"my shop".items', '"my shop".parts', 'notes', 'alone'].map(
  (table) => `FROM ${table}`,
);

async function all(session: Session): Promise<unknown[]> {
  const { rows: read } = plainOn(session);
  const sorted = await Promise.all(definitions.map((sql) => read(`${sql} ORDER BY ALL`)));
  const inOrder = await Promise.all(rows.map((sql) => read(sql)));
  return [sorted, inOrder];
}

async function withSession<T>(path: string, work: (session: Session) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(path, { threads: '1' });
  const session = new Session(await instance.connect());
  try {
    return await work(session);
  } finally {
    session.close();
    instance.closeSync();
  }
}

const declared = [
  'notes_about_fkey: main.notes(about) -> main.order(id)',
  'order_who, of them_fkey: main.order(who, of them) -> main.people(id)',
  'parts_x_y_fkey: my shop.parts(x,y) -> my shop.items(a,b)',
  'people_boss_fkey: main.people(boss) -> main.people(id)',
];

describe('foreign keys of DuckDB', () => {
  it('are taken over, and all else stays as it was', async () => {
    await withSession(':memory:', async (session) => {
      await session.execute(shop);
      const before = await all(session);
      expect(await takeOverForeignKeys(session)).toBe(true);
      expect(await all(session)).toEqual(before);
      expect(await storedReferences(plainOn(session))).toEqual(declared);
      expect(await session.rows(`SELECT 1 FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'`)).toEqual(
        [],
      );
      expect(await takeOverForeignKeys(session)).toBe(false);
      await session.execute(`INSERT INTO people (name) VALUES ('Cyd'); DELETE FROM people WHERE name = 'Ada'`);
      expect(await plainOn(session).rows('SELECT id, double FROM people')).toEqual([
        { id: 6, double: 12 },
        { id: 7, double: 14 },
      ]);
    });
  });

  it('are taken over in one transaction, too', async () => {
    await withSession(':memory:', async (session) => {
      await session.execute(shop);
      const before = await all(session);
      await session.execute('BEGIN');
      await takeOverForeignKeys(session);
      await session.execute('COMMIT');
      expect(await all(session)).toEqual(before);
    });
  });

  it('are gone from an adopted database; the file that it was stays', async () => {
    const path = join(await temporaryFolder(), 'shop.db');
    await withSession(path, (session) => session.execute(shop));
    const file = await readFile(path);
    const store = createMemoryStore({ runtime });
    await store.create(layout.databaseFile, file);
    const database = await openDatabase({ store });
    const { value } = await database.read((queries) =>
      queries.selectFrom('eider.references').select('name').orderBy('name').execute(),
    );
    expect(value.map(({ name }) => name)).toEqual([
      'notes_about_fkey',
      'order_who, of them_fkey',
      'parts_x_y_fkey',
      'people_boss_fkey',
    ]);
    expect(Buffer.from((await store.get(layout.databaseFile))!).equals(file)).toBe(true);
    const [snapshot] = (await store.list(layout.snapshotPrefix)).objects;
    const copy = join(await temporaryFolder(), 'copy.db');
    await writeFile(copy, (await store.get(snapshot!.key))!);
    expect(await withSession(copy, all)).toEqual(await withSession(path, all));
  });

  it('are taken over by one commit where an earlier version adopted them', async () => {
    const path = join(await temporaryFolder(), 'shop.db');
    await withSession(path, (session) => session.execute(shop));
    const store = createMemoryStore({ runtime });
    await store.create(layout.databaseFile, await readFile(path));
    const engine = await Engine.open({ store, name: 'test.db', slotRoot: await temporaryFolder(), runtime });
    await engine.close();
    const [database, other] = [await openDatabase({ store }), await openDatabase({ store })];
    for (const each of [database, other]) {
      const breaking = each.write((_queries, scope) => scope.run('DELETE FROM "order"'));
      await expect(breaking).rejects.toMatchObject({ sqlState: '23503', constraint: { name: 'notes_about_fkey' } });
      const { value } = await each.read((_queries, scope) =>
        scope.run(`SELECT 1 FROM duckdb_constraints() WHERE constraint_type = 'FOREIGN KEY'`),
      );
      expect(value.rows).toEqual([]);
      await each.write((_queries, scope) => scope.run('UPDATE "order" SET price = price + 1'));
    }
  });
});
