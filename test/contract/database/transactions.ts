/** Reads and writes as transactions: what is kept, what others see of it, what is refused. */
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Database } from '../../../lib/db/database.ts';
import type { Queries } from '../../../lib/values.ts';
import { accountIds, accounts, insertAccount } from '../../support/engine.ts';
import { type MakePlace, openWith } from './place.ts';

const everything = (queries: Queries) => queries.selectFrom('accounts').selectAll().orderBy('id').execute();
const balances = async (database: Database) =>
  (await database.read(everything)).value.map(({ id, balance }) => [id, balance]);

/** Reads, then writes what depends on what was read. */
async function add(database: Database, id: string, amount: number, condition = (total: number) => total >= 0) {
  await database.write(async (queries) => {
    const rows = await everything(queries);
    const total = rows.reduce((sum, { balance }) => sum + Number(balance), 0);
    if (!condition(total + amount)) throw new Error('refused');
    const balance = Number(rows.find((row) => row['id'] === id)?.['balance']) + amount;
    await queries.updateTable('accounts').set({ balance }).where('id', '=', id).execute();
  });
}

export function transactionContract(makePlace: MakePlace): void {
  const open = () => openWith(makePlace, [accounts]);

  describe('writes', () => {
    it('answer what their statements return and count', async () => {
      const database = await open();
      const { value } = await database.write(async (queries) => {
        const inserted = await queries
          .insertInto('accounts')
          .values(['a', 'b', 'c'].map((id, index) => ({ id, owner: `owner ${id}`, balance: index })))
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
          .updateTable('accounts')
          .set({ owner: null })
          .where('id', '=', 'b')
          .executeTakeFirst();
        const deleted = await queries.deleteFrom('accounts').where('id', 'in', ['c', 'x']).executeTakeFirst();
        return { inserted, upserted, ignored, updated, deleted, own: await everything(queries) };
      });
      expect(value.inserted).toEqual([
        { id: 'a', balance: 0 },
        { id: 'b', balance: 1 },
        { id: 'c', balance: 2 },
      ]);
      expect(value.upserted).toEqual({ id: 'a', owner: 'owner a', balance: 10 });
      expect(value.ignored?.numInsertedOrUpdatedRows).toBe(0n);
      expect([value.updated.numUpdatedRows, value.deleted.numDeletedRows]).toEqual([1n, 1n]);
      expect(value.own).toEqual((await database.read(everything)).value);
    });

    it('are seen by every read that follows, and by reads that name their version', async () => {
      const database = await open();
      const versions: number[] = [];
      for (const id of ['a', 'b', 'c']) {
        versions.push(await insertAccount(database, id));
        const read = await database.read(everything, { atLeast: versions.at(-1)! });
        expect(read.value.at(-1)).toMatchObject({ id });
        expect(read.version).toBeGreaterThanOrEqual(versions.at(-1)!);
        expect((await database.read(everything, { atLeast: read.version })).value).toEqual(read.value);
      }
      expect(versions).toEqual(versions.toSorted((a, b) => a - b));
      expect(new Set(versions).size).toBe(3);
    });

    it('leave nothing when their work fails, and fail with its error', async () => {
      const database = await open();
      const error = new Error('no');
      const failed = database.write(async (queries) => {
        await queries.insertInto('accounts').values({ id: 'a', owner: 'a', balance: 1 }).execute();
        throw error;
      });
      await expect(failed).rejects.toBe(error);
      expect(await accountIds(database)).toEqual([]);
    });

    it('fail when one of their statements failed, also when their work goes on', async () => {
      const database = await open();
      await insertAccount(database, 'a');
      const failed = database.write(async (queries) => {
        await queries.insertInto('accounts').values({ id: 'b', owner: 'b', balance: 1 }).execute();
        await queries
          .insertInto('accounts')
          .values({ id: 'a', owner: 'c', balance: 1 })
          .execute()
          .catch(() => undefined);
      });
      await expect(failed).rejects.toMatchObject({ kind: 'conflict', fields: [{ path: 'id', message: 'is taken' }] });
      expect(await accountIds(database)).toEqual(['a']);
      await insertAccount(database, 'b');
    });

    it('lose no update of others', async () => {
      const database = await open();
      await insertAccount(database, 'a');
      await Promise.all(Array.from({ length: 8 }, () => add(database, 'a', 1)));
      expect(await balances(database)).toEqual([['a', 8]]);
    });

    it('keep a rule over several rows that each of them keeps alone', async () => {
      const database = await open();
      for (const id of ['a', 'b']) await insertAccount(database, id, 5);
      const results = await Promise.allSettled(['a', 'b'].map((id) => add(database, id, -8)));
      expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect((await balances(database)).reduce((sum, [, balance]) => sum + Number(balance), 0)).toBe(2);
    });

    it('may run statements in parallel', async () => {
      const database = await open();
      const insertAll = (ids: readonly string[]) =>
        database.write((queries) =>
          Promise.all(ids.map((id) => queries.insertInto('accounts').values({ id, owner: id, balance: 1 }).execute())),
        );
      await insertAll(['a', 'b', 'c']);
      // Their statements are known by now.
      await insertAll(['d', 'e', 'f']);
      expect(await accountIds(database)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    });

    const refused: readonly (readonly [string, (queries: Queries) => Promise<unknown>])[] = [
      ['COMMIT', (queries) => sql`COMMIT`.execute(queries)],
      ['a transaction within', (queries) => queries.transaction().execute(() => Promise.resolve())],
    ];

    it('refuse what would end their transaction', async () => {
      const database = await open();
      await insertAccount(database, 'a');
      for (const [, work] of refused) {
        await expect(database.write(work)).rejects.toMatchObject({ kind: 'invalid' });
      }
      expect(await balances(database)).toEqual([['a', 0]]);
    });
  });

  describe('reads', () => {
    it('see one state, however many statements they have', async () => {
      const database = await open();
      await insertAccount(database, 'a');
      const { value } = await database.read(async (queries) => {
        const before = await everything(queries);
        await insertAccount(database, 'b');
        return [before, await everything(queries)];
      });
      expect(value[1]).toEqual(value[0]);
      expect(await accountIds(database)).toEqual(['a', 'b']);
    });

    it('cannot write', async () => {
      const database = await open();
      const written = database.read((queries) =>
        queries.insertInto('accounts').values({ id: 'x', owner: 'x', balance: 1 }).execute(),
      );
      await expect(written).rejects.toThrow(/\bread\b/);
      expect(await accountIds(database)).toEqual([]);
    });

    it('refuse a bookmark of another database', async () => {
      const database = await open();
      await expect(database.read(everything, { atLeast: 10 ** 12 })).rejects.toMatchObject({
        kind: 'invalid',
        message: expect.stringMatching(
          /^The bookmark 1000000000000 is ahead of the database, which is at version \d+\.$/,
        ),
      });
    });

    it('end when nobody waits for them any more', async () => {
      const database = await open();
      const waiting = new AbortController();
      const read = database.read(
        (queries) => {
          setTimeout(() => waiting.abort(), 50);
          return sql`SELECT count(*) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b
            WHERE a.generate_series % 7 = b.generate_series % 5`.execute(queries);
        },
        { signal: waiting.signal },
      );
      await expect(read).rejects.toBeInstanceOf(Error);
      expect(await accountIds(database)).toEqual([]);
    });
  });

  describe('a database', () => {
    it('keeps what it was given when it is opened again, and runs no migration twice', async () => {
      const place = await makePlace();
      const first = await place.open([accounts]);
      await insertAccount(first, 'a');
      await first.close();
      const second = await place.open([accounts]);
      expect(await accountIds(second)).toEqual(['a']);
      const { databaseId, location, engine } = await second.status();
      expect(engine).toBe(second.engine);
      expect(location).not.toMatch(/secret|postgres:[^/]*@/);
      await second.close();
      const third = await place.open([accounts]);
      expect((await third.status()).databaseId).toBe(databaseId);
      await third.sync();
      await third.maintain();
      await third.close();
      await expect(third.read(everything)).rejects.toBeInstanceOf(Error);
    });

    it('tells what was changed after a version', async () => {
      const database = await open();
      const after = await insertAccount(database, 'a', 1);
      await database.write((queries) => queries.updateTable('accounts').set({ balance: -2 }).execute());
      await database.write((queries) => queries.deleteFrom('accounts').execute());
      const { value, version } = await database.changes({ after, limit: 10 });
      expect(value.sets.map(({ changes }) => changes)).toEqual([
        [{ kind: 'put', table: 'accounts', rows: [{ id: 'a', owner: 'owner of a', balance: -2 }] }],
        [{ kind: 'delete', table: 'accounts', keys: [{ id: 'a' }] }],
      ]);
      expect(value.sets.every(({ version: each }) => each > after && each <= value.head)).toBe(true);
      expect(value.head).toBeLessThanOrEqual(version);
      expect(value.oldest).toBeLessThanOrEqual(after);
      expect((await database.changes({ after: value.head, limit: 10 })).value.sets).toEqual([]);
    });
  });
}
