/** The feed of tables of every kind, whoever made them, and errors of PostgreSQL as ours. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openPostgresDatabase } from '../../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../../../lib/runtime.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

async function open(before = 'SELECT 1') {
  const connectionString = await server.createDatabase();
  const name = new URL(connectionString).pathname.slice(1);
  await server.run(before, name);
  const database = await openPostgresDatabase({ connectionString, driver: 'pg', migrations: [], runtime });
  onTestFinished(() => database.close());
  const sql = (...texts: string[]) =>
    database.write(async (_queries, { run }) => {
      for (const text of texts) await run(text);
    });
  let after = 0;
  /** What was told since it was asked last. */
  const told = async () => {
    const { sets, head } = (await database.changes({ after, limit: 1000 })).value;
    after = head;
    return sets.flatMap(({ changes }) => changes);
  };
  const byHand = (text: string) => server.run(text, name);
  return { database, sql, told, byHand };
}

describe('the feed', () => {
  it('tells of rows by keys of any columns and types, as they are when rows change', async () => {
    const { sql, told, byHand } = await open();
    await sql(
      'CREATE SCHEMA "my shop"',
      `CREATE TABLE "my shop"."Prices" (id serial, "a b" date, price numeric(8, 2), tags text[], title int, names int, n int, o int, t int, PRIMARY KEY ("a b", id))`,
      `INSERT INTO "my shop"."Prices" ("a b", price, tags) VALUES ('2026-01-02', 1.5, '{x,NULL}')`,
    );
    const others = { title: null, names: null, n: null, o: null, t: null };
    const row = { id: 1, 'a b': '2026-01-02', price: '1.50', tags: ['x', null], ...others };
    const table = 'my shop.Prices';
    expect(await told()).toEqual([{ kind: 'schema' }, { kind: 'put', table, rows: [row] }]);
    await byHand(`UPDATE "my shop"."Prices" SET id = 7`);
    const changed = { ...row, id: 7 };
    expect(await told()).toEqual([
      { kind: 'delete', table, keys: [{ id: 1, 'a b': '2026-01-02' }] },
      { kind: 'put', table, rows: [changed] },
    ]);
    await sql(`ALTER TABLE "my shop"."Prices" DROP CONSTRAINT "Prices_pkey", ADD PRIMARY KEY (price)`);
    await sql(`ALTER TABLE "my shop"."Prices" RENAME COLUMN price TO amount`);
    await told();
    await byHand(`DELETE FROM "my shop"."Prices"`);
    expect(await told()).toEqual([{ kind: 'delete', table, keys: [{ amount: '1.50' }] }]);
  });

  it('tells of whole rows where there is no key, one by one', async () => {
    const { sql, told, byHand } = await open();
    await sql('CREATE TABLE readings AS SELECT 1 AS a, NULL::text AS b FROM generate_series(1, 2)');
    const row = { a: 1, b: null };
    const table = 'readings';
    expect(await told()).toEqual([{ kind: 'schema' }, { kind: 'put', table, rows: [row, row] }]);
    await byHand('UPDATE readings SET a = 2; DELETE FROM readings WHERE ctid = (SELECT max(ctid) FROM readings)');
    const other = { a: 2, b: null };
    expect(await told()).toEqual([
      { kind: 'delete', table, keys: [row, row] },
      { kind: 'put', table, rows: [other, other] },
      { kind: 'delete', table, keys: [other] },
    ]);
    await byHand('TRUNCATE readings');
    expect(await told()).toEqual([{ kind: 'delete', table, keys: [other] }]);
  });

  it('tells of the parts of a table as of the whole, each row once', async () => {
    const { sql, told, byHand } = await open();
    await sql(
      'CREATE TABLE whole (id int PRIMARY KEY, words text) PARTITION BY RANGE (id)',
      'CREATE TABLE low PARTITION OF whole FOR VALUES FROM (0) TO (10)',
      'CREATE TABLE high PARTITION OF whole FOR VALUES FROM (10) TO (20)',
    );
    await told();
    await byHand(
      `INSERT INTO whole VALUES (1, 'a'); INSERT INTO high VALUES (11, 'b'); UPDATE whole SET id = 12 WHERE id = 1`,
    );
    const table = 'whole';
    expect(await told()).toEqual([
      {
        kind: 'put',
        table,
        rows: [
          { id: 1, words: 'a' },
          { id: 11, words: 'b' },
        ],
      },
      { kind: 'delete', table, keys: [{ id: 1 }] },
      { kind: 'put', table, rows: [{ id: 12, words: 'a' }] },
    ]);
    await byHand('TRUNCATE whole');
    const [gone, ...more] = await told();
    expect(more).toEqual([]);
    expect(gone).toMatchObject({
      kind: 'delete',
      table,
      keys: expect.arrayContaining([{ id: 11 }, { id: 12 }]) as unknown,
    });
    expect(gone).toMatchObject({ keys: { length: 2 } });
  });

  it('tells of tables that others made while it runs, and begins again where rows came before', async () => {
    const { database, sql, told, byHand } = await open();
    await database.catalog({ maxStalenessMs: 0 });
    await byHand('CREATE TABLE empty (a int PRIMARY KEY)');
    await database.catalog({ maxStalenessMs: 0, askedMs: runtime.monotonicMs() + 2000 });
    expect(await told()).toEqual([{ kind: 'reset' }]);
    await sql('INSERT INTO empty VALUES (1)');
    expect(await told()).toEqual([{ kind: 'put', table: 'empty', rows: [{ a: 1 }] }]);
    await byHand(
      'CREATE TABLE filled (a int PRIMARY KEY); INSERT INTO filled VALUES (1); DROP TRIGGER eider_delete ON empty',
    );
    await database.catalog({ maxStalenessMs: 0, askedMs: runtime.monotonicMs() + 4000 });
    expect(await told()).toEqual([{ kind: 'reset' }]);
    await byHand('DELETE FROM empty; UPDATE filled SET a = 2');
    expect(await told()).toMatchObject([
      { kind: 'delete', table: 'empty', keys: [{ a: 1 }] },
      { kind: 'delete', table: 'filled', keys: [{ a: 1 }] },
      { kind: 'put', table: 'filled', rows: [{ a: 2 }] },
    ]);
    expect((await database.status()).warnings).toEqual([]);
  });

  it('begins again where only triggers were dropped or disabled, and says nothing of it once they are back', async () => {
    const { database, sql, told, byHand } = await open();
    await sql('CREATE TABLE t (a int PRIMARY KEY)', 'CREATE TABLE u (a int PRIMARY KEY)');
    await database.catalog({ maxStalenessMs: 0 });
    await told();
    for (const loss of ['DROP TRIGGER eider_insert ON t', 'ALTER TABLE u DISABLE TRIGGER eider_insert']) {
      await byHand(`${loss}; INSERT INTO t VALUES (${loss.length}); INSERT INTO u VALUES (${loss.length})`);
      expect(await told()).toContainEqual({ kind: 'reset' });
    }
    await byHand('INSERT INTO t VALUES (1); INSERT INTO u VALUES (1)');
    expect(await told()).toHaveLength(2);
    expect((await database.status()).warnings).toEqual([]);
  });

  it('tells of parts that are made later', async () => {
    const { database, sql, told, byHand } = await open();
    await sql('CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id)');
    await database.catalog({ maxStalenessMs: 0 });
    await told();
    await byHand('CREATE TABLE low PARTITION OF whole FOR VALUES FROM (0) TO (10)');
    await byHand('INSERT INTO whole VALUES (1); INSERT INTO low VALUES (2)');
    expect(await told()).toEqual([{ kind: 'put', table: 'whole', rows: [{ id: 1 }] }, { kind: 'reset' }]);
    await byHand('INSERT INTO low VALUES (3)');
    expect(await told()).toEqual([{ kind: 'put', table: 'whole', rows: [{ id: 3 }] }]);
  });

  it('tells of rows that a restore or a replica writes', async () => {
    const { sql, told, byHand } = await open('CREATE TABLE t (a int PRIMARY KEY)');
    await sql('SELECT 1');
    expect(await told()).toEqual([{ kind: 'reset' }]);
    await byHand('SET session_replication_role = replica; INSERT INTO t VALUES (1)');
    expect(await told()).toEqual([{ kind: 'put', table: 't', rows: [{ a: 1 }] }]);
  });

  it('begins again where rows went while a table had no triggers, and where triggers were switched off and on', async () => {
    const { sql, told, byHand } = await open();
    await sql('CREATE TABLE t (a int PRIMARY KEY)', 'INSERT INTO t VALUES (1)');
    await told();
    const drops = ['insert', 'update', 'delete', 'truncate'].map((event) => `DROP TRIGGER eider_${event} ON t`);
    await byHand(`${drops.join('; ')}; TRUNCATE t`);
    expect(await told()).toEqual([{ kind: 'reset' }]);
    // pg_restore --data-only --disable-triggers
    await byHand('ALTER TABLE t DISABLE TRIGGER ALL; INSERT INTO t VALUES (2); ALTER TABLE t ENABLE TRIGGER ALL');
    expect(await told()).toEqual([{ kind: 'reset' }]);
    expect(await told()).toEqual([]);
  });
});

it('which tables the feed says nothing of, and why, stands in the status', async () => {
  const url = await server.createDatabase();
  const name = new URL(url).pathname.slice(1);
  await server.run(
    `CREATE ROLE tenant LOGIN PASSWORD 'word'; GRANT CREATE ON DATABASE ${name} TO tenant; CREATE TABLE theirs (a int);
    GRANT SELECT, INSERT ON theirs TO tenant; CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER away FOREIGN DATA WRAPPER nowhere;
    CREATE FOREIGN TABLE far (a int) SERVER away; GRANT SELECT ON far TO tenant; CREATE TABLE secret (a int)`,
    name,
  );
  const connectionString = server.url(name, 'tenant', 'word');
  const database = await openPostgresDatabase({ connectionString, driver: 'pg', migrations: [], runtime });
  onTestFinished(() => database.close());
  expect((await database.status()).warnings).toEqual([
    'The change feed tells nothing of the table public.theirs: the user of DATABASE_URL may not make triggers on it; its owner has to GRANT TRIGGER ON public.theirs TO tenant.',
    'The change feed tells nothing of the table public.far: it is a foreign table.',
  ]);
  await server.run('GRANT TRIGGER ON theirs TO tenant', name);
  await database.sync();
  expect((await database.status()).warnings).toEqual([
    expect.stringContaining('public.far'),
    expect.stringMatching(/rows that come to public\.theirs by replication.* ENABLE ALWAYS/),
  ]);
  await server.run('ALTER TABLE theirs DISABLE TRIGGER ALL', name);
  expect((await database.status()).warnings).toContain(
    'The change feed tells nothing of the table public.theirs: its triggers are switched off; its owner has to ALTER TABLE public.theirs ENABLE TRIGGER USER.',
  );
});

it('nothing is written where Citus has distributed a table', async () => {
  const { database, sql, byHand } = await open('CREATE TABLE t (a int PRIMARY KEY)');
  await sql('INSERT INTO t VALUES (1)');
  // As Citus has it; Citus itself is not here.
  await byHand(`SET allow_system_table_mods = on; CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass);
    INSERT INTO pg_catalog.pg_dist_partition VALUES ('t')`);
  await database.sync();
  await expect(sql('INSERT INTO t VALUES (2)')).rejects.toMatchObject({
    kind: 'denied',
    message: expect.stringContaining('public.t') as unknown,
  });
  expect((await database.status()).warnings).toEqual([expect.stringContaining('Citus has distributed public.t')]);
  expect((await database.read((queries) => queries.selectFrom('t').selectAll().execute())).value).toEqual([{ a: 1 }]);
  await byHand('TRUNCATE pg_catalog.pg_dist_partition');
  await database.sync();
  await sql('INSERT INTO t VALUES (2)');
});

describe('errors', () => {
  const schema = `
    CREATE TABLE books (id int PRIMARY KEY, "the isbn" text UNIQUE, pages int NOT NULL CHECK (pages > 0), during int4range,
      EXCLUDE USING gist (during WITH &&));
    CREATE UNIQUE INDEX books_lower ON books (lower("the isbn"));
    CREATE TABLE loans (id int PRIMARY KEY, book int REFERENCES books, later int REFERENCES books DEFERRABLE INITIALLY DEFERRED);
    CREATE DOMAIN positive AS int CHECK (VALUE > 0); CREATE TABLE d (p positive);
    CREATE FUNCTION raise(code text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'not on Sundays' USING ERRCODE = code, HINT = 'Come on Monday'; END $$;
    INSERT INTO books VALUES (1, 'a', 1, '[1,5)'); INSERT INTO loans VALUES (1, 1)`;

  it.each<[string, object]>([
    [
      `INSERT INTO books VALUES (1, 'b', 1)`,
      {
        kind: 'conflict',
        sqlState: '23505',
        message: 'A row with the same id exists already.',
        fields: [{ path: 'id', message: 'is taken' }],
        constraint: { name: 'books_pkey', schema: 'public', table: 'books' },
      },
    ],
    [`INSERT INTO books VALUES (2, 'a', 1)`, { kind: 'conflict', fields: [{ path: 'the isbn', message: 'is taken' }] }],
    [
      `INSERT INTO books VALUES (2, 'A', 1)`,
      { kind: 'conflict', constraint: { name: 'books_lower' }, message: /key \(books_lower\)/ },
    ],
    [
      `INSERT INTO loans VALUES (2, 9)`,
      {
        kind: 'invalid',
        sqlState: '23503',
        message: 'loans.book = 9 names no row of books.',
        fields: [{ path: 'book', message: 'names no row of books' }],
        constraint: { name: 'loans_book_fkey' },
      },
    ],
    [
      `INSERT INTO loans VALUES (2, NULL, 9)`,
      { kind: 'invalid', sqlState: '23503', message: 'loans.later = 9 names no row of books.' },
    ],
    [
      `DELETE FROM books`,
      {
        kind: 'conflict',
        sqlState: '23503',
        message: 'books.id = 1 is still referred to by loans.book.',
        constraint: { table: 'loans' },
      },
    ],
    [
      `INSERT INTO books VALUES (2, 'b')`,
      { kind: 'invalid', sqlState: '23502', fields: [{ path: 'pages', message: 'must not be null' }] },
    ],
    [
      `INSERT INTO books VALUES (2, 'b', 0)`,
      {
        kind: 'invalid',
        sqlState: '23514',
        message: 'pages breaks the rule (pages > 0) (books_pages_check).',
        fields: [{ path: 'pages' }],
        constraint: { name: 'books_pages_check' },
      },
    ],
    [
      `INSERT INTO d VALUES (0)`,
      { kind: 'invalid', sqlState: '23514', message: 'A value breaks the rule positive_check.' },
    ],
    [
      `INSERT INTO books VALUES (2, 'b', 1, '[4,6)')`,
      { kind: 'conflict', sqlState: '23P01', message: /books_during_excl/ },
    ],
    [
      `SELECT raise('P0001')`,
      { kind: 'invalid', sqlState: 'P0001', message: 'not on Sundays', hint: 'Come on Monday' },
    ],
    [`SELECT raise('ZZ123')`, { kind: 'invalid', sqlState: 'ZZ123', message: 'not on Sundays' }],
    [`SELECT raise('57P05')`, { kind: 'unavailable' }],
    [`SELECT raise('XX000')`, { kind: 'unavailable' }],
    [`SELECT raise('58030')`, { kind: 'unavailable' }],
    [`SELECT 1 / 0`, { kind: 'invalid', sqlState: '22012', message: 'Division by zero.' }],
    [`SELECT 'secret'::int`, { kind: 'invalid', sqlState: '22P02', message: /^(?!.*secret)/ }],
    [`SELECT * FROM nowhere`, { kind: 'not-found', sqlState: '42P01', message: 'relation "nowhere" does not exist' }],
    [`SELECT nowhere.a FROM books`, { kind: 'invalid', sqlState: '42P01' }],
    [`SELECT b FROM books`, { kind: 'invalid', sqlState: '42703', message: 'column "b" does not exist' }],
    [`SELEC 1`, { kind: 'invalid', sqlState: '42601' }],
    [`CREATE TABLE books (a int)`, { kind: 'conflict', sqlState: '42P07' }],
    [`DROP TABLE books`, { kind: 'conflict', sqlState: '2BP01' }],
    [`SELECT (SELECT a FROM generate_series(1, 2) a)`, { kind: 'invalid', sqlState: '21000' }],
    [
      `INSERT INTO books VALUES (3, 'c', 1), (3, 'c', 1) ON CONFLICT (id) DO UPDATE SET pages = 2`,
      { kind: 'invalid', sqlState: '21000' },
    ],
    [`VACUUM books`, { kind: 'invalid', sqlState: '25001' }],
    [`SELECT currval('pg_temp.x')`, { sqlState: '42P01' }],
    [`SET statement_timeout = 1`, { kind: 'invalid', sqlState: '0A000', message: /SET would change the session/ }],
  ])('%s', async (text, expected) => {
    const { database, byHand } = await shared();
    const before = await byHand('SELECT count(*) FROM books');
    await database.catalog();
    const failed = database.write((_queries, { run }) => run(text));
    await expect(failed).rejects.toMatchObject({ name: 'AppError', ...expected });
    expect(await byHand('SELECT count(*) FROM books')).toEqual(before);
  });

  it('of a read that would change something', async () => {
    const { database } = await shared();
    const failed = database.read((_queries, { run }) => run('DELETE FROM books'));
    await expect(failed).rejects.toMatchObject({ kind: 'invalid', sqlState: '25006' });
  });

  let place: ReturnType<typeof openShared> | null = null;
  const shared = () => (place ??= openShared());
  afterAll(async () => (await place)?.database.close());

  async function openShared() {
    const connectionString = await server.createDatabase();
    const name = new URL(connectionString).pathname.slice(1);
    await server.run(schema, name);
    const database = await openPostgresDatabase({ connectionString, driver: 'pg', migrations: [], runtime });
    return { database, byHand: (text: string) => server.run(text, name) };
  }
});
