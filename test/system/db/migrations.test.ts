/** Migrations on DuckDB: of new databases, of adopted ones, and of those whose files changed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { displayName } from '../../../lib/catalog/catalog.ts';
import type { Migration } from '../../../lib/catalog/migrations.ts';
import type { Database } from '../../../lib/db/database.ts';
import type { MigrationReport } from '../../../lib/db/migration-report.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { accounts, openDatabase, temporaryFolder } from '../../support/engine.ts';
import { migrations } from '../../support/migrations.ts';

/** A store with a database file that DuckDB made of these statements. */
async function storeWith(...statements: string[]) {
  const path = join(await temporaryFolder(), 'made.db');
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  for (const sql of statements) await connection.run(sql);
  connection.disconnectSync();
  instance.closeSync();
  const store = createMemoryStore({ runtime });
  await store.create('test.db', readFileSync(path));
  return store;
}

async function tablesOf(database: Database): Promise<string[]> {
  const catalog = await database.catalog();
  return [...catalog.relations.values()].map((relation) => displayName(catalog, relation)).toSorted();
}

const own: Migration = { name: '0005_own', sql: 'CREATE TABLE own (id INTEGER PRIMARY KEY)' };
const sample = ['courses', 'enrollments', 'students'];

describe('the sample', () => {
  it('is what a new database begins with, and an adopted one without tables', async () => {
    const used = [...migrations, own];
    const fresh = await openDatabase({ store: createMemoryStore({ runtime }), migrations: used });
    expect(await tablesOf(fresh)).toEqual(['courses', 'enrollments', 'own', 'students']);
    const adopted = await openDatabase({ store: await storeWith('CREATE SCHEMA empty'), migrations });
    expect(await tablesOf(adopted)).toEqual(sample);
  });

  it.each([
    ['a table', 'CREATE TABLE sales (id INTEGER)'],
    ['a view', 'CREATE VIEW sales AS SELECT 1 AS id'],
    ['a table in another schema', 'CREATE SCHEMA shop; CREATE TABLE shop.sales (id INTEGER)'],
  ])('is left out of an adopted database with %s, for good', async (_, sql) => {
    const store = await storeWith(sql);
    const reports: MigrationReport[] = [];
    const migrationMode = { isDryRun: false, report: (report: MigrationReport) => void reports.push(report) };
    const database = await openDatabase({ store, migrations: [...migrations, own], migrationMode });
    expect(await tablesOf(database)).toEqual(['own', expect.stringMatching(/sales$/)]);
    expect(reports).toEqual([{ ran: ['0005_own'], pending: [], skipped: ['0001_student_courses'], differing: [] }]);
    await database.write((_queries, scope) => scope.run('DROP TABLE own'));
    const { version } = await database.status();
    const again = await openDatabase({ store, migrations: [...migrations, own], migrationMode });
    expect(reports.at(-1)).toEqual({ ran: [], pending: [], skipped: [], differing: [] });
    expect(await again.status()).toMatchObject({ version, warnings: [] });
  });

  it('keeps its own rules', async () => {
    const database = await openDatabase({ store: createMemoryStore({ runtime }), migrations });
    const run = (sql: string) => database.write((_queries, scope) => scope.run(sql));
    await run(`INSERT INTO students (name, email) VALUES ('Ada', 'ada@example.com')`);
    for (const sql of [
      `INSERT INTO students (name, email) VALUES ('Ada', 'ada@example.com')`,
      `INSERT INTO students (name, email) VALUES ('', 'a@example.com')`,
      `INSERT INTO students (name, email) VALUES ('Ada', 'example.com')`,
      `INSERT INTO courses (code, title, credits) VALUES ('CS1', 'Databases', 31)`,
      `INSERT INTO enrollments (student_id, course_id, term) SELECT id, uuid(), '2026' FROM students`,
    ]) {
      await expect(run(sql)).rejects.toMatchObject({ sqlState: expect.stringMatching(/^23/) as unknown });
    }
  });
});

it('of which the files changed or are gone are told of', async () => {
  const store = createMemoryStore({ runtime });
  await openDatabase({ store, migrations: [accounts, own] });
  const changed: Migration = { name: accounts.name, sql: 'CREATE TABLE other (id INTEGER)' };
  const database = await openDatabase({ store, migrations: [changed] });
  expect((await database.status()).warnings).toEqual([
    'The migration 0001_accounts was changed after it ran on this database. Its new text was not run.',
    'The migration 0005_own ran on this database, and its file is gone.',
  ]);
  expect(await tablesOf(database)).toEqual(['accounts', 'own']);
});

it('can be looked at without running', async () => {
  const store = createMemoryStore({ runtime });
  const reports: MigrationReport[] = [];
  const migrationMode = { isDryRun: true, report: (report: MigrationReport) => void reports.push(report) };
  const database = await openDatabase({ store, migrations: [...migrations, own], migrationMode });
  expect(reports).toEqual([{ ran: [], pending: ['0001_student_courses', '0005_own'], skipped: [], differing: [] }]);
  expect((await database.status()).version).toBe(0);
});

it('that fail name the place, and leave nothing of the file', async () => {
  const store = createMemoryStore({ runtime });
  const bad: Migration = {
    name: '0002_bad',
    sql: 'CREATE TABLE a (b INTEGER);\n-- two\nCREATE TABLE accounts (b INTEGER);',
  };
  await expect(openDatabase({ store, migrations: [accounts, bad] })).rejects.toMatchObject({
    message: expect.stringMatching(
      /^migrations\/0002_bad\.sql, statement 2 \(line 3\): .*accounts.*already exists/,
    ) as unknown,
    hint: 'Correct the file, or rename what it conflicts with. All its changes were rolled back.',
  });
  expect(await tablesOf(await openDatabase({ store }))).toEqual(['accounts']);
});

it.each([
  [
    'a table (id SERIAL PRIMARY KEY)',
    'DuckDB has neither SERIAL nor IDENTITY.',
    /^CREATE SEQUENCE ids; .*nextval\('ids'\)/,
  ],
  ['a table (id INTEGER GENERATED ALWAYS AS IDENTITY)', 'DuckDB has neither SERIAL nor IDENTITY.', /^CREATE SEQUENCE/],
  ['rows changed before', 'statement 4 (line 1): ', /^Alter it first, or in the next file/],
])('with %s are told what to write', async (what, message, hint) => {
  const [, columns] = /^a table (.*)$/.exec(what) ?? [];
  const altered =
    'CREATE TABLE t AS SELECT 1 AS a; ALTER TABLE t ADD COLUMN b INTEGER; UPDATE t SET b = a; ALTER TABLE t ALTER b SET NOT NULL';
  const sql = columns === undefined ? altered : `CREATE TABLE serial ${columns}`;
  const opened = openDatabase({ store: createMemoryStore({ runtime }), migrations: [{ name: '0001_bad', sql }] });
  await expect(opened).rejects.toMatchObject({
    message: expect.stringContaining(message) as unknown,
    hint: expect.stringMatching(hint) as unknown,
  });
});

it('whose rows break a reference name the file', async () => {
  const bad: Migration = {
    name: '0002_bad',
    sql: 'CREATE TABLE f1 (id INTEGER PRIMARY KEY); CREATE TABLE f2 (x INTEGER REFERENCES f1); INSERT INTO f2 VALUES (7)',
  };
  const opened = openDatabase({ store: createMemoryStore({ runtime }), migrations: [bad] });
  await expect(opened).rejects.toMatchObject({
    message: 'migrations/0002_bad.sql: f2.x = 7 names no row of f1.',
    sqlState: '23503',
  });
});
