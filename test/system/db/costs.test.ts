/**
 * What reads, writes, checkpoints and starts cost, as counts: requests to the store, bytes, statements. None may grow unseen. Who
 * makes one smaller writes the smaller number here.
 */
import { expect, it, onTestFinished, vi } from 'vitest';
import { findRelation } from '../../../lib/catalog/catalog.ts';
import type { Database, ReadOptions } from '../../../lib/db/database.ts';
import { type Command, executeOnly, setNameOf } from '../../../lib/rows/commands.ts';
import { findRow } from '../../../lib/rows/key.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { Session } from '../../../lib/sync/sql.ts';
import { type CountingStore, withCounting } from '../../../lib/testing/counting.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import type { PlainValue } from '../../../lib/values.ts';
import { openDatabase } from '../../support/engine.ts';

interface Cost {
  /** Those that were sent at all. */
  readonly operations: Readonly<Record<string, number>>;
  readonly bytesUp: number;
  readonly bytesDown: number;
  readonly statements: number;
}

async function costOf(store: CountingStore, work: () => Promise<unknown>): Promise<Cost> {
  const spies = (['execute', 'withStatement', 'withKeptStatement'] as const).map((name) =>
    vi.spyOn(Session.prototype, name),
  );
  onTestFinished(() => void vi.restoreAllMocks());
  const before = store.counts();
  await work();
  const after = store.counts();
  const statements = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  vi.restoreAllMocks();
  const sent = Object.entries(after.operations).map(
    ([name, count]) => [name, count - before.operations[name as 'get']] as const,
  );
  return {
    operations: Object.fromEntries(sent.filter(([, count]) => count > 0)),
    bytesUp: after.bytesUp - before.bytesUp,
    bytesDown: after.bytesDown - before.bytesDown,
    statements,
  };
}

function write(database: Database, ids: readonly string[]): Promise<unknown> {
  return Promise.all(
    ids.map((id) => {
      const command: Command = { kind: 'create', table: 'accounts', values: { id, owner: id, balance: 1 } };
      return database.write((queries, scope) => executeOnly(queries, scope, command), {
        command: command as unknown as PlainValue,
        together: setNameOf(command),
      });
    }),
  );
}

function read(database: Database, ids: readonly string[], options: ReadOptions = {}): Promise<unknown> {
  return Promise.all(
    ids.map((id) =>
      database.read((_queries, scope) => findRow(scope, findRelation(scope.catalog, 'accounts')!, [id]), {
        ...options,
        together: 'row accounts',
      }),
    ),
  );
}

const many = (prefix: string): string[] => Array.from({ length: 100 }, (_, index) => `${prefix}${index}`);

it('reads, writes, a checkpoint and a start cost what they cost', async () => {
  const store = withCounting(createMemoryStore({ runtime }));
  const database = await openDatabase({ store });
  await write(database, ['warm', 'warm too']);
  await database.status();

  const settled = (work: Promise<unknown>): Promise<unknown> => work.then(() => database.status());
  const bounded = { maxStalenessMs: 60_000 };
  const asksForNothing = { operations: {}, bytesUp: 0, bytesDown: 0 };
  const oneWrite = { operations: { create: 1, get: 1 }, bytesDown: 256, statements: 4 };

  expect(await costOf(store, () => settled(write(database, ['a'])))).toEqual({ ...oneWrite, bytesUp: atMost(430) });
  // One commit: BEGIN, INSERT, the position, COMMIT.
  expect(await costOf(store, () => settled(write(database, many('b'))))).toEqual({
    ...oneWrite,
    bytesUp: atMost(4500),
  });

  expect(await costOf(store, () => read(database, ['a'], bounded))).toEqual({ ...asksForNothing, statements: 1 });
  expect(await costOf(store, () => read(database, ['a']))).toEqual({
    ...asksForNothing,
    operations: { head: 1 },
    statements: 1,
  });
  // The first by itself, and those that came meanwhile together.
  expect(await costOf(store, () => read(database, many('b'), bounded))).toEqual({ ...asksForNothing, statements: 2 });
  expect(await costOf(store, () => read(database, many('b')))).toEqual({
    ...asksForNothing,
    operations: { head: 2 },
    statements: 2,
  });

  // The snapshot is uploaded, copied, and looked at once more.
  expect(await costOf(store, () => database.sync())).toEqual({
    operations: { create: 1, get: 3, head: 3, list: 4, copy: 1, delete: 1 },
    bytesUp: atMost(220_000),
    bytesDown: 256,
    statements: 1,
  });
  await write(database, ['c']);
  await write(database, ['d']);
  await database.status();
  // The snapshot, and the window of the tail.
  expect(await costOf(store, async () => read(await openDatabase({ store }), ['c']))).toEqual({
    operations: { get: 5, head: 1, list: 1 },
    bytesUp: 0,
    bytesDown: atMost(221_000),
    // The catalog is read in two sessions, beside the migrations.
    statements: 23,
  });
});

/** A matcher: sizes differ by a few bytes from run to run. */
function atMost(most: number): unknown {
  return expect.toSatisfy((bytes: number) => bytes > 0 && bytes <= most);
}
