/**
 * Bytes uploaded over 10,000 small writes, against the bytes of the log. One write after another to a database of
 * 100 MB, with a checkpoint in the middle; and many at once, which share records, to one of 10 MB, where a few
 * checkpoints come due. What the writes of a whole checkpoint cost must be seen: a run without one would prove nothing.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../lib/db/database.ts';
import { withCounting } from '../lib/testing/counting.ts';
import type { Store } from '../lib/store/store.ts';
import { layoutOf } from '../lib/sync/layout.ts';
import { bytesPerMb, createStudent, createStudents, databaseName, nearStore, openDatabase } from './databases.ts';
import type { Bench, BenchContext, Figure } from './harness.ts';

const writes = 10_000;

interface Load {
  readonly sampleMb: number;
  readonly writers: number;
  /** Rows written before, to stand somewhere between two checkpoints as a database in use does. */
  readonly rowsBefore: number;
}

const loads: readonly Load[] = [
  { sampleMb: 100, writers: 1, rowsBefore: 25_000 },
  { sampleMb: 10, writers: 64, rowsBefore: 0 },
];

export const uploadBytes: Bench = {
  name: 'upload-bytes',
  // Snapshots are kept for an hour, so all that a run uploads is there until its end.
  needsBytes: 30 * 100 * bytesPerMb,
  run: async (context) => {
    const figures: Figure[] = [];
    for (const load of loads) figures.push(await measure(context, load));
    return figures;
  },
};

async function measure({ folder, placeSample, say }: BenchContext, load: Load): Promise<Figure> {
  const { sampleMb, writers, rowsBefore } = load;
  say(`${writes} writes, ${writers} at a time`);
  const root = join(folder, `store-${writers}`);
  await mkdir(root);
  await placeSample(sampleMb, join(root, databaseName));
  const near = nearStore(root);
  const counted = withCounting(near);
  const database = await openDatabase({ store: counted, slotRoot: join(folder, `slots-${writers}`) });
  for (let row = 0; row < rowsBefore; row += 1000) await createStudents(database, 1000);
  const before = counted.counts();
  const first = (await database.status()).version + 1;
  const began = performance.now();
  await writeAll(database, writers);
  const seconds = (performance.now() - began) / 1000;
  const after = counted.counts();
  await database.close();
  const log = await logSize(near, first);
  const uploaded = after.bytesUp - before.bytesUp;
  const checkpoints = after.operations.copy - before.operations.copy;
  if (checkpoints === 0) throw new Error('No checkpoint came due: the figure would say nothing.');
  return {
    name: `uploaded / log, ${writes} writes, ${writers} at a time, ${sampleMb} MB`,
    value: uploaded / log.bytes,
    unit: 'x',
    target: { atMost: 20 },
    parts: {
      'uploaded MB': uploaded / bytesPerMb,
      'log MB': log.bytes / bytesPerMb,
      records: log.records,
      checkpoints,
      'whole file after each write MB': sampleMb * writes,
      seconds,
    },
  };
}

async function writeAll(database: Database, writers: number): Promise<void> {
  const after: Promise<void>[] = [];
  let begun = 0;
  const write = async (): Promise<void> => {
    while (begun++ < writes) {
      await createStudent(database);
      after.push(database.maintain());
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  await Promise.all(after);
}

/** Records from version `first` on. Retention keeps them for a day, so all are there. */
async function logSize(store: Store, first: number): Promise<{ records: number; bytes: number }> {
  const layout = layoutOf(databaseName);
  let [records, bytes] = [0, 0];
  for (let after = layout.recordKey(first - 1); ;) {
    const { objects, more } = await store.list(layout.logPrefix, { after });
    records += objects.length;
    for (const { size } of objects) bytes += size;
    after = objects.at(-1)?.key ?? after;
    if (!more) return { records, bytes };
  }
}
