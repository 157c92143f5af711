/**
 * Cold start: a new process to its first answer, against a new process that only loads DuckDB and reads the newest
 * snapshot's bytes. With empty slots, and beside it with a slot to resume from; the database alone, and the function of
 * `GET /api/students/<id>`.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bytesPerMb, createStudent, databaseName, nearStore, openDatabase } from './databases.ts';
import { type Bench, type BenchContext, type Figure, interleave, medians } from './harness.ts';

const sizesMb = [1, 100];
const rounds = { rounds: 15, warmUp: 2 };
const repository = dirname(import.meta.dirname);

export const coldStart: Bench = {
  name: 'cold-start',
  // Of each: the sample, the file adopted, its snapshot, the published file, four replicas.
  needsBytes: 8 * 101 * bytesPerMb,
  run: async (context) => {
    const worker = await compileWorker(join(context.folder, 'built'));
    const figures: Figure[] = [];
    for (const megabytes of sizesMb) figures.push(...(await measure(context, worker, megabytes)));
    return figures;
  },
};

/** The worker and all that it imports as JavaScript, one file a file: what a deployment runs. */
async function compileWorker(folder: string): Promise<string> {
  const config = {
    extends: join(repository, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      outDir: folder,
      rootDir: repository,
      typeRoots: [join(repository, 'node_modules/@types')],
    },
    include: [],
    files: [join(repository, 'bench/cold-start-worker.ts')],
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compile = promisify(execFile)(join(repository, 'node_modules/.bin/tsc'), ['-p', folder], {
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
  });
  await compile.catch((error: Error & { stdout?: string }) => {
    throw new Error(`The worker does not compile:\n${error.stdout}`, { cause: error });
  });
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ type: 'module', imports: { '#packages/*': './.packages/*.js' } }),
  );
  for (const name of ['node_modules', '.packages']) await symlink(join(repository, name), join(folder, name));
  return join(folder, 'bench/cold-start-worker.js');
}

async function measure(context: BenchContext, worker: string, megabytes: number): Promise<Figure[]> {
  const subject = await makeSubject(context, megabytes);
  const start = (way: string, slots: string) => startProcess({ ...subject, worker, way, slots });
  const emptySlots = join(subject.folder, 'empty');
  const fromNothing = async (way: string): Promise<number> => {
    await rm(emptySlots, { recursive: true, force: true });
    await mkdir(emptySlots);
    return start(way, emptySlots);
  };
  const kept = { database: join(subject.folder, 'kept-database'), function: join(subject.folder, 'kept-function') };
  for (const slots of Object.values(kept)) await mkdir(slots);
  context.say(`starting processes on ${megabytes} MB`);
  const ms = medians(
    await interleave(rounds, {
      bare: () => start('bare', emptySlots),
      database: () => fromNothing('database'),
      function: () => fromNothing('function'),
      resumedDatabase: () => start('database', kept.database),
      resumedFunction: () => start('function', kept.function),
    }),
  );
  const figure = (name: string, startMs: number, target?: Figure['target']): Figure => ({
    name: `cold start, ${name}, ${megabytes} MB / bare`,
    value: startMs / ms.bare,
    unit: 'x',
    parts: { 'start ms': startMs, 'bare ms': ms.bare },
    ...(target ? { target } : {}),
  });
  return [
    figure('database', ms.database, { atMost: 1.3 }),
    figure('function', ms.function, { atMost: 1.3 }),
    figure('database, slot to resume', ms.resumedDatabase),
    figure('function, slot to resume', ms.resumedFunction),
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

/** Starts the worker; answers the time from before it was started to its first word, in ms. */
function startProcess({ worker, way, store, slots, student }: Start): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let answeredMs: number | null = null;
    const child = spawn(process.execPath, [worker, way, store, slots, student], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // Nothing of the caller's settings: the worker's database is the one named here.
      env: { NETWORK_DB_PATH: store, TMPDIR: slots, PUBLIC_READ: 'true' },
    });
    child.stdout.once('data', () => (answeredMs = performance.now() - began));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 && answeredMs !== null) resolve(answeredMs);
      else reject(new Error(`The process of the cold start "${way}" ended with ${code} before its answer.`));
    });
  });
}
