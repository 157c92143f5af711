/**
 * An acknowledged write against one bare conditional create of the same bytes by the same client, on each cloud, near
 * and 20 ms away each way; and whether the database's size matters.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../lib/db/database.ts';
import type { Store } from '../lib/store/store.ts';
import { layoutOf } from '../lib/sync/layout.ts';
import { fileBody } from '../lib/sync/snapshot.ts';
import { type BenchCloud, type CloudName, cloudNames, farMs, startCloud } from './clouds.ts';
import { bytesPerMb, createStudent, databaseName, openDatabase } from './databases.ts';
import { type Bench, type BenchContext, type Figure, interleave, medians, timed } from './harness.ts';

const rounds = { rounds: 40, warmUp: 5 };
/** S3's server keeps its objects on disk; the other two hold them in memory. */
const sizesMb: Readonly<Record<CloudName, readonly number[]>> = { s3: [1, 100, 1000], gcs: [1, 100], blob: [1, 100] };

export const cloudWrite: Bench = {
  name: 'cloud-write',
  needsBytes: 6 * 1101 * bytesPerMb,
  run: async (context) => {
    const figures: Figure[] = [];
    for (const name of cloudNames) {
      for (const latencyMs of [0, farMs]) {
        const cloud = await startCloud(name, { latencyMs });
        const sizes = latencyMs === 0 ? [1] : sizesMb[name];
        figures.push(...(await measure(context, cloud, sizes, latencyMs === 0 ? 'near' : 'far')));
        await cloud.close();
      }
    }
    return figures;
  },
};

interface Subject {
  readonly database: Database;
  readonly store: Store;
  readonly name: string;
}

/** All sizes are open at once and take turns. */
async function measure(context: BenchContext, cloud: BenchCloud, sizes: readonly number[], where: string) {
  const subjects = new Map<number, Subject>();
  for (const size of sizes) subjects.set(size, await openSubject(context, cloud, size));
  const things: Record<string, () => Promise<number>> = {};
  for (const [size, subject] of subjects) {
    things[`write ${size}`] = () => timeWrite(subject);
    things[`create ${size}`] = bareCreates(subject);
  }
  const ms = medians(await interleave(rounds, things));
  for (const { database } of subjects.values()) await database.close();
  const figures = sizes.map((size): Figure => {
    const [write, create] = [ms[`write ${size}`]!, ms[`create ${size}`]!];
    return {
      name: `${cloud.name}, ${where}: acknowledged write / bare create, ${size} MB`,
      value: write / create,
      unit: 'x',
      target: { atMost: 1.3 },
      parts: { 'write ms': write, 'bare create ms': create },
    };
  });
  const writes = sizes.map((size) => ms[`write ${size}`]!);
  const [slowest, fastest] = [Math.max(...writes), Math.min(...writes)];
  if (sizes.length > 1) {
    figures.push({
      name: `${cloud.name}, ${where}: acknowledged write, slowest size / fastest size`,
      value: slowest / fastest,
      unit: 'x',
      target: { atMost: 1.2 },
      parts: { 'slowest ms': slowest, 'fastest ms': fastest },
    });
  }
  return figures;
}

async function openSubject({ folder, placeSample, say }: BenchContext, cloud: BenchCloud, size: number) {
  say(`${cloud.name}: adopting a database of ${size} MB`);
  const store = await cloud.open();
  const name = `${size}/${databaseName}`;
  const path = join(folder, `sample-${cloud.name}-${size}`);
  await placeSample(size, path);
  await upload(store, name, path);
  const slotRoot = join(folder, `slots-${cloud.name}-${size}-${performance.now()}`);
  const database = await openDatabase({ store, slotRoot, name });
  await createStudent(database);
  return { database, store, name };
}

async function upload(store: Store, key: string, path: string): Promise<void> {
  // One that DuckDB has folded: what is uploaded is the file and nothing beside it.
  (await DuckDBInstance.create(path)).closeSync();
  const fd = openSync(path, 'r');
  await store.create(key, fileBody(fd, fstatSync(fd).size));
  closeSync(fd);
}

async function timeWrite({ database }: Subject): Promise<number> {
  const ms = await timed(() => createStudent(database));
  await database.maintain();
  return ms;
}

/** Creates of the bytes of the record that was written last. */
function bareCreates({ database, store, name }: Subject): () => Promise<number> {
  let creates = 0;
  return async () => {
    const { version } = await database.status();
    const bytes = await store.get(layoutOf(name).recordKey(version));
    if (!bytes) throw new Error(`Record ${version} is not in the store.`);
    return timed(() => store.create(`${name}.bare/${++creates}.json`, bytes));
  };
}
