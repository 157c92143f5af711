/** Cold starts by the length of the log after the snapshot. */
import { join } from 'node:path';
import { startBackend, type Variables } from './backends.ts';
import { createStudent, databaseName, openDatabase } from './databases.ts';
import type { Bench, BenchContext } from './harness.ts';
import { compileWorker, timeStarts } from './starts.ts';

const recordCounts = { quick: [0, 200], default: [0, 100, 300, 1000], full: [0, 100, 1000, 5000] };

export const tail: Bench = {
  name: 'tail',
  title: 'Tail of the log',
  about: `A cold start applies the records that came after the snapshot. They are fetched in parallel and applied in sets, so it is not
their number of round trips that counts. A checkpoint is due when the tail has reached an eighth of the database, and one that is
as long as here comes from many small writes between two of them. Against it, a process that downloads the published file, without
what is in the log.`,
  async run(context) {
    const s3 = await startBackend('s3');
    try {
      const rows = await measureAll(context, s3.addresses.near, s3.addresses.far);
      return {
        figures: [],
        tables: [{ title: 'cold start on S3, ms', columns: ['records', ...columns], rows }],
        plots: [
          {
            id: 'tail',
            title: 'A cold start on S3, by records after the snapshot',
            x: { label: 'records' },
            y: { label: 'ms' },
            lines: columns.map((name, index) => ({
              name,
              isDashed: name.startsWith('bare'),
              points: rows.map((row) => [row[0]!, row[index + 1]!] as const),
            })),
          },
        ],
      };
    } finally {
      await s3.close();
    }
  },
};

const columns = ['Eider, near', 'bare, near', 'Eider, 20 ms away each way', 'bare, 20 ms away each way'];

async function measureAll(context: BenchContext, near: Variables, far: Variables): Promise<number[][]> {
  const { extent, folder, say } = context;
  const worker = await compileWorker(join(folder, 'built'));
  const database = await openDatabase(near, join(folder, 'writer'));
  const student = await createStudent(database);
  await database.sync();
  const rounds = extent === 'quick' ? { rounds: 2, warmUp: 1 } : { rounds: 7, warmUp: 1 };
  const rows: number[][] = [];
  let records = 0;
  for (const count of recordCounts[extent]) {
    say(`${count} records after ${databaseName}'s snapshot`);
    // Nobody takes care of checkpoints here: each is one more record.
    for (; records < count; records++) await createStudent(database);
    const row = [count];
    for (const variables of [near, far]) {
      const ms = await timeStarts(rounds, { worker, variables, student, slots: join(folder, 'slots') });
      row.push(ms.function, ms.bare);
    }
    rows.push(row);
  }
  await database.close();
  return rows;
}
