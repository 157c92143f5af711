/** Migrations on PostgreSQL: once, all or nothing, beside other users of the server, with the rights that README names. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openPostgresDatabase } from '../../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../../../lib/runtime.ts';
import type { Migration } from '../../../../lib/catalog/migrations.ts';
import { migrations } from '../../../support/migrations.ts';
import { accounts, insertAccount } from '../../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';

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
  const counted: Migration = {
    name: '0009_counted',
    sql: `CREATE SEQUENCE runs; CREATE TABLE notes (id integer PRIMARY KEY, words varchar(10));
      INSERT INTO notes VALUES (nextval('runs'), 'made')`,
  };
  const opened = await Promise.all(Array.from({ length: 6 }, () => open(url, [...migrations, counted])));
  expect(await server.run('SELECT last_value::int AS runs FROM runs', nameOf(url))).toEqual([{ runs: 1 }]);
  const done = await server.run('SELECT name FROM eider.migrations ORDER BY name', nameOf(url));
  expect(done.map(({ name }) => name)).toEqual([
    '0001_student_courses',
    '0002_enrollments_course_id',
    '0002_idempotency_keys',
    '0003_settled_writes',
    '0009_counted',
    'eider.any_table',
  ]);
  const rows = { kind: 'put', table: 'notes', rows: [{ id: 1, words: 'made' }] };
  for (const database of opened) {
    const { sets } = (await database.changes({ after: 0, limit: 100 })).value;
    // Rows that the migration wrote are changes like any other.
    expect(sets.at(-1)?.changes).toEqual([{ kind: 'schema' }, rows]);
  }
});

it('give columns of text the order of code points, later ones too, whatever stands on them', async () => {
  const url = await server.createDatabase();
  const later: Migration = {
    name: '0009_later',
    sql: `ALTER TABLE accounts ADD COLUMN note text DEFAULT 'x';
      CREATE VIEW notes AS SELECT note FROM accounts;
      CREATE TABLE shouted (word text PRIMARY KEY, loud text GENERATED ALWAYS AS (upper(word)) STORED) PARTITION BY LIST (word);
      CREATE TABLE shouted_rest PARTITION OF shouted DEFAULT;
      ALTER TABLE accounts ADD COLUMN other text`,
  };
  await open(url, [accounts]);
  const database = await open(url, [accounts, later]);
  const words = ['b', 'A', 'a', 'B', 'é', 'z', '_', '-a', 'Z', '\u{1F600}', '\uFF5E'];
  await database.write((queries) =>
    queries
      .insertInto('accounts')
      .values(words.map((note, index) => ({ id: String(index), owner: note, balance: 0, note, other: note })))
      .execute(),
  );
  const byBytes = words.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const column of ['note', 'owner', 'other']) {
    const { value } = await database.read((queries) =>
      queries.selectFrom('accounts').select(column).orderBy(column).execute(),
    );
    expect(value.map((row) => row[column])).toEqual(byBytes);
  }
});

it('say where in a file they fail, and leave nothing behind', async () => {
  const url = await server.createDatabase();
  await server.run('CREATE VIEW lists AS SELECT 1 AS one', nameOf(url));
  const before = await objects(url);
  for (const [sql, message] of [
    [
      'CREATE TABLE a (b int);\n\nCREATE TABLE lists (c int)',
      /^migrations\/0001_bad\.sql, statement 2 \(line 3\): relation "lists" already exists/,
    ],
    ['CREATE TABEL a (b int)', /statement 1 \(line 1\): syntax error at or near "TABEL"/],
    ['SELECT 1;\nCOMMIT', /statement 2 \(line 2\): COMMIT would end the transaction/],
    [
      'CREATE TABLE a (b int CHECK (b > 0)); -- ;\n/* ; */ INSERT INTO a VALUES (1), (-1)',
      /statement 2 \(line 2\): A value breaks the rule a_b_check|statement 2 \(line 2\): b breaks the rule/,
    ],
    ["SELECT 'x", /cannot be read from line 1 on: a string does not end/],
    ['-- eider: befor 0001_x\nSELECT 1', /cannot be read from line 1 on: "-- eider: befor 0001_x" is not known/],
  ] as const) {
    await expect(open(url, [{ name: '0001_bad', sql }])).rejects.toMatchObject({ message });
  }
  expect(await objects(url)).toEqual(before);
});

it('leave the sample out of a database that has tables of its own, for good', async () => {
  const url = await server.createDatabase();
  const name = nameOf(url);
  await server.run(
    'CREATE SCHEMA shop; CREATE TABLE shop.items (i int PRIMARY KEY); INSERT INTO shop.items VALUES (1)',
    name,
  );
  const own: Migration = { name: '0005_own', sql: 'CREATE TABLE own (i int PRIMARY KEY)' };
  const database = await open(url, [...migrations, own]);
  const { relations } = await database.catalog();
  expect([...relations.values()].map((relation) => relation.name).toSorted()).toEqual(['items', 'own']);
  await server.run('DROP TABLE shop.items, own', name);
  const again = await open(url, [...migrations, own]);
  expect((await again.catalog()).relations.size).toBe(0);
  expect((await again.status()).warnings).toEqual([]);
});

it('keep the changes of tables of others from then on', async () => {
  const url = await server.createDatabase();
  const name = nameOf(url);
  await server.run('CREATE TABLE other (i int PRIMARY KEY); INSERT INTO other VALUES (0)', name);
  const database = await open(url, [accounts]);
  await server.run('INSERT INTO other VALUES (1)', name);
  const { sets } = (await database.changes({ after: 0, limit: 100 })).value;
  expect(sets.map(({ changes }) => changes)).toEqual([
    [{ kind: 'schema' }],
    [{ kind: 'reset' }],
    [{ kind: 'put', table: 'other', rows: [{ i: 1 }] }],
  ]);
});

it('say which files changed after they ran, and which are gone', async () => {
  const url = await server.createDatabase();
  const extra: Migration = { name: '0002_extra', sql: 'CREATE TABLE extra (i int)' };
  await open(url, [accounts, extra]);
  const sql = accounts.sql as string;
  const unchanged = await open(url, [{ ...accounts, sql }, extra]);
  expect((await unchanged.status()).warnings).toEqual([]);
  const database = await open(url, [{ ...accounts, sql: `${sql};\nCREATE TABLE more (i int)` }]);
  expect((await database.status()).warnings).toEqual([
    'The migration 0001_accounts was changed after it ran on this database. Its new text was not run.',
    'The migration 0002_extra ran on this database, and its file is gone.',
  ]);
});

it('need the rights that README names, and say so', async () => {
  const url = await server.createDatabase();
  await server.run(`CREATE ROLE school LOGIN PASSWORD 'word'`);
  const as = Object.assign(new URL(url), { username: 'school', password: 'word' }).href;
  await expect(open(as)).rejects.toMatchObject({
    kind: 'denied',
    message: 'The user of DATABASE_URL may not create tables in this database.',
    hint: expect.stringContaining('GRANT CREATE'),
  });
  await server.run(
    `GRANT CREATE ON DATABASE ${nameOf(url)} TO school; GRANT CREATE, USAGE ON SCHEMA public TO school`,
    nameOf(url),
  );
  const database = await open(as);
  const row = { name: 'Ada', email: 'a@example.org' };
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
