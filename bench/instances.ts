/** Several instances that write to one store: how much they take, and what is lost when all of them are killed at once. */
import { DuckDBInstance } from '@duckdb/node-api';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startBackend, type Variables } from './backends.ts';
import { type Bench, type BenchContext, type Figure, interleave, median, quantile, type Table } from './harness.ts';
import { askOnce, Client, runClients } from './http-client.ts';
import type { Plot } from './plot.ts';
import { s3Objects } from './s3-objects.ts';
import type { Server } from './servers.ts';
import { askFor, createStudent, idOf } from './subjects.ts';

const counts = [1, 2, 4, 8];
const clientsOfOne = 8;
/** As many as all clients of the largest group. */
const clientsAlone = 64;

const titles = {
  eider: 'Eider, DuckDB on S3',
  before: 'by hand, DuckDB, file to S3 before the answer',
  background: 'by hand, DuckDB, file to S3 in the background',
} as const;
type Way = keyof typeof titles;
const ways = Object.keys(titles) as Way[];

export const instances: Bench = {
  name: 'instances',
  title: 'Instances',
  about: `One, two, four and eight processes on one S3 store, each with eight clients that write; the last time, all of them are
killed in the middle, as platforms do, and the store is asked what it has. A write is lost when it was acknowledged and is not there:
the row's id is looked for, not a count. Instances by hand each upload a file of their own over that of the others.
All processes share the cores with each other and with the store, so this shows how much room there is for more instances, and
not how fast a cluster would be.`,
  async run(context) {
    const s3 = await startBackend('s3');
    try {
      const found = new Map<Way, Outcomes>();
      for (const way of ways) found.set(way, await measureWay(context, way, s3.addresses.near));
      return { figures: figuresOf(found.get('eider')!), tables: tablesOf(found), plots: [plotOf(found)] };
    } finally {
      await s3.close();
    }
  },
};

interface Rate {
  readonly perSecond: number;
  /** Within which 99 % were answered, in ms. */
  readonly p99: number;
}

interface Outcome extends Rate {
  readonly acknowledged: number;
  readonly lost: number;
}

interface Outcomes {
  /** By the number of instances. */
  readonly groups: ReadonlyMap<number, Outcome>;
  /** One instance with as many clients as eight have together. */
  readonly alonePerSecond: number;
}

interface Group {
  readonly variables: Variables;
  readonly servers: readonly Server[];
  readonly acknowledged: Set<string>;
}

async function measureWay(context: BenchContext, way: Way, s3: Variables): Promise<Outcomes> {
  const isQuick = context.extent === 'quick';
  const groups = new Map<number, Group>();
  for (const count of counts) {
    context.say(`${titles[way]}: starting ${count}`);
    groups.set(count, await startGroup(context, way, count, s3));
  }
  const [forMs, things] = [isQuick ? 500 : 1000, {} as Record<string, () => Promise<Rate>>];
  for (const [count, group] of groups) things[count] = () => writeFrom(group, clientsOfOne, forMs);
  things['alone'] = () => writeFrom(groups.get(1)!, clientsAlone, forMs);
  context.say(`${titles[way]}: writing`);
  const rates = await interleave({ rounds: isQuick ? 1 : 3, warmUp: 1 }, things);
  const outcomes = new Map<number, Outcome>();
  for (const [count, group] of groups) {
    await killInTheMiddle(group);
    const kept = await idsIn(context, way, group.variables);
    const lost = [...group.acknowledged].filter((id) => !kept.has(id)).length;
    outcomes.set(count, { ...medianRate(rates[count]!), acknowledged: group.acknowledged.size, lost });
  }
  return { groups: outcomes, alonePerSecond: medianRate(rates['alone']!).perSecond };
}

async function startGroup({ servers }: BenchContext, way: Way, count: number, s3: Variables): Promise<Group> {
  const key = `${way}/${count}.db`;
  const variables: Variables = { ...s3, S3_KEY: key, FILE_KEY: key };
  const start = () => (way === 'eider' ? servers.eider(variables) : servers.byHand(['duckdb', way], variables));
  const acknowledged = new Set<string>();
  const started: Server[] = [];
  for (let index = 0; index < count; index++) {
    const server = await start();
    // Each finds what the one before it made.
    acknowledged.add(await createStudent(server.url));
    started.push(server);
  }
  return { variables, servers: started, acknowledged };
}

const medianRate = (rates: readonly Rate[]): Rate => ({
  perSecond: median(rates.map(({ perSecond }) => perSecond)),
  p99: median(rates.map(({ p99 }) => p99)),
});

/** Writes of all instances together. */
async function writeFrom({ servers, acknowledged }: Group, clientsEach: number, forMs: number): Promise<Rate> {
  const urls = servers.flatMap(({ url }) => Array.from({ length: clientsEach }, () => url));
  const clients = await Promise.all(urls.map((url) => Client.connect(url)));
  const { ms, seconds } = await runClients(clients, forMs, (client) => write(client, acknowledged));
  for (const client of clients) client.close();
  return { perSecond: ms.length / seconds, p99: quantile(ms, 0.99) };
}

async function write(client: Client, acknowledged: Set<string>) {
  const answered = await askFor('write', client, []);
  if (answered.status === 201) acknowledged.add(idOf(answered));
  return answered;
}

/** Whoever is not answered any more has not been told that its write is there. */
async function killInTheMiddle(group: Group): Promise<void> {
  const writing = writeFrom(group, clientsOfOne, 60_000).catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await Promise.all(group.servers.map((server) => server.kill()));
  await writing;
}

async function idsIn({ servers, folder }: BenchContext, way: Way, variables: Variables): Promise<Set<string>> {
  if (way === 'eider') {
    const server = await servers.eider(variables);
    const csv = await askOnce(server.url, { method: 'GET', path: '/api/export?table=students&format=csv' });
    await server.stop();
    return new Set(csv.split(/\r?\n/).map((line) => line.split(',')[0]!));
  }
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${way}.duckdb`);
  await writeFile(path, (await s3Objects(variables).get(variables['FILE_KEY']!))!);
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll('SELECT id::VARCHAR FROM students')).getRows();
  connection.disconnectSync();
  instance.closeSync();
  return new Set(rows.map(([id]) => String(id)));
}

function figuresOf({ groups, alonePerSecond }: Outcomes): Figure[] {
  const eight = groups.get(8)!;
  const sum = (part: (outcome: Outcome) => number): number =>
    [...groups.values()].reduce((total, outcome) => total + part(outcome), 0);
  return [
    {
      name: 'acknowledged writes lost, 1 to 8 instances killed while they write',
      value: sum(({ lost }) => lost),
      unit: 'writes',
      target: { atMost: 0 },
      parts: { acknowledged: sum(({ acknowledged }) => acknowledged) },
      bound: 'A lost write is a defect: please report it.',
    },
    {
      name: 'writes a second, 8 instances with 8 clients each / 1 instance with 64',
      value: eight.perSecond / alonePerSecond,
      unit: 'x',
      target: { atLeast: 1 },
      parts: { '8 instances /s': eight.perSecond, '1 instance /s': alonePerSecond },
      bound:
        'One commit follows the other, whichever instance makes it, and holds the requests of that instance alone: an eighth of the clients. The other seven read the record and apply it, and here they do so on the same two cores.',
    },
  ];
}

function tablesOf(found: ReadonlyMap<Way, Outcomes>): Table[] {
  const table = (title: string, cell: (outcome: Outcome) => number): Table => ({
    title,
    columns: ['', ...counts.map((count) => `${count} instance${count === 1 ? '' : 's'}`)],
    rows: ways.map((way) => [titles[way], ...counts.map((count) => cell(found.get(way)!.groups.get(count)!))]),
  });
  return [
    table('writes a second, 8 clients an instance', ({ perSecond }) => perSecond),
    table('99 % of the writes within ms', ({ p99 }) => p99),
    table('of a thousand acknowledged writes lost', ({ lost, acknowledged }) => (lost / acknowledged) * 1000),
  ];
}

function plotOf(found: ReadonlyMap<Way, Outcomes>): Plot {
  return {
    id: 'instances-lost',
    title: 'Acknowledged writes that were lost, by instances on one store',
    x: { label: 'instances' },
    y: { label: '% of the acknowledged writes' },
    lines: ways.map((way) => ({
      name: titles[way],
      isDashed: way !== 'eider',
      points: [...found.get(way)!.groups].map(([count, { lost, acknowledged }]) => [
        count,
        (lost / acknowledged) * 100,
      ]),
    })),
  };
}
