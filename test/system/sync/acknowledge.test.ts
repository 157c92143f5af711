/** A write is answered when its record is there; what the replica still has to do is waited for by those who read. */
import { DuckDBConnection } from '@duckdb/node-api';
import { expect, it, vi } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { withFaults } from '../../../lib/testing/faults.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import type { Store } from '../../../lib/store/store.ts';
import type { Step } from '../../../lib/sync/context.ts';
import { accountIds, insertAccount, openDatabase } from '../../support/engine.ts';

const runtime = systemRuntime;

/** Has `before` run before each COMMIT of DuckDB. */
function beforeCommits(before: () => void | Promise<void>): void {
  // oxlint-disable-next-line typescript/unbound-method -- It is called on each connection again.
  const { run } = DuckDBConnection.prototype;
  vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
    this: DuckDBConnection,
    ...args: Parameters<typeof run>
  ) {
    if (args[0] === 'COMMIT') await before();
    return run.apply(this, args);
  });
}

it('a write is answered before the replica has committed, and not before the record is there', async () => {
  const passed: Step[] = [];
  const database = await openDatabase({
    store: createMemoryStore({ runtime }),
    onStep: (step) => void passed.push(step),
  });
  await database.sync();
  passed.length = 0;
  await insertAccount(database, 'a');
  expect(passed).toEqual(['batch-run', 'record-creating', 'record-created']);
  await database.sync();
  expect(passed.slice(0, 4)).toEqual(['batch-run', 'record-creating', 'record-created', 'replica-committed']);
});

it.each([0, 3_600_000])('who reads at once sees the write, also if %i ms old would do', async (maxStalenessMs) => {
  const database = await openDatabase({ store: createMemoryStore({ runtime }), maxStalenessMs });
  // A slow disk.
  beforeCommits(() => runtime.sleep(20));
  const expected: string[] = [];
  for (const id of ['a', 'b', 'c', 'd']) {
    expected.push(id);
    const version = await insertAccount(database, id);
    const status = await database.status();
    const following = await insertAccount(database, `${id}2`);
    expected.push(`${id}2`);
    expect(await accountIds(database)).toEqual(expected);
    expect(status.version).toBe(version);
    expect(following).toBe(version + 1);
  }
});

it('a replica that could not follow, nor be brought to the head again, is not read as if it were there', async () => {
  const looked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  let isHeld = false;
  let isAway = false;
  const faulty = withFaults(createMemoryStore({ runtime }), {
    runtime,
    choose: (operation, key) => {
      if (!key.includes('.log/')) return null;
      isAway ||= isHeld && operation === 'create';
      return isAway && operation === 'get' ? { kind: 'fail-before' } : null;
    },
  });
  const head: Store['head'] = async (...all) => {
    const found = await faulty.head(...all);
    if (!isHeld) return found;
    looked.resolve();
    await answer.promise;
    return found;
  };
  const database = await openDatabase({ store: { ...faulty, head } });
  await insertAccount(database, 'a');
  await database.sync();
  await insertAccount(database, 'b');
  beforeCommits(() => {
    if (isAway) throw new Error('IO Error: the disk is gone');
  });
  isHeld = true;
  const reading = accountIds(database);
  await looked.promise;
  // Begun after the read was asked for, it tells the read what the head is.
  await insertAccount(database, 'c');
  expect((await database.status()).warnings).toEqual([
    expect.stringContaining('could not follow'),
    expect.stringContaining('could not be rebuilt'),
  ]);
  isHeld = false;
  isAway = false;
  answer.resolve();
  expect(await reading).toEqual(['a', 'b', 'c']);
});
