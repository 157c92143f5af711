/** Writes of more than a record holds: committed as one state, which other instances take over. */
import { expect, it } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { accountIds, insertAccount, openDatabase } from '../../support/engine.ts';

it('is one commit that other instances see, all or nothing', async () => {
  const store = createMemoryStore({ runtime: systemRuntime });
  const options = { store, settings: { maxRecordBytes: 100_000 } };
  const [one, other] = [await openDatabase(options), await openDatabase(options)];
  await insertAccount(one, 'before');
  const rows = Array.from({ length: 3000 }, (_, at) => ({ id: `r${at}`, owner: `owner ${at}`, balance: at }));
  const insert = (more: readonly object[] = []) =>
    one.write(
      async (queries) => {
        for (let at = 0; at < rows.length; at += 500) {
          await queries
            .insertInto('accounts')
            .values(rows.slice(at, at + 500))
            .execute();
        }
        for (const row of more) await queries.insertInto('accounts').values(row).execute();
      },
      { large: true },
    );
  await expect(insert([{ id: 'before', owner: 'x', balance: 1 }])).rejects.toMatchObject({ kind: 'conflict' });
  expect(await accountIds(other)).toEqual(['before']);
  const { version } = await insert();
  expect(await accountIds(other, { atLeast: version })).toHaveLength(3001);
  const { value } = await other.query({
    sql: 'SELECT count(*) FROM accounts',
    parameters: [],
    maxRows: 1,
    maxBytes: 100,
    timeoutMs: 5000,
  });
  expect(value.rows).toEqual([['3001']]);
  await insertAccount(other, 'after');
  expect(await accountIds(one)).toHaveLength(3002);
});
