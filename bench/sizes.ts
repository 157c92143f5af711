/** Single operations of one client, by size of the database, against what bounds them: one request to the store, one statement. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Distance, startBackend, type Variables } from './backends.ts';
import { type Bench, type BenchContext, type Figure, interleave, medians, timed } from './harness.ts';
import { Client } from './http-client.ts';
import type { Plot } from './plot.ts';
import { type Objects, s3Objects } from './s3-objects.ts';
import { askFor, createStudent, newStudent, type Operation } from './subjects.ts';

const sizesMb = { quick: [1, 10], default: [1, 10, 100], full: [1, 10, 100, 1000] };

const titles = {
  write: 'write, Eider',
  put: 'bare conditional PUT',
  insert: 'bare INSERT … RETURNING in a transaction',
  read: 'read by key, Eider, a second old at most',
  strict: 'read by key, Eider, proven fresh',
  handRead: 'read by key, by hand, DuckDB',
  head: 'bare HEAD',
  handWrite: 'write, by hand, DuckDB, whole file to S3 before the answer',
} as const;
type Name = keyof typeof titles;
/** Medians in ms. */
type Times = Readonly<Record<Name, number>>;

export const sizes: Bench = {
  name: 'sizes',
  title: 'Size of the database',
  about: `One client on S3, operation by operation, in turns with the least that each could take: the PUT of one record's bytes,
the HEAD of one key, one statement in DuckDB. Eider's times are those that the client sees, over HTTP. A write uploads a record,
whose size has nothing to do with the database's; whoever copies the file pays for all of it each time.`,
  async run(context) {
    const s3 = await startBackend('s3');
    try {
      const times: Record<Distance, Map<number, Times>> = { near: new Map(), far: new Map() };
      for (const size of sizesMb[context.extent]) {
        const { near, far } = await measureSize(context, s3.addresses, size);
        times.near.set(size, near);
        times.far.set(size, far);
      }
      return {
        figures: figuresOf(times.near.get(1)!, times.far.get(1)!, times.far),
        tables: (['near', 'far'] as const).map((distance) => ({
          title: `ms, S3 ${distance === 'near' ? 'near' : '20 ms away each way'}`,
          columns: ['', ...[...times[distance].keys()].map((size) => `${size} MB`)],
          rows: Object.entries(titles).map(([name, title]) => [
            title,
            ...[...times[distance].values()].map((each) => each[name as Name]),
          ]),
        })),
        plots: [plotOf(times)],
      };
    } finally {
      await s3.close();
    }
  },
};

async function measureSize(context: BenchContext, addresses: Readonly<Record<Distance, Variables>>, size: number) {
  context.say(`making a database of ${size} MB`);
  const path = join(context.folder, `${size}.duckdb`);
  await context.samples.place(size, path);
  const objects = s3Objects(addresses.near);
  const keys = { S3_KEY: `eider/${size}.db`, FILE_KEY: `by-hand/${size}.db` };
  for (const key of Object.values(keys)) await objects.put(key, await readFile(path));
  const bare = await openBare(path);
  const of = (distance: Distance) => measureAt(context, { distance, size, keys, bare, variables: addresses[distance] });
  const times = { near: await of('near'), far: await of('far') };
  bare.close();
  return times;
}

interface Place {
  readonly distance: Distance;
  readonly size: number;
  readonly keys: Readonly<Record<'S3_KEY' | 'FILE_KEY', string>>;
  readonly bare: Bare;
  readonly variables: Variables;
}

async function measureAt({ servers, say, extent }: BenchContext, place: Place): Promise<Times> {
  const { distance, size, keys, bare, variables } = place;
  say(`${size} MB, ${distance}`);
  const settings = { ...variables, ...keys };
  const eider = await servers.eider({ ...settings, DB_MAX_STALENESS_MS: '1000' });
  const strict = await servers.eider(settings);
  const hand = await servers.byHand(['duckdb', 'before'], settings);
  const all = [eider, strict, hand];
  const ids = new Map<string, string[]>();
  for (const { url } of [eider, hand]) ids.set(url, [await createStudent(url)]);
  ids.set(strict.url, ids.get(eider.url)!);
  const connected = new Map(await Promise.all(all.map(async ({ url }) => [url, await Client.connect(url)] as const)));
  const once = (url: string, operation: Operation) => askFor(operation, connected.get(url)!, ids.get(url)!);
  /** Whatever has to be caught up or proven first has been, the time before. */
  const again = (url: string, operation: Operation) => async () => {
    await once(url, operation);
    return timed(async () => {
      const { status, text } = await once(url, operation);
      if (status >= 300) throw new Error(`A ${operation} was answered ${status}: ${text}`);
    });
  };
  const objects = s3Objects(variables);
  const record = Buffer.alloc(Math.round((await objects.sizes(`${keys.S3_KEY}.log/`)).at(-1)!), ' ');
  const isQuick = extent === 'quick';
  const small = await interleave(
    { rounds: isQuick ? 8 : distance === 'near' ? 60 : 20, warmUp: 3 },
    {
      write: again(eider.url, 'write'),
      put: bareCreates(objects, `bare/${distance}-${size}`, record),
      insert: () => timed(() => bare.insert()),
      read: again(eider.url, 'read'),
      strict: again(strict.url, 'read'),
      handRead: again(hand.url, 'read'),
      head: () => timed(() => objects.has('bare/none')),
    },
  );
  const large = await interleave(
    { rounds: isQuick || size >= 100 ? 2 : 7, warmUp: 0 },
    { handWrite: again(hand.url, 'write') },
  );
  for (const client of connected.values()) client.close();
  for (const server of all) await server.stop();
  return { ...medians(small), ...medians(large) };
}

function bareCreates(objects: Objects, prefix: string, record: Uint8Array): () => Promise<number> {
  let creates = 0;
  return () => timed(() => objects.create(`${prefix}/${++creates}.json`, record));
}

interface Bare {
  insert(): Promise<void>;
  close(): void;
}

/** DuckDB in this process, as one uses it who needs no store. */
async function openBare(path: string): Promise<Bare> {
  const instance = await DuckDBInstance.create(path, { threads: '1' });
  const connection = await instance.connect();
  return {
    async insert() {
      const { name, email } = newStudent();
      await connection.run('BEGIN');
      await connection.runAndReadAll('INSERT INTO students (name, email) VALUES ($1, $2) RETURNING *', [name, email]);
      await connection.run('COMMIT');
    },
    close() {
      connection.disconnectSync();
      instance.closeSync();
    },
  };
}

const processBound =
  'What is left beside the request to the store is the way of the request through Node, and DuckDB’s own time, in one process that shares the cores with the store.';

function figuresOf(near: Times, far: Times, bySize: ReadonlyMap<number, Times>): Figure[] {
  const ms = (times: Times, ...names: readonly Name[]): Record<string, number> =>
    Object.fromEntries(names.map((name) => [`${titles[name]} ms`, times[name]]));
  const largest = [...bySize.values()].map(({ write }) => write);
  return [
    {
      name: 'write, 1 client, on S3 / (bare PUT + 2.5 × bare INSERT)',
      value: near.write / (near.put + 2.5 * near.insert),
      unit: 'x',
      target: { atMost: 1 },
      parts: ms(near, 'write', 'put', 'insert'),
      bound: processBound,
    },
    {
      name: 'write, 1 client, on S3 / bare PUT, 20 ms away each way',
      value: far.write / far.put,
      unit: 'x',
      target: { atMost: 1.05 },
      parts: ms(far, 'write', 'put', 'insert'),
      bound:
        'The statement has to run before its record can be sent: the bare INSERT alone is more than a twentieth of the PUT. The look at where the log stands goes beside the PUT and takes no time.',
    },
    {
      name: 'read by key, 1 client, a second old at most / by hand on DuckDB',
      value: near.read / near.handRead,
      unit: 'x',
      target: { atMost: 1.25 },
      parts: ms(near, 'read', 'handRead'),
      bound: processBound,
    },
    {
      name: 'read by key, 1 client, proven fresh / (1.25 × by hand on DuckDB + bare HEAD)',
      value: near.strict / (1.25 * near.handRead + near.head),
      unit: 'x',
      target: { atMost: 1 },
      parts: ms(near, 'strict', 'handRead', 'head'),
      bound: processBound,
    },
    {
      name: 'write, 20 ms away each way, slowest size / fastest size',
      value: Math.max(...largest) / Math.min(...largest),
      unit: 'x',
      target: { atMost: 1.2 },
      parts: { 'slowest ms': Math.max(...largest), 'fastest ms': Math.min(...largest) },
      bound:
        'A record is as large as what was written. What grows with the database is the indexes that DuckDB looks into.',
    },
  ];
}

function plotOf(times: Readonly<Record<Distance, ReadonlyMap<number, Times>>>): Plot {
  const shown = { write: 'Eider', put: 'bare PUT', handWrite: 'by hand, whole file' } as const;
  const lineOf = (name: keyof typeof shown, distance: Distance) => ({
    name: `${shown[name]}, S3 ${distance === 'near' ? 'near' : '20 ms away each way'}`,
    isDashed: name !== 'write',
    points: [...times[distance]].map(([size, each]) => [size, each[name]] as const),
  });
  const names = Object.keys(shown) as (keyof typeof shown)[];
  return {
    id: 'sizes',
    title: 'An acknowledged write, by size of the database',
    x: { label: 'MB', isLog: true },
    y: { label: 'ms', isLog: true },
    lines: names.flatMap((name) => [lineOf(name, 'near'), lineOf(name, 'far')]),
  };
}
