/** Requests to the store, counted before it, and what they cost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startProxy } from '../test/support/servers/proxy.ts';
import { startBackend, type Variables } from './backends.ts';
import type { Bench, BenchContext, Table } from './harness.ts';
import { runClients } from './http-client.ts';
import type { Server } from './servers.ts';
import { askFor, type Operation, subjectOf, withClients } from './subjects.ts';

/** What a million requests cost in US dollars, as the providers publish it; PUT, COPY, POST and LIST are writes. */
const prices = {
  S3: { writes: 5, reads: 0.4, freeWrites: 0, freeReads: 0 },
  R2: { writes: 4.5, reads: 0.36, freeWrites: 0, freeReads: 0 },
  'R2, the first million of a month': { writes: 4.5, reads: 0.36, freeWrites: 1, freeReads: 10 },
  'Vercel Blob': { writes: 5, reads: 0.4, freeWrites: 0, freeReads: 0 },
} as const;
type Provider = keyof typeof prices;
const providers = Object.keys(prices) as Provider[];

export const costs: Bench = {
  name: 'costs',
  title: 'Requests to the store, and dollars',
  about: `Each request that reaches the store is counted by a proxy before it, checkpoints included where one came due. Requests that
arrive together share a commit, and reads share the proof that the replica is fresh, so the price of one falls with the load.
Dollars are for requests alone, at the providers' public prices; a provider that charges for bytes that leave it charges for more.`,
  async run(context) {
    const s3 = await startBackend('s3');
    const counts = { writes: 0, reads: 0, bytesUp: 0 };
    const url = new URL(s3.addresses.near['S3_ENDPOINT']!);
    const proxy = await startProxy({
      target: url.origin,
      observe({ method, headers }) {
        if (method === 'PUT' || method === 'POST') counts.writes++;
        else if (method === 'GET' || method === 'HEAD') counts.reads++;
        counts.bytesUp += Number(headers['content-length'] ?? 0);
      },
    });
    const variables = { ...s3.addresses.near, S3_ENDPOINT: `${proxy.url}${url.pathname}` };
    try {
      const counted: Counted[] = [];
      for (const load of loads) counted.push(await count(context, load, variables, counts));
      return { figures: [], tables: [requestsTable(counted), dollarsTable(counted)], plots: [] };
    } finally {
      await proxy.close();
      await s3.close();
    }
  },
};

interface Counts {
  writes: number;
  reads: number;
  bytesUp: number;
}

interface LoadToCount {
  readonly name: string;
  readonly operation: Operation;
  readonly clients: number;
  readonly start: (context: BenchContext, variables: Variables) => Promise<Server>;
}

const eider =
  (key: string, more: Variables = {}) =>
  ({ servers }: BenchContext, variables: Variables): Promise<Server> =>
    servers.eider({ ...variables, ...more, S3_KEY: key });
const byHand =
  (key: string) =>
  ({ servers }: BenchContext, variables: Variables): Promise<Server> =>
    servers.byHand(['duckdb', 'before'], { ...variables, FILE_KEY: key });

const loads: readonly LoadToCount[] = [
  { name: 'Eider, writes of 1 client', operation: 'write', clients: 1, start: eider('w1.db') },
  { name: 'Eider, writes of 64 clients', operation: 'write', clients: 64, start: eider('w64.db') },
  { name: 'Eider, reads of 1 client, each proven fresh', operation: 'read', clients: 1, start: eider('r1.db') },
  { name: 'Eider, reads of 64 clients, each proven fresh', operation: 'read', clients: 64, start: eider('r64.db') },
  {
    name: 'Eider, reads of 64 clients, a second old at most',
    operation: 'read',
    clients: 64,
    start: eider('s64.db', { DB_MAX_STALENESS_MS: '1000' }),
  },
  { name: 'by hand, whole file, writes of 1 client', operation: 'write', clients: 1, start: byHand('h1.db') },
  { name: 'by hand, whole file, writes of 64 clients', operation: 'write', clients: 64, start: byHand('h64.db') },
];

interface Counted extends Readonly<Counts> {
  readonly name: string;
  /** Requests of clients. */
  readonly requests: number;
}

async function count(context: BenchContext, load: LoadToCount, variables: Variables, counts: Counts): Promise<Counted> {
  context.say(load.name);
  const { server, ids } = await subjectOf(await load.start(context, variables));
  await quiet(counts);
  const before = { ...counts };
  const wanted = load.clients * (context.extent === 'quick' ? 20 : 100);
  let requests = 0;
  await withClients(server.url, load.clients, async (clients) => {
    while (requests < wanted) {
      const { ms } = await runClients(clients, 250, (client) => askFor(load.operation, client, ids));
      requests += ms.length;
    }
  });
  await quiet(counts);
  const after = { ...counts };
  await server.stop();
  return {
    name: load.name,
    requests,
    writes: after.writes - before.writes,
    reads: after.reads - before.reads,
    bytesUp: after.bytesUp - before.bytesUp,
  };
}

/** What a server does after its answers, such as a checkpoint, belongs to them. */
async function quiet(counts: Readonly<Counts>): Promise<void> {
  for (let before = -1, now = 0; before !== now;) {
    before = counts.writes + counts.reads;
    await sleep(500);
    now = counts.writes + counts.reads;
  }
}

function requestsTable(counted: readonly Counted[]): Table {
  return {
    title: 'requests to the store for one of a client',
    columns: ['', 'writes (PUT, COPY)', 'reads (GET, HEAD, LIST)', 'kB uploaded', 'requests counted'],
    rows: counted.map(({ name, requests, writes, reads, bytesUp }) => [
      name,
      writes / requests,
      reads / requests,
      bytesUp / requests / 1000,
      requests,
    ]),
  };
}

function dollarsTable(counted: readonly Counted[]): Table {
  return {
    title: 'US dollars for a million of a client',
    columns: ['', ...providers],
    rows: counted.map((each) => [each.name, ...providers.map((provider) => dollars(each, provider))]),
  };
}

function dollars({ requests, writes, reads }: Counted, provider: Provider): number {
  const price = prices[provider];
  const paid = (each: number, free: number): number => Math.max(0, each / requests - free);
  return paid(writes, price.freeWrites) * price.writes + paid(reads, price.freeReads) * price.reads;
}
