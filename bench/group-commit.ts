/** Throughput of 64 concurrent writers of one process against one writer, on the far store. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../lib/db/database.ts';
import { bytesPerMb, createStudent, databaseName, farStore, openDatabase } from './databases.ts';
import { type Bench, interleave, medians } from './harness.ts';

const writers = 64;
const sampleMb = 10;
const roundMs = 800;
const rounds = { rounds: 8, warmUp: 1 };

export const groupCommit: Bench = {
  name: 'group-commit',
  needsBytes: 40 * sampleMb * bytesPerMb,
  run: async ({ folder, placeSample }) => {
    const root = join(folder, 'store');
    await mkdir(root);
    await placeSample(sampleMb, join(root, databaseName));
    const database = await openDatabase({ store: farStore(root), slotRoot: join(folder, 'slots') });
    const { one, many } = medians(
      await interleave(rounds, {
        one: () => writesPerSecond(database, 1),
        many: () => writesPerSecond(database, writers),
      }),
    );
    await database.close();
    const parts = { 'one writer writes/s': one, [`${writers} writers writes/s`]: many };
    return [{ name: `${writers} writers / one writer`, value: many / one, unit: 'x', target: { atLeast: 25 }, parts }];
  },
};

/** Each writer writes again as soon as it was answered; what is due after an answer runs beside, as in the functions. */
async function writesPerSecond(database: Database, concurrent: number): Promise<number> {
  const began = performance.now();
  let writes = 0;
  const after: Promise<void>[] = [];
  const write = async (): Promise<void> => {
    while (performance.now() - began < roundMs) {
      await createStudent(database);
      writes++;
      after.push(database.maintain());
    }
  };
  await Promise.all(Array.from({ length: concurrent }, write));
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(after);
  return writes / seconds;
}
