/**
 * Cold start on each cloud, near and 20 ms away each way, against the SDK's plain download of the same bytes and loading
 * DuckDB; what importing a driver costs against importing its SDK; and a large download over narrow connections.
 */
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemRuntime } from '../lib/runtime.ts';
import { defaultSettings } from '../lib/sync/context.ts';
import { layoutOf } from '../lib/sync/layout.ts';
import { downloadObject } from '../lib/sync/snapshot.ts';
import { Transfers } from '../lib/sync/transfers.ts';
import type { Store } from '../lib/store/store.ts';
import { type BenchCloud, cloudNames, farMs, startCloud } from './clouds.ts';
import { bytesPerMb, createStudent, databaseName, openDatabase } from './databases.ts';
import { type Bench, type BenchContext, type Figure, interleave, median, medians, timed } from './harness.ts';
import { compileWorker, outputOf, timeToFirstWord } from './workers.ts';

const rounds = { rounds: 11, warmUp: 2 };
const largeBytes = 256 * bytesPerMb;
const narrowBytesPerSecond = 40 * bytesPerMb;

export const cloudStart: Bench = {
  name: 'cloud-start',
  needsBytes: 1500 * bytesPerMb,
  run: async (context) => {
    const worker = await compileWorker('bench/cloud-start-worker.ts', join(context.folder, 'built'));
    const figures: Figure[] = [];
    for (const name of cloudNames) {
      for (const latencyMs of [0, farMs]) {
        const cloud = await startCloud(name, { latencyMs });
        figures.push(await measureStart(context, cloud, worker, latencyMs === 0 ? 'near' : 'far'));
        if (latencyMs === 0) figures.push(await measureImport(context, cloud, worker));
        await cloud.close();
      }
      figures.push(await measureDownload(context, await startCloud(name, { bytesPerSecond: narrowBytesPerSecond })));
    }
    return figures;
  },
};

async function measureStart({ folder, say }: BenchContext, cloud: BenchCloud, worker: string, where: string) {
  say(`${cloud.name}: starting processes`);
  const store = await cloud.open();
  const database = await openDatabase({ store, slotRoot: join(folder, `slots-${cloud.name}-${where}`) });
  const student = await createStudent(database);
  await database.sync();
  await database.close();
  const slots = join(folder, `empty-${cloud.name}`);
  const start = async (way: string): Promise<number> => {
    await rm(slots, { recursive: true, force: true });
    await mkdir(slots);
    return timeToFirstWord([worker, way, databaseName, student, slots], environmentOf(cloud, slots));
  };
  const ms = medians(await interleave(rounds, { ours: () => start('function'), bare: () => start('bare') }));
  const figure: Figure = {
    name: `${cloud.name}, ${where}: cold start of a function / SDK download and DuckDB`,
    value: ms.ours / ms.bare,
    unit: 'x',
    target: { atMost: 1.2 },
    parts: { 'function ms': ms.ours, 'bare ms': ms.bare },
  };
  return figure;
}

async function measureImport({ folder }: BenchContext, cloud: BenchCloud, worker: string): Promise<Figure> {
  const once = async (way: string): Promise<number> =>
    Number(await outputOf([worker, way, '', '', folder], environmentOf(cloud, folder)));
  const ms = medians(await interleave(rounds, { driver: () => once('driver'), sdk: () => once('sdk') }));
  return {
    name: `${cloud.name}: importing the driver / importing its SDK`,
    value: ms.driver / ms.sdk,
    unit: 'x',
    target: { atMost: 1 },
    parts: { 'driver ms': ms.driver, 'SDK ms': ms.sdk },
  };
}

function environmentOf(cloud: BenchCloud, slots: string): Record<string, string> {
  return {
    ...cloud.environment,
    ...(cloud.blobServer === undefined ? {} : { EIDER_TEST_BLOB_SERVER: cloud.blobServer }),
    TMPDIR: slots,
    PUBLIC_READ: 'true',
  };
}

/** As a start brings a snapshot, against one stream of the same object. */
async function measureDownload({ folder, say }: BenchContext, cloud: BenchCloud): Promise<Figure> {
  say(`${cloud.name}: downloading ${largeBytes / bytesPerMb} MB over narrow connections`);
  const store = await cloud.open();
  await store.create('large', largeBody());
  const context = {
    store,
    layout: layoutOf(databaseName),
    runtime: systemRuntime,
    settings: defaultSettings,
    writer: '',
    step: () => undefined,
    prepareAdopted: () => Promise.resolve(),
    transfers: new Transfers(),
    warn: () => undefined,
  };
  const path = join(folder, 'large');
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < 3; round++) {
    ours.push(await timed(() => downloadObject(context, 'large', largeBytes, path)));
    bare.push(await timed(() => hashWhole(store, 'large')));
  }
  await rm(path);
  await cloud.close();
  return {
    name: `${cloud.name}: one stream / download in ranges, ${largeBytes / bytesPerMb} MB at 40 MB/s a connection`,
    value: median(bare) / median(ours),
    unit: 'x',
    target: { atLeast: 3 },
    parts: { 'one stream ms': median(bare), 'ranges ms': median(ours) },
  };
}

function largeBody() {
  return {
    size: largeBytes,
    async *open({ start, end }: { readonly start: number; readonly end: number }) {
      const chunk = Buffer.alloc(1024 * 1024, 7);
      for (let position = start; position < end; position += chunk.length) {
        yield chunk.subarray(0, Math.min(chunk.length, end - position));
      }
    },
  };
}

async function hashWhole(store: Store, key: string): Promise<void> {
  createHash('sha256')
    .update((await store.get(key))!)
    .digest();
}
