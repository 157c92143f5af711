/** The servers of one bench, with clients connected to each, and loads on them in turns. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Server } from './servers.ts';
import { type Answered, Client, type Load, runClients } from './http-client.ts';
import { interleave, quantile } from './harness.ts';

/** One server with rows to ask for. */
export interface Subject {
  readonly server: Server;
  readonly ids: string[];
}

export const operations = ['write', 'read'] as const;
export type Operation = (typeof operations)[number];

let emails = 0;

/** A student whom nobody has, of this process's. */
export function newStudent(): { name: string; email: string } {
  return { name: 'Ada Lovelace', email: `ada.${process.pid}.${++emails}@example.org` };
}

/** One student, of a server that may still be opening a large database, and then says that it is to be asked later. */
export async function createStudent(url: string): Promise<string> {
  const giveUpMs = performance.now() + openingMs;
  for (;;) {
    const client = await Client.connect(url);
    const answered = await askFor('write', client, []);
    client.close();
    if (answered.status === 201) return idOf(answered);
    // 202: another backend took it for the time being.
    if (![202, 503].includes(answered.status) || performance.now() > giveUpMs)
      throw new Error(`A server that was started answered ${answered.status}: ${answered.text}`);
    await sleep(1000);
  }
}

const openingMs = 120_000;
const seedClients = 32;
const seedRows = 256;

/** A few rows, written as clients write them. */
export async function subjectOf(server: Server): Promise<Subject> {
  // The first opens the database, and may be slow.
  const ids = [await createStudent(server.url)];
  await withClients(server.url, seedClients, async (clients) => {
    const write = async (client: Client): Promise<void> => {
      while (ids.length < seedRows) ids.push(idOf(await askFor('write', client, ids)));
    };
    await Promise.all(clients.map(write));
  });
  return { server, ids };
}

export const idOf = ({ text }: Answered): string => (JSON.parse(text) as { id: string }).id;

export function askFor(operation: Operation, client: Client, ids: readonly string[]): Promise<Answered> {
  if (operation === 'write') return client.ask({ method: 'POST', path: '/api/students', json: newStudent() });
  return client.ask({ method: 'GET', path: `/api/students/${ids[Math.floor(Math.random() * ids.length)]}` });
}

export async function withClients<T>(
  url: string,
  count: number,
  work: (clients: readonly Client[]) => Promise<T>,
): Promise<T> {
  const clients = await Promise.all(Array.from({ length: count }, () => Client.connect(url)));
  try {
    return await work(clients);
  } finally {
    for (const client of clients) client.close();
  }
}

/** What one server did under one load. */
export interface Measured {
  readonly perSecond: number;
  readonly ms: { readonly half: number; readonly p99: number };
  /** Of the thread that runs JavaScript, a request. */
  readonly cpuMs: number;
}

export interface LoadOptions {
  readonly operation: Operation;
  readonly clients: number;
  readonly rounds: number;
  readonly forMs: number;
}

/** The same load on each, in turns. */
export async function loadAll<Name extends string>(
  subjects: Readonly<Record<Name, Subject>>,
  { operation, clients, rounds, forMs }: LoadOptions,
): Promise<Record<Name, Measured>> {
  const names = Object.keys(subjects) as Name[];
  const loadOne = async ({ server, ids }: Subject): Promise<Load & { readonly cpuMs: number }> => {
    const before = server.cpuMs();
    const load = await withClients(server.url, clients, (connected) =>
      runClients(connected, forMs, (client) => askFor(operation, client, ids)),
    );
    return { ...load, cpuMs: server.cpuMs() - before };
  };
  const things = Object.fromEntries(names.map((name) => [name, () => loadOne(subjects[name])]));
  const loads = await interleave({ rounds, warmUp: 1 }, things);
  return Object.fromEntries(names.map((name) => [name, summary(loads[name]!)])) as Record<Name, Measured>;
}

function summary(loads: readonly (Load & { readonly cpuMs: number })[]): Measured {
  const ms = loads.flatMap((load) => load.ms);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    perSecond: quantile(
      loads.map((load) => load.ms.length / load.seconds),
      0.5,
    ),
    ms: { half: quantile(ms, 0.5), p99: quantile(ms, 0.99) },
    cpuMs: sum(loads.map((load) => load.cpuMs)) / ms.length,
  };
}
