/** What a write may run, and that whatever it changes is in the record. */
import { sql } from '#packages/kysely';
import { describe, expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../lib/runtime.ts';
import type { Migration } from '../../lib/catalog/migrations.ts';
import type { Queries } from '../../lib/values.ts';
import { createMemoryStore } from '../../lib/store/memory.ts';
import { accounts, insertAccount, openDatabase } from '../support/engine.ts';

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

  it('refuse what would change rows unseen', async () => {
    const { writer } = await twoReplicas();
    await insertAccount(writer, 'a');
    const refused: ((queries: Queries) => Promise<unknown>)[] = [
      (queries) => sql`INSERT INTO accounts VALUES ('x', 'x', 1)`.execute(queries),
      (queries) => sql`UPDATE accounts SET balance = 5`.execute(queries),
      (queries) => sql`TRUNCATE accounts`.execute(queries),
      (queries) => sql`DROP TABLE accounts`.execute(queries),
      (queries) => sql`COPY accounts TO '/tmp/never'`.execute(queries),
      (queries) => sql`ATTACH ':memory:' AS other`.execute(queries),
      (queries) => sql`SET threads = 4`.execute(queries),
      (queries) => sql`COMMIT`.execute(queries),
      (queries) => queries.schema.dropTable('accounts').execute(),
      (queries) => queries.updateTable('accounts').set({ id: 'z' }).execute(),
      (queries) =>
        queries
          .insertInto('accounts')
          .values({ id: 'q', owner: 'owner of a', balance: 1 })
          .onConflict((conflict) => conflict.column('owner').doUpdateSet({ id: 'q' }))
          .execute(),
      (queries) =>
        queries
          .mergeInto('accounts')
          .using('accounts as b', 'b.id', 'accounts.id')
          .whenMatched()
          .thenDelete()
          .execute(),
      (queries) => queries.transaction().execute(() => Promise.resolve()),
    ];
    for (const work of refused) {
      await expect(writer.write(work)).rejects.toMatchObject({ kind: 'invalid' });
    }
    expect((await writer.read(everything)).value).toMatchObject([{ id: 'a' }]);
  });

  it('cannot be made in a read', async () => {
    const { writer } = await twoReplicas();
    await expect(
      writer.read((queries) => queries.insertInto('accounts').values({ id: 'x', owner: 'x', balance: 1 }).execute()),
    ).rejects.toThrow(/read-only/);
    expect((await writer.read(everything)).value).toEqual([]);
  });
});

describe('migrations', () => {
  it('run once, whoever comes first', async () => {
    const store = createMemoryStore({ runtime });
    let runs = 0;
    const counted: Migration = {
      name: '0002_seed',
      async up({ queries }) {
        runs++;
        await queries.insertInto('accounts').values({ id: 'seed', owner: 'seed', balance: 7 }).execute();
        await queries.schema
          .alterTable('accounts')
          .addColumn('note', 'varchar', (column) => column.defaultTo('none'))
          .execute();
      },
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
    const before = runs;
    await openDatabase({ store, migrations: [accounts, counted] });
    expect(runs).toBe(before);
  });

  it.each<[string, (queries: Queries) => Promise<unknown>]>([
    ['a table without a key', (queries) => queries.schema.createTable('t').addColumn('a', 'integer').execute()],
    ['a table made of a query', (queries) => sql`CREATE TABLE t AS SELECT 1 AS a`.execute(queries)],
    ['a sequence', (queries) => sql`CREATE SEQUENCE s`.execute(queries)],
    [
      'a column filled by chance',
      (queries) => sql`ALTER TABLE accounts ADD COLUMN u UUID DEFAULT gen_random_uuid()`.execute(queries),
    ],
    [
      'a column filled by time',
      (queries) => sql`ALTER TABLE accounts ADD COLUMN u TIMESTAMP DEFAULT current_timestamp`.execute(queries),
    ],
    ['rows by raw SQL', (queries) => sql`INSERT INTO accounts VALUES ('x', 'x', 1)`.execute(queries)],
  ])('refuse %s, and leave nothing behind', async (_, up) => {
    const store = createMemoryStore({ runtime });
    const migrations = [
      accounts,
      { name: '0002_bad', up: async ({ queries }: { queries: Queries }) => void (await up(queries)) },
    ];
    await expect(openDatabase({ store, migrations })).rejects.toMatchObject({ kind: 'invalid' });
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
