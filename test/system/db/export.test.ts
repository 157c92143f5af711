/** The whole database as a file: whatever it holds, and adopted again it is the same database. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import type { Database } from '../../../lib/db/database.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { openDatabase, temporaryFolder } from '../../support/engine.ts';

const shop = {
  name: '0001_shop',
  sql: `
    CREATE SEQUENCE numbers;
    CREATE MACRO tidy(t) AS lower(trim(t));
    CREATE TYPE size AS ENUM ('small', 'large');
    CREATE SCHEMA other;
    CREATE TABLE z_makers (id INTEGER PRIMARY KEY DEFAULT nextval('numbers'), name VARCHAR DEFAULT tidy(' ACME '));
    CREATE TABLE a_parts (
      id INTEGER PRIMARY KEY,
      maker INTEGER NOT NULL REFERENCES z_makers,
      part_of INTEGER REFERENCES a_parts,
      price INTEGER, twice INTEGER GENERATED ALWAYS AS (price * 2) VIRTUAL, size size,
      CHECK (price >= 0));
    CREATE TABLE other.notes (note VARCHAR);
    CREATE UNIQUE INDEX of_notes ON other.notes (note);
    CREATE VIEW dear AS SELECT * FROM a_parts WHERE price > 10;
    COMMENT ON TABLE a_parts IS 'What is made.'`,
};

async function run(database: Database, ...statements: string[]): Promise<void> {
  for (const statement of statements) await database.write((queries) => sql.raw(statement).execute(queries));
}

async function exported(database: Database): Promise<string> {
  const path = join(await temporaryFolder(), 'exported.db');
  await database.exportTo(path);
  return path;
}

async function plain(path: string, query: string): Promise<unknown> {
  const instance = await DuckDBInstance.create(path);
  try {
    const connection = await instance.connect();
    const rows = (await connection.runAndReadAll(query)).getRowsJson();
    connection.closeSync();
    return rows;
  } finally {
    instance.closeSync();
  }
}

const ownTables = `SELECT table_name FROM duckdb_tables() WHERE schema_name = 'eider' ORDER BY 1`;

it('has generated columns, references in any order and to themselves, and defaults that call macros', async () => {
  const database = await openDatabase({ store: createMemoryStore({ runtime }), migrations: [shop] });
  await run(
    database,
    'INSERT INTO z_makers DEFAULT VALUES',
    `INSERT INTO a_parts (id, maker, price, size) VALUES (1, 1, 5, 'large')`,
    `INSERT INTO a_parts (id, maker, part_of, price) VALUES (2, 1, 1, 20)`,
    `INSERT INTO other.notes VALUES ('x')`,
  );
  const path = await exported(database);
  expect(await plain(path, ownTables)).toEqual([['migrations'], ['references']]);
  expect(await plain(path, 'SELECT id, twice, size, (SELECT name FROM z_makers) FROM a_parts ORDER BY id')).toEqual([
    [1, 10, 'large', 'acme'],
    [2, 40, null, 'acme'],
  ]);
  expect(await plain(path, 'SELECT id FROM dear')).toEqual([[2]]);

  const store = createMemoryStore({ runtime });
  await store.create('test.db', await readFile(path));
  const again = await openDatabase({ store, migrations: [shop] });
  await expect(run(again, 'INSERT INTO a_parts (id, maker) VALUES (3, 77)')).rejects.toMatchObject({
    constraint: { name: 'a_parts_maker_fkey' },
  });
  await run(again, 'INSERT INTO z_makers DEFAULT VALUES');
  const { value } = await again.read((queries) => sql`SELECT id, name FROM z_makers ORDER BY id`.execute(queries));
  expect(value.rows).toEqual([
    { id: 1, name: 'acme' },
    { id: 2, name: 'acme' },
  ]);
  await again.sync();
  await writeFile(path, (await store.get('test.db'))!);
  expect(await plain(path, ownTables)).toEqual(
    ['idempotency_keys', 'migrations', 'references', 'settled_writes', 'state'].map((name) => [name]),
  );
});

it('has a million rows with a key and unique texts, in the memory that it may take', async () => {
  const things = { name: '0001_things', sql: 'CREATE TABLE things (id UUID PRIMARY KEY, code VARCHAR UNIQUE)' };
  const database = await openDatabase({ store: createMemoryStore({ runtime }), migrations: [things] });
  await database.write(
    (queries) =>
      sql`INSERT INTO things SELECT gen_random_uuid(), 'the code of thing number ' || i FROM range(1000000) t(i)`.execute(
        queries,
      ),
    { large: true },
  );
  await run(database, `INSERT INTO things VALUES (gen_random_uuid(), 'one more')`);
  const path = await exported(database);
  expect(await plain(path, 'SELECT count(*), count(DISTINCT code) FROM things')).toEqual([['1000001', '1000001']]);
}, 120_000);
