/**
 * One warm instance, a hostile client of each kind, and an ordinary client beside them: what that waits for its slowest answer,
 * and what the server's process takes, stay within what SECURITY.md says.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Deploy, onDuckDb, onPostgres } from '../../../support/deployments.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';
import type { Service } from '../../../support/service.ts';
import { type Hostile, hostileClients, type Send } from './clients.ts';

/** As SECURITY.md says. */
const slowestMs = 10_000;
const mostBytes = 1024 * 1024 * 1024;

const schema = `CREATE TABLE notes (id INTEGER PRIMARY KEY, body VARCHAR);
  CREATE TABLE papers (id INTEGER PRIMARY KEY, data JSON);
  CREATE TABLE orders (id INTEGER PRIMARY KEY, what VARCHAR);`;

let server: PostgresServer;
beforeAll(async () => void (server = await startPostgres()));
afterAll(() => server.close());

async function startWarm(deploy: Deploy): Promise<Service> {
  const service = await deploy().instance({ migrations: [{ name: '0001_notes', sql: schema }] });
  const prose = 'the quick brown fox sees the lazy dog asleep '.repeat(5);
  for (let round = 0; round < 8; round++) {
    const json = Array.from({ length: 500 }, (_, at) => ({
      id: round * 500 + at,
      body: at % 2 === 0 ? prose : 'a'.repeat(200),
    }));
    expect((await service.send('POST', '/api/notes', { json })).status).toBe(201);
  }
  return service;
}

let lastId = 0;

/** Reads and writes until it is told to end; answers how long the slowest took, and the statuses. */
function ordinary(service: Service) {
  const over = new AbortController();
  const statuses = new Set<number>();
  let [slowest, count, bytes] = [0, 0, 0];
  const run = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const started = performance.now();
      const write = await service.send('POST', '/api/orders', { json: { id: ++lastId, what: 'tea' } });
      const read = await service.send('GET', `/api/orders/${lastId}`);
      await Promise.all([write.text(), read.text()]);
      slowest = Math.max(slowest, (performance.now() - started) / 2);
      bytes = Math.max(bytes, process.memoryUsage().rss);
      for (const { status } of [write, read]) statuses.add(status);
      count++;
      await sleep(20);
    }
  };
  const running = run();
  return async () => {
    over.abort();
    await running;
    return { slowest, statuses, bytes, count };
  };
}

it.each<[string, Deploy]>([
  ['DuckDB', onDuckDb],
  ['PostgreSQL', onPostgres(() => server)],
])('keeps ordinary answers within their limit on %s', { timeout: 600_000 }, async (_, deploy) => {
  const folder = await mkdtemp(join(tmpdir(), 'eider-hostile-'));
  const service = await startWarm(deploy);
  const send: Send = async (method, path, { json, body, type } = {}) => {
    const response = await service.send(method, path, {
      ...(json === undefined ? {} : { json }),
      ...(body === undefined ? {} : { body }),
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    });
    const text = await response.text();
    expect([path.slice(0, 60), text.length < 5_000_000]).toEqual([path.slice(0, 60), true]);
    return response.status;
  };
  const before = process.memoryUsage().rss;
  const wrong: string[] = [];
  for (const [name, hostile] of Object.entries<Hostile>(hostileClients(folder))) {
    const end = ordinary(service);
    const statuses = await hostile(send);
    const { slowest, bytes, count, statuses: answers } = await end();
    if (count === 0) wrong.push(`${name}: nothing ordinary was answered`);
    if (slowest > slowestMs) wrong.push(`${name}: an ordinary answer took ${Math.round(slowest)} ms`);
    if (bytes - before > mostBytes) wrong.push(`${name}: the process took ${bytes - before} bytes more`);
    if (statuses.some((status) => status >= 500 && status !== 503)) wrong.push(`${name}: ${statuses.join()}`);
    if ([...answers].some((status) => status >= 300)) wrong.push(`${name}: ordinary answers ${[...answers].join()}`);
  }
  await rm(folder, { recursive: true, force: true });
  expect(wrong).toEqual([]);
  // PostgreSQL ends a write that takes too long as one that may be sent again.
  expect(service.log.filter(({ level, status }) => level === 'error' && status !== 503)).toEqual([]);
});
