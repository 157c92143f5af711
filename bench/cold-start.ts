/**
 * Cold start: a new process to its first answer, against a new process that only loads DuckDB and reads the newest
 * snapshot's bytes. The function of `GET /api/students/<id>` as it is deployed, with empty slots, and beside it with a slot to
 * resume from.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesPerMb, createStudent, databaseName, nearStore, openDatabase } from './databases.ts';
import { type Bench, type BenchContext, type Figure, interleave, medians } from './harness.ts';
import { compileWorker, timeToFirstWord } from './workers.ts';

const sizesMb = [1, 100];
const rounds = { rounds: 15, warmUp: 2 };

export const coldStart: Bench = {
  name: 'cold-start',
  // Of each: the sample, the file adopted, its snapshot, the published file, four replicas.
  needsBytes: 8 * 101 * bytesPerMb,
  run: async (context) => {
    const worker = await compileWorker('bench/cold-start-worker.ts', join(context.folder, 'built'));
    const figures: Figure[] = [];
    for (const megabytes of sizesMb) figures.push(...(await measure(context, worker, megabytes)));
    return figures;
  },
};

async function measure(context: BenchContext, worker: string, megabytes: number): Promise<Figure[]> {
  const subject = await makeSubject(context, megabytes);
  const start = (way: string, slots: string) => startProcess({ ...subject, worker, way, slots });
  const emptySlots = join(subject.folder, 'empty');
  const fromNothing = async (way: string): Promise<number> => {
    await rm(emptySlots, { recursive: true, force: true });
    await mkdir(emptySlots);
    return start(way, emptySlots);
  };
  const kept = join(subject.folder, 'kept');
  await mkdir(kept);
  context.say(`starting processes on ${megabytes} MB`);
  const ms = medians(
    await interleave(rounds, {
      bare: () => start('bare', emptySlots),
      bareFunction: () => start('bareFunction', emptySlots),
      function: () => fromNothing('function'),
      resumed: () => start('function', kept),
    }),
  );
  const figure = (name: string, startMs: number, bareMs: number, target?: Figure['target']): Figure => ({
    name: `cold start, ${megabytes} MB: ${name}`,
    value: startMs / bareMs,
    unit: 'x',
    parts: { 'start ms': startMs, 'bare ms': bareMs },
    ...(target ? { target } : {}),
  });
  return [
    figure('function / bare', ms.function, ms.bare, { atMost: 1.3 }),
    figure('function / bare function', ms.function, ms.bareFunction),
    figure('function with a slot to resume / bare', ms.resumed, ms.bare),
  ];
}

interface Subject {
  readonly folder: string;
  readonly store: string;
  /** Id of a row to ask for. */
  readonly student: string;
}

/** A store with one snapshot and no tail. */
async function makeSubject({ folder, placeSample }: BenchContext, megabytes: number): Promise<Subject> {
  const own = join(folder, String(megabytes));
  const store = join(own, 'store');
  await mkdir(store, { recursive: true });
  await placeSample(megabytes, join(store, databaseName));
  const database = await openDatabase({ store: nearStore(store), slotRoot: join(own, 'slots') });
  const student = await createStudent(database);
  // The student's own record, folded into the snapshot that every start begins from.
  await database.sync();
  await database.close();
  return { folder: own, store, student };
}

interface Start extends Subject {
  readonly worker: string;
  readonly way: string;
  readonly slots: string;
}

function startProcess({ worker, way, store, slots, student }: Start): Promise<number> {
  // Nothing of the caller's settings: the worker's database is the one named here.
  const environment = { NETWORK_DB_PATH: store, TMPDIR: slots, PUBLIC_READ: 'true' };
  return timeToFirstWord([worker, way, store, student], environment);
}
