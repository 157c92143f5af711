/** Migrations on PostgreSQL: once, all or nothing, beside other users of the server, with the rights that README names. */
import { sql } from '#packages/kysely';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openPostgresDatabase } from '../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import type { Migration } from '../../../lib/schema/migration.ts';
import { migrations } from '../../../lib/schema/migrations/index.ts';
import { accounts, insertAccount } from '../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

async function open(connectionString: string, used: readonly Migration[] = migrations) {
  const database = await openPostgresDatabase({ connectionString, driver: 'pg', migrations: used, runtime });
  onTestFinished(() => database.close());
  return database;
}

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

/** Every table, index, function and trigger that is not the server's own. */
async function objects(url: string): Promise<unknown[]> {
  return server.run(
    `SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'eider') UNION ALL
    SELECT n.nspname, p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('public', 'eider') ORDER BY 1, 2`,
    nameOf(url),
  );
}

it('run once, however many start at once', async () => {
  const url = await server.createDatabase();
  let runs = 0;
  const counted: Migration = {
    name: '0009_counted',
    async up({ queries, engine }) {
      runs++;
      expect(engine).toBe('postgres');
      await queries.schema
        .createTable('notes')
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('words', 'varchar(10)')
        .execute();
      await queries.insertInto('notes').values({ id: 1, words: 'made' }).execute();
    },
  };
  const opened = await Promise.all(Array.from({ length: 6 }, () => open(url, [...migrations, counted])));
  expect(runs).toBe(1);
  const done = await server.run('SELECT name FROM eider.migrations ORDER BY name', nameOf(url));
  expect(done.map(({ name }) => name)).toEqual([...migrations.map(({ name }) => name), '0009_counted']);
  const rows = { kind: 'put', table: 'notes', rows: [{ id: 1, words: 'made' }] };
  for (const database of opened) {
    const { sets } = (await database.changes({ after: 0, limit: 100 })).value;
    // Rows that the migration wrote are changes like any other.
    expect(sets.at(-1)?.changes).toEqual([{ kind: 'schema' }, rows]);
  }
});

it('give columns of text the order of code points, later ones too', async () => {
  const url = await server.createDatabase();
  const later: Migration = {
    name: '0009_later',
    up: async ({ queries }) => queries.schema.alterTable('accounts').addColumn('note', 'text').execute(),
  };
  await open(url, [accounts]);
  const database = await open(url, [accounts, later]);
  const words = ['b', 'A', 'a', 'B', 'é', 'z', '_', '-a', 'Z', '\u{1F600}', '\uFF5E'];
  await database.write((queries) =>
    queries
      .insertInto('accounts')
      .values(words.map((note, index) => ({ id: String(index), owner: note, balance: 0, note })))
      .execute(),
  );
  const byBytes = words.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const column of ['note', 'owner']) {
    const { value } = await database.read((queries) =>
      queries.selectFrom('accounts').select(column).orderBy(column).execute(),
    );
    expect(value.map((row) => row[column])).toEqual(byBytes);
  }
});

it.each([
  ['table', 'CREATE TABLE courses (id int PRIMARY KEY); INSERT INTO courses VALUES (7)', 'courses'],
  ['view', 'CREATE VIEW students AS SELECT 1 AS one', 'students'],
  ['index', 'CREATE TABLE other (i int); CREATE INDEX courses_code_unique ON other (i)', 'courses_code_unique'],
])('leave a database alone that has a %s by a name of theirs', async (_, statements, name) => {
  const url = await server.createDatabase();
  await server.run(statements, nameOf(url));
  const before = await objects(url);
  await expect(open(url)).rejects.toMatchObject({
    kind: 'invalid',
    message: `The database has a table or an index ${name} already, which 0001_students_courses_enrollments makes.`,
    hint: expect.stringContaining('nothing of this one was changed'),
  });
  expect(await objects(url)).toEqual(before);
});

it('leave nothing behind of one that fails', async () => {
  const url = await server.createDatabase();
  const ending: Migration = {
    name: '0001_ending',
    up: async ({ queries }) => void (await sql`COMMIT`.execute(queries)),
  };
  await expect(open(url, [ending])).rejects.toMatchObject({ kind: 'invalid' });
  expect(await objects(url)).toEqual([]);
});

it('live beside tables of others, whose changes are not kept', async () => {
  const url = await server.createDatabase();
  await server.run('CREATE TABLE other (i int PRIMARY KEY)', nameOf(url));
  const database = await open(url, [accounts]);
  await server.run('INSERT INTO other VALUES (1)', nameOf(url));
  const { sets } = (await database.changes({ after: 0, limit: 100 })).value;
  expect(sets.map(({ changes }) => changes)).toEqual([[{ kind: 'schema' }]]);
});

it('need the rights that README names, and say so', async () => {
  const url = await server.createDatabase();
  await server.run(`CREATE ROLE school LOGIN PASSWORD 'word'`);
  const as = Object.assign(new URL(url), { username: 'school', password: 'word' }).href;
  await expect(open(as)).rejects.toMatchObject({
    kind: 'denied',
    message: 'The user of DATABASE_URL may not make the tables of this database.',
    hint: expect.stringContaining('GRANT CREATE'),
  });
  await server.run(
    `GRANT CREATE ON DATABASE ${nameOf(url)} TO school; GRANT CREATE, USAGE ON SCHEMA public TO school`,
    nameOf(url),
  );
  const database = await open(as);
  const row = {
    id: runtime.uuid(),
    name: 'Ada',
    email: 'a@example.org',
    created_at: new Date(),
    updated_at: new Date(),
  };
  await database.write((queries) => queries.insertInto('students').values(row).execute());
  // Who may write into the tables need know nothing of Eider's.
  await server.run(`CREATE ROLE clerk; GRANT UPDATE, SELECT ON students TO clerk`, nameOf(url));
  await server.run(`SET ROLE clerk; UPDATE students SET name = 'Ada Lovelace'`, nameOf(url));
  const { sets } = (await database.changes({ after: 0, limit: 100 })).value;
  expect(sets.at(-1)?.changes).toMatchObject([{ kind: 'put', rows: [{ name: 'Ada Lovelace' }] }]);
});

it('refuse a server that cannot hold the data', async () => {
  await server.run(`CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0 LOCALE_PROVIDER libc`);
  await expect(open(server.url('latin'))).rejects.toMatchObject({
    kind: 'denied',
    message: /another encoding than UTF8/,
  });
});

it('bring tables of Eider up to date that an earlier version made, where the user may', async () => {
  const url = await server.createDatabase();
  const first = await open(url, [accounts]);
  await insertAccount(first, 'before');
  const name = nameOf(url);
  const tokens = (): Promise<unknown[]> =>
    server.run('SELECT token IS NULL AS without FROM eider.changes ORDER BY ordinal', name);
  await server.run('ALTER TABLE eider.changes DROP COLUMN token', name);
  await server.run(
    `CREATE ROLE guest LOGIN PASSWORD 'word'; GRANT USAGE ON SCHEMA eider TO guest;
    GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public, eider TO guest`,
    name,
  );
  // Whoever may not change the table works without.
  const guest = await open(server.url(name, 'guest', 'word'), [accounts]);
  await insertAccount(guest, 'as a guest');
  await Promise.all([open(url, [accounts]), open(url, [accounts])]);
  await insertAccount(guest, 'as a guest later');
  // An instance of the earlier version says nothing of tokens.
  await server.run(`INSERT INTO accounts (id, balance) VALUES ('by hand', 0)`, name);
  expect((await tokens()).slice(-4)).toEqual([true, true, false, true].map((without) => ({ without })));
});

it('make tables where they belong, also for a user who has the name of Eider’s own schema', async () => {
  const url = await server.createDatabase();
  const name = nameOf(url);
  await server.run(`CREATE ROLE eider LOGIN PASSWORD 'word'; GRANT CREATE ON DATABASE ${name} TO eider`, name);
  await server.run('GRANT CREATE, USAGE ON SCHEMA public TO eider', name);
  const database = await open(server.url(name, 'eider', 'word'), [accounts]);
  await insertAccount(database, 'ada');
  const found = await server.run(`SELECT schemaname FROM pg_tables WHERE tablename = 'accounts'`, name);
  expect(found).toEqual([{ schemaname: 'public' }]);
});

it('do not wait for a table that somebody has open, nor let others wait', async () => {
  const url = await server.createDatabase();
  const name = nameOf(url);
  await open(url, [accounts]);
  await server.run('ALTER TABLE eider.changes DROP COLUMN token', name);
  const reader = await server.client(name);
  await reader.query('BEGIN; SELECT count(*) FROM eider.changes');
  const database = await open(url, [accounts]);
  await insertAccount(database, 'ada');
  await reader.query('ROLLBACK');
  await reader.end();
  await insertAccount(await open(url, [accounts]), 'bob');
  const rows = await server.run('SELECT token IS NULL AS without FROM eider.changes ORDER BY ordinal', name);
  expect(rows.slice(-2)).toEqual([{ without: true }, { without: false }]);
});
