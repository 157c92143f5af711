/** A query that nobody waits for any more is stopped in DuckDB: it keeps neither a core busy nor the checkpoint waiting. */
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import type { Queries } from '../../../lib/values.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { accountIds, insertAccount, openDatabase } from '../../support/engine.ts';

/** Would take days. */
const endless = (queries: Queries) =>
  sql`SELECT count(*) FROM range(1000000000) AS a(i), range(1000000000) AS b(j) WHERE hash(i, j) = 1`.execute(queries);

it('when the client goes away', async () => {
  const database = await openDatabase({ store: createMemoryStore({ runtime }) });
  await insertAccount(database, 'a');
  const leaving = new AbortController();
  const reading = database.read(endless, { signal: leaving.signal });
  setTimeout(() => leaving.abort(), 50);
  await expect(reading).rejects.toMatchObject({ kind: 'unavailable' });
  // Its session goes on to serve, and the checkpoint finds nobody in its way.
  expect(await accountIds(database)).toEqual(['a']);
  await insertAccount(database, 'b');
  expect((await database.sync()).published).toBe(true);
});

it('when the client had gone before it began', async () => {
  const database = await openDatabase({ store: createMemoryStore({ runtime }) });
  await insertAccount(database, 'a');
  await expect(database.read(endless, { signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: 'unavailable' });
  expect(await accountIds(database)).toEqual(['a']);
});

it('when its time is over, and that is said', async () => {
  const database = await openDatabase({ store: createMemoryStore({ runtime }), settings: { readDeadlineMs: 50 } });
  await insertAccount(database, 'a');
  await expect(database.read(endless)).rejects.toMatchObject({
    kind: 'unavailable',
    message: 'The query took longer than 50 ms and was stopped.',
  });
  expect(await accountIds(database)).toEqual(['a']);
});
