/**
 * An acknowledged write against one bare `create` of the same bytes in the same far store, for databases of four sizes.
 * Beside it the obvious implementation: insert, CHECKPOINT, copy the whole file to the store.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Database } from '../lib/db/database.ts';
import type { Store } from '../lib/store/store.ts';
import { layoutOf } from '../lib/sync/layout.ts';
import { fileBody } from '../lib/sync/snapshot.ts';
import { bytesPerMb, createStudent, databaseName, farStore, nearStore, openDatabase } from './databases.ts';
import { type Bench, type BenchContext, type Figure, interleave, median, timed } from './harness.ts';

const sizesMb = [1, 10, 100, 1000];
const rounds = { rounds: 60, warmUp: 5 };
/** The obvious way takes seconds at 1,000 MB. */
const obviousRounds = (megabytes: number): number => (megabytes >= 1000 ? 3 : 7);

export const acknowledgedWrite: Bench = {
  name: 'acknowledged-write',
  // Of each: the sample, the file adopted, its snapshot, the replica, the obvious way's file and its copy.
  needsBytes: 6.5 * 1111 * bytesPerMb,
  run: async (context) => {
    const ours = await measureWrites(context);
    const obvious: Figure[] = [];
    for (const megabytes of sizesMb) obvious.push(await measureObvious(context, megabytes, ours.get(megabytes)!.write));
    return [...figuresOf(ours), ...obvious];
  },
};

/** Medians in ms. */
interface Medians {
  readonly write: number;
  readonly create: number;
}

/** One open database and the far store that it lies in. */
interface Subject {
  readonly megabytes: number;
  readonly database: Database;
  readonly store: Store;
  readonly near: Store;
}

/** All sizes are open at once and take turns, so that a busy minute of the machine does not look like a large database. */
async function measureWrites(context: BenchContext): Promise<Map<number, Medians>> {
  const subjects: Subject[] = [];
  for (const megabytes of sizesMb) subjects.push(await openSubject(context, megabytes));
  context.say('writing');
  const things: Record<string, () => Promise<number>> = {};
  for (const subject of subjects) {
    const turn = takeTurns(subject);
    things[`write ${subject.megabytes}`] = turn.write;
    things[`create ${subject.megabytes}`] = turn.create;
  }
  const measured = await interleave(rounds, things);
  for (const { database } of subjects) await database.close();
  return new Map(
    sizesMb.map((size) => [
      size,
      { write: median(measured[`write ${size}`]!), create: median(measured[`create ${size}`]!) },
    ]),
  );
}

async function openSubject({ folder, placeSample, say }: BenchContext, megabytes: number): Promise<Subject> {
  say(`making and adopting a database of ${megabytes} MB`);
  const root = join(folder, `store-${megabytes}`);
  await mkdir(root);
  await placeSample(megabytes, join(root, databaseName));
  const store = farStore(root);
  const database = await openDatabase({ store, slotRoot: join(folder, `slots-${megabytes}`) });
  await createStudent(database);
  return { megabytes, database, store, near: nearStore(root) };
}

/** A write, and a bare `create` of the bytes of the record that was written last. */
function takeTurns({ database, store, near }: Subject): {
  write: () => Promise<number>;
  create: () => Promise<number>;
} {
  let creates = 0;
  return {
    write: async () => {
      const ms = await timed(() => createStudent(database));
      await database.maintain();
      return ms;
    },
    create: async () => {
      const { version } = await database.status();
      const bytes = await near.get(layoutOf(databaseName).recordKey(version));
      if (!bytes) throw new Error(`Record ${version} is not in the store.`);
      return timed(() => store.create(`bare/${++creates}.json`, bytes));
    },
  };
}

function figuresOf(measured: ReadonlyMap<number, Medians>): Figure[] {
  const figures = [...measured].map(([size, { write, create }]): Figure => {
    const parts = { 'write ms': write, 'bare create ms': create };
    return {
      name: `acknowledged write / bare create, ${size} MB`,
      value: write / create,
      unit: 'x',
      target: { atMost: 1.5 },
      parts,
    };
  });
  const writes = [...measured.values()].map(({ write }) => write);
  const [slowest, fastest] = [Math.max(...writes), Math.min(...writes)];
  figures.push({
    name: 'acknowledged write, slowest size / fastest size',
    value: slowest / fastest,
    unit: 'x',
    target: { atMost: 1.2 },
    parts: { 'slowest ms': slowest, 'fastest ms': fastest },
  });
  return figures;
}

/** What one would do without a log: the write is durable when the whole file is in the store. */
async function measureObvious({ folder, placeSample, say }: BenchContext, megabytes: number, oursMs: number) {
  say(`the obvious way, ${megabytes} MB`);
  const path = join(folder, `obvious-${megabytes}.duckdb`);
  await placeSample(megabytes, path);
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  // DuckDB's lock is the process's: no descriptor of the file may be closed before DuckDB is.
  const fd = openSync(path, 'r');
  const insert = await connection.prepare(
    `INSERT INTO students SELECT uuid(), 'Ada', uuid() || '@example.org', now(), now()`,
  );
  const store = farStore(join(folder, `store-${megabytes}`));
  const times: number[] = [];
  for (let round = 0; round < obviousRounds(megabytes); round++) {
    const key = `obvious/${round}.duckdb`;
    const ms = await timed(async () => {
      await insert.run();
      await connection.run('CHECKPOINT');
      await store.create(key, fileBody(fd, fstatSync(fd).size));
    });
    await store.delete([key]);
    times.push(ms);
  }
  connection.disconnectSync();
  instance.closeSync();
  closeSync(fd);
  const ms = median(times);
  const parts = { 'whole file ms': ms, 'acknowledged write ms': oursMs };
  return { name: `whole file copied after each write / ours, ${megabytes} MB`, value: ms / oursMs, unit: 'x', parts };
}
