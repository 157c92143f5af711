/**
 * Catching up on the far store: row images a second from a log of large records, and what a thousand small records cost
 * against ten bare round trips and bare parallel reads of the same objects.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../lib/db/database.ts';
import type { Store } from '../lib/store/store.ts';
import { defaultSettings } from '../lib/sync/context.ts';
import { layoutOf } from '../lib/sync/layout.ts';
import { createStudent, createStudents, databaseName, farStore, nearStore, openDatabase } from './databases.ts';
import { type Bench, type BenchContext, type Figure, median, timed } from './harness.ts';

const batches = 100;
const batchRows = 1000;
const smallRecords = 1000;
const roundTrips = 10;
/** Replicas that catch up, one after another; the first is to warm up. */
const replicas = 6;

export const catchUp: Bench = {
  name: 'catch-up',
  needsBytes: 1e9,
  run: async (context) => [await measureBatches(context), await measureSmallRecords(context)],
};

async function measureBatches(context: BenchContext): Promise<Figure> {
  const log = await makeLog(context, 'batches', async (writer) => {
    for (let batch = 0; batch < batches; batch++) await createStudents(writer, batchRows);
  });
  const times: number[] = [];
  for (const replica of log.behind) {
    times.push(await timed(() => requireStudents(replica, batches * batchRows)));
    await replica.close();
  }
  const ms = median(times.slice(1));
  const images = batches * batchRows;
  return {
    name: `catch-up, ${batches} records of ${batchRows} rows`,
    value: images / (ms / 1000),
    unit: 'rows/s',
    target: { atLeast: 30_000 },
    parts: { 'catch-up ms': ms, 'row images': images },
  };
}

async function measureSmallRecords(context: BenchContext): Promise<Figure> {
  const log = await makeLog(context, 'records', async (writer) => {
    for (let record = 0; record < smallRecords; record++) await createStudent(writer);
  });
  const ours: number[] = [];
  const bare: number[] = [];
  for (const replica of log.behind) {
    bare.push(await timed(() => readBare(log.store, log.firstVersion)));
    ours.push(await timed(() => requireStudents(replica, smallRecords)));
    await replica.close();
  }
  const parts = {
    'catch-up ms': median(ours.slice(1)),
    [`${roundTrips} round trips and ${smallRecords} reads ms`]: median(bare.slice(1)),
  };
  const value = median(ours.slice(1)) / median(bare.slice(1));
  return { name: `catch-up, ${smallRecords} small records / bare`, value, unit: 'x', target: { atMost: 1 }, parts };
}

/** A log that `write` makes, and replicas that were at its head before. */
interface Log {
  readonly behind: readonly Database[];
  readonly store: Store;
  /** Version of the first record that `write` made. */
  readonly firstVersion: number;
}

async function makeLog(
  { folder, say }: BenchContext,
  name: string,
  write: (writer: Database) => Promise<void>,
): Promise<Log> {
  const root = join(folder, name);
  await mkdir(root);
  const writer = await openDatabase({ store: nearStore(root), slotRoot: join(folder, `${name}-writer`) });
  const store = farStore(root);
  const behind: Database[] = [];
  for (let index = 0; index < replicas; index++) {
    behind.push(await openDatabase({ store, slotRoot: join(folder, `${name}-${index}`) }));
  }
  const { version } = await writer.status();
  say(`making a log of ${name}`);
  await write(writer);
  await writer.close();
  return { behind, store, firstVersion: version + 1 };
}

/** A fresh read: the replica must catch up first. */
async function requireStudents(replica: Database, expected: number): Promise<void> {
  const { value } = await replica.read((queries) =>
    queries
      .selectFrom('students')
      .select(({ fn }) => fn.countAll().as('count'))
      .executeTakeFirst(),
  );
  const count = Number(value?.['count']);
  if (count !== expected) throw new Error(`The replica has ${count} students and should have ${expected}.`);
}

/** What the store itself costs: round trips one after another, then all records with the concurrency that we use. */
async function readBare(store: Store, firstVersion: number): Promise<void> {
  const layout = layoutOf(databaseName);
  for (let trip = 0; trip < roundTrips; trip++) await store.get(layout.recordKey(firstVersion));
  let next = 0;
  const reader = async (): Promise<void> => {
    while (next < smallRecords) await store.get(layout.recordKey(firstVersion + next++));
  };
  await Promise.all(Array.from({ length: defaultSettings.parallelReads }, reader));
}
