/** What a write may run, and that whatever it changes is in the record. */
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import type { Migration } from '../../../lib/catalog/migrations.ts';
import type { Queries } from '../../../lib/values.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { accounts, insertAccount, openDatabase } from '../../support/engine.ts';

async function twoReplicas() {
  const store = createMemoryStore({ runtime });
  return { store, writer: await openDatabase({ store }), reader: await openDatabase({ store }) };
}

const everything = (queries: Queries) => queries.selectFrom('accounts').selectAll().orderBy('id').execute();

describe('writes through Kysely', () => {
  it('replay alike: insert, upsert, update, delete, returning some columns or none', async () => {
    const { writer, reader } = await twoReplicas();
    const { value } = await writer.write(async (queries) => {
      const inserted = await queries
        .insertInto('accounts')
        .values([
          { id: 'a', owner: 'ada', balance: 1 },
          { id: 'b', owner: 'bob', balance: 2 },
          { id: 'c', owner: 'cyd', balance: 3 },
        ])
        .returning(['id', 'balance'])
        .execute();
      const upserted = await queries
        .insertInto('accounts')
        .values({ id: 'a', owner: 'ada', balance: 10 })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ balance: 10 }))
        .returningAll()
        .executeTakeFirst();
      const ignored = await queries
        .insertInto('accounts')
        .values({ id: 'a', owner: 'nobody', balance: 0 })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      const updated = await queries
        .updateTable('accounts as x')
        .set({ owner: null })
        .where('x.balance', '=', 2)
        .executeTakeFirst();
      const deleted = await queries.deleteFrom('accounts').where('id', '=', 'c').executeTakeFirst();
      return { inserted, upserted, ignored, updated, deleted };
    });
    expect(value.inserted).toEqual([
      { id: 'a', balance: 1 },
      { id: 'b', balance: 2 },
      { id: 'c', balance: 3 },
    ]);
    expect(value.upserted).toEqual({ id: 'a', owner: 'ada', balance: 10 });
    expect(value.ignored?.numInsertedOrUpdatedRows).toBe(0n);
    expect(value.updated.numUpdatedRows).toBe(1n);
    expect(value.deleted.numDeletedRows).toBe(1n);
    const rows = [
      { id: 'a', owner: 'ada', balance: 10 },
      { id: 'b', owner: null, balance: 2 },
    ];
    expect((await writer.read(everything)).value).toEqual(rows);
    expect((await reader.read(everything)).value).toEqual(rows);
  });

  it('swap unique values between rows in one write, and on the replica in one set', async () => {
    const { writer, reader } = await twoReplicas();
    await insertAccount(writer, 'a');
    await insertAccount(writer, 'b');
    await writer.write(async (queries) => {
      await queries.deleteFrom('accounts').execute();
      await queries
        .insertInto('accounts')
        .values([
          { id: 'a', owner: 'owner of b', balance: 0 },
          { id: 'b', owner: 'owner of a', balance: 0 },
        ])
        .execute();
    });
    expect((await reader.read(everything)).value).toMatchObject([{ owner: 'owner of b' }, { owner: 'owner of a' }]);
  });

  it('are captured whatever they are: raw SQL, keys that change, MERGE, DDL', async () => {
    const { writer, reader } = await twoReplicas();
    const works: ((queries: Queries) => Promise<unknown>)[] = [
      (queries) => sql`INSERT INTO accounts VALUES (${'x'}, ${'x'}, ${1}), ('y', 'y', 2)`.execute(queries),
      (queries) => queries.updateTable('accounts').set({ id: 'z', balance: 7 }).where('id', '=', 'x').execute(),
      (queries) =>
        queries
          .insertInto('accounts')
          .values({ id: 'q', owner: 'y', balance: 1 })
          .onConflict((conflict) => conflict.column('owner').doUpdateSet({ id: 'q' }))
          .execute(),
      (queries) =>
        queries
          .mergeInto('accounts')
          .using('accounts as b', (join) => join.onRef('b.id', '=', 'accounts.id').on('b.balance', '=', 2))
          .whenMatched()
          .thenUpdateSet({ balance: 20 })
          .execute(),
      (queries) => queries.schema.createTable('notes').addColumn('text', 'varchar').execute(),
      (queries) => sql`INSERT INTO notes SELECT owner FROM accounts`.execute(queries),
      (queries) => queries.updateTable('notes').set({ text: 'n' }).where('text', '=', 'y').execute(),
    ];
    for (const work of works) await writer.write(work);
    const all = async (queries: Queries) => [
      await everything(queries),
      await queries.selectFrom('notes').selectAll().orderBy('text').execute(),
    ];
    const { value } = await writer.read(all);
    expect(value).toEqual([
      [
        { id: 'q', owner: 'y', balance: 20 },
        { id: 'z', owner: 'x', balance: 7 },
      ],
      [{ text: 'n' }, { text: 'x' }],
    ]);
    expect((await reader.read(all)).value).toEqual(value);
  });

  it('are captured where a column is called as capture calls its tables', async () => {
    const { writer, reader } = await twoReplicas();
    for (const statement of [
      'CREATE TABLE notes (id INTEGER PRIMARY KEY, b STRUCT(id INTEGER), t STRUCT(id INTEGER))',
      `INSERT INTO notes VALUES (1, {'id': 9}, {'id': 8}), (2, {'id': 1}, {'id': 1})`,
      'UPDATE notes SET id = id + 10 WHERE id = 2',
    ])
      await writer.write((queries) => sql.raw(statement).execute(queries));
    const ids = (queries: Queries) => queries.selectFrom('notes').select('id').orderBy('id').execute();
    expect((await reader.read(ids)).value).toEqual([{ id: 1 }, { id: 12 }]);
  });

  it('tell how many rows they changed', async () => {
    const { writer } = await twoReplicas();
    const { value } = await writer.write(async (queries) => [
      await sql`INSERT INTO accounts VALUES ('a', 'a', 1), ('b', 'b', 2)`.execute(queries),
      await sql`UPDATE accounts SET balance = 5 RETURNING balance + 1 AS more`.execute(queries),
      await sql`TRUNCATE accounts`.execute(queries),
      await sql`CREATE VIEW v AS FROM accounts`.execute(queries),
    ]);
    expect(value).toMatchObject([
      { numAffectedRows: 2n, rows: [] },
      { numAffectedRows: 2n, rows: [{ more: 6 }, { more: 6 }] },
      { numAffectedRows: 2n, rows: [] },
      { rows: [] },
    ]);
  });

  it('refuse what would change something unseen', async () => {
    const { writer } = await twoReplicas();
    await insertAccount(writer, 'a');
    const refused: ((queries: Queries) => Promise<unknown>)[] = [
      (queries) => sql`COPY accounts TO '/tmp/never'`.execute(queries),
      (queries) => sql`ATTACH ':memory:' AS other`.execute(queries),
      (queries) => sql`SET threads = 4`.execute(queries),
      (queries) => sql`COMMIT`.execute(queries),
      (queries) => sql`CREATE TEMP TABLE t (a INTEGER)`.execute(queries),
      (queries) => queries.transaction().execute(() => Promise.resolve()),
    ];
    for (const work of refused) {
      await expect(writer.write(work)).rejects.toMatchObject({ kind: 'invalid' });
    }
    expect((await writer.read(everything)).value).toMatchObject([{ id: 'a' }]);
  });

  it('that change definitions have a commit of their own, while others share theirs', async () => {
    const { writer, reader } = await twoReplicas();
    const insert = (id: string) => insertAccount(writer, id);
    const alter = (column: string) =>
      writer.write((queries) => queries.schema.alterTable('accounts').addColumn(column, 'integer').execute());
    const update = () => writer.write((queries) => queries.updateTable('accounts').set({ balance: 8 }).execute());
    await insert('first');
    await Promise.all([
      insert('a'),
      update(),
      alter('n'),
      insert('b'),
      update(),
      alter('m'),
      insert('c'),
      alter('n').catch(() => 0),
    ]);
    const { value } = await writer.read(everything);
    expect(value).toHaveLength(4);
    expect(value[0]).toHaveProperty('m');
    expect((await reader.read(everything)).value).toEqual(value);
    expect((await writer.status()).warnings).toEqual([]);
  });

  it('cannot be made in a read', async () => {
    const { writer } = await twoReplicas();
    await expect(
      writer.read((queries) => queries.insertInto('accounts').values({ id: 'x', owner: 'x', balance: 1 }).execute()),
    ).rejects.toThrow(/read-only/i);
    expect((await writer.read(everything)).value).toEqual([]);
  });
});

describe('migrations', () => {
  it('run once, whoever comes first', async () => {
    const store = createMemoryStore({ runtime });
    const counted: Migration = {
      name: '0002_seed',
      sql: `INSERT INTO accounts VALUES ('seed', 'seed', 7);
        ALTER TABLE accounts ADD COLUMN note VARCHAR DEFAULT 'none'; -- for all`,
    };
    const databases = await Promise.all(
      Array.from({ length: 4 }, () => openDatabase({ store, migrations: [accounts, counted] })),
    );
    for (const database of databases) {
      expect((await database.read(everything)).value).toEqual([
        { id: 'seed', owner: 'seed', balance: 7, note: 'none' },
      ]);
    }
    await insertAccount(databases[0]!, 'later');
    expect((await databases[3]!.read(everything)).value).toMatchObject([{ id: 'later', note: 'none' }, { id: 'seed' }]);
    const { version } = await databases[0]!.status();
    const again = await openDatabase({ store, migrations: [accounts, counted] });
    expect((await again.status()).version).toBe(version);
  });

  it('may do whatever can be captured', async () => {
    const store = createMemoryStore({ runtime });
    const more: Migration = {
      name: '0002_more',
      sql: `CREATE SEQUENCE numbers;
        CREATE TABLE notes (id BIGINT DEFAULT nextval('numbers') PRIMARY KEY, account VARCHAR REFERENCES accounts, text VARCHAR);
        INSERT INTO accounts VALUES ('a', 'a', 1), ('b', 'b', 2);
        INSERT INTO notes (account, text) SELECT id, owner FROM accounts ORDER BY id;
        ALTER TABLE notes ADD COLUMN made TIMESTAMPTZ DEFAULT now();
        ALTER TABLE notes ADD COLUMN u UUID DEFAULT uuid();
        CREATE TABLE log AS SELECT text, random() AS chance FROM notes;
        UPDATE log SET text = upper(text);
        CREATE VIEW noted AS SELECT * FROM notes JOIN accounts ON accounts.id = account`,
    };
    const [writer, reader] = [1, 2].map(() => openDatabase({ store, migrations: [accounts, more] }));
    const all = (queries: Queries) =>
      Promise.all(['notes', 'log', 'noted'].map((table) => queries.selectFrom(table).selectAll().execute()));
    const { value } = await (await writer!).read(all);
    expect(value.map((rows) => rows.length)).toEqual([2, 2, 2]);
    expect((await (await reader!).read(all)).value).toEqual(value);
    const orphan = (queries: Queries) => queries.insertInto('notes').values({ account: 'nobody' }).execute();
    await expect((await reader!).write(orphan)).rejects.toMatchObject({ sqlState: '23503' });
    await (await reader!).write((queries) => queries.insertInto('notes').values({ account: 'a' }).execute());
    const { value: ids } = await (
      await writer!
    ).read((queries) => queries.selectFrom('notes').select('id').orderBy('id').execute());
    expect(ids.map(({ id }) => Number(id)).slice(0, 2)).toEqual([1, 2]);
    expect(ids).toHaveLength(3);
  });

  it.each([
    ['a type that no record holds', 'CREATE TABLE t (a VARIANT)'],
    ['a file', `CREATE VIEW t AS FROM '/etc/hosts.csv'`],
    ['a duplicate', `INSERT INTO accounts VALUES ('x', 'x', 1), ('x', 'y', 1)`],
    ['COMMIT', 'DELETE FROM accounts; COMMIT'],
  ])('refuse %s, and leave nothing behind', async (_, bad) => {
    const store = createMemoryStore({ runtime });
    const migrations = [accounts, { name: '0002_bad', sql: bad }];
    await expect(openDatabase({ store, migrations })).rejects.toMatchObject({ name: 'AppError' });
    const database = await openDatabase({ store });
    expect((await database.read(everything)).value).toEqual([]);
    expect((await database.status()).version).toBe(1);
  });
});

describe('plans', () => {
  it('are made for the rows as they are: DuckDB 1.5.6 answers wrong values from a plan made for other rows', async () => {
    const { writer } = await twoReplicas();
    await insertAccount(writer, 'a', 7);
    const richest = (queries: Queries) =>
      queries.selectFrom('accounts').selectAll().where('balance', '>=', 0).orderBy('owner').execute();
    expect((await writer.read(richest)).value).toHaveLength(1);
    await insertAccount(writer, 'a much longer name than any before it', 70_000);
    await insertAccount(writer, 'b', 0);
    expect((await writer.read(richest)).value).toEqual([
      { id: 'a', owner: 'owner of a', balance: 7 },
      {
        id: 'a much longer name than any before it',
        owner: 'owner of a much longer name than any before it',
        balance: 70_000,
      },
      { id: 'b', owner: 'owner of b', balance: 0 },
    ]);
  });
});
