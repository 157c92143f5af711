/** A write is answered when its record is there; what the replica still has to do is waited for by those who read. */
import { DuckDBConnection } from '@duckdb/node-api';
import { expect, it, vi } from 'vitest';
import { systemRuntime } from '../../lib/runtime.ts';
import { createMemoryStore } from '../../lib/store/memory.ts';
import type { Step } from '../../lib/sync/context.ts';
import { accountIds, insertAccount, openDatabase } from '../support/engine.ts';

const runtime = systemRuntime;

/** DuckDB with a slow disk: each COMMIT takes some time before it begins. */
function slowCommits(ms: number): void {
  // oxlint-disable-next-line typescript/unbound-method -- It is called on each connection again.
  const { run } = DuckDBConnection.prototype;
  vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
    this: DuckDBConnection,
    ...args: Parameters<typeof run>
  ) {
    if (args[0] === 'COMMIT') await runtime.sleep(ms);
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
  slowCommits(20);
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
