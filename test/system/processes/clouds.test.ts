/** Processes that share one database on S3, Google Cloud Storage and Vercel Blob, named as a user names them. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createApp } from '../../../lib/app.ts';
import { backendFactories } from '../../../lib/backends.ts';
import { createEndpoints } from '../../../lib/http/endpoints.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { migrations } from '../../support/migrations.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { type Cloud, clouds, startCarelessS3, startCloud } from '../../support/clouds.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { localRequest } from '../../support/requests.ts';
import { type Site, testSite, type Worker } from '../../support/processes.ts';
import { auditLedger, auditLog, auditVersions, fatesOf } from '../../support/processes/audit.ts';
import { writeFromMany } from './many-writers.ts';
import type { Place, Seen, Trap } from '../../support/processes/protocol.ts';

/** What a plain DuckDB client reads in the published file. */
async function published(site: Site, sql: string): Promise<unknown[][]> {
  const path = join(await temporaryFolder(), 'published.db');
  await writeFile(path, (await site.store.get(site.name)) ?? '');
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRowsJson();
  connection.disconnectSync();
  instance.closeSync();
  return rows;
}

async function publishedPosts(site: Site): Promise<unknown[]> {
  return (await published(site, 'SELECT id FROM posts ORDER BY id')).map(([id]) => id);
}

function postsOf({ ledger }: Seen): string[] {
  return Object.keys(ledger.posts).toSorted();
}

async function audit(site: Site, seen: Seen): Promise<void> {
  const journals = site.journals();
  expect(auditLedger(seen.ledger, journals)).toEqual([]);
  const log = await auditLog(site.store, site.name);
  expect(log.wrong).toEqual([]);
  expect(auditVersions(fatesOf(journals), log.records)).toEqual([]);
}

let posted = 0;

async function post(worker: Worker): Promise<void> {
  const id = `post-${(posted += 1)}`;
  expect(await worker.call('write', { kind: 'post', id, note: `note ${id}` })).toMatchObject({ ok: true });
}

/** One that stands still in the middle of its sync, and another that wrote and synced meanwhile. */
async function freezeInSync(site: Site, at: Place, next?: Trap) {
  const sleeper = await site.start({ slotRoot: site.newSlotRoot() });
  await post(sleeper);
  await sleeper.call('trap', { at, passing: 1, action: 'freeze', ...(next ? { next } : {}) });
  const syncing = sleeper.call('sync');
  syncing.catch(() => undefined);
  await sleeper.frozen(at);
  const other = await site.start({ slotRoot: site.newSlotRoot() });
  await post(other);
  expect(await other.call('sync')).toMatchObject({ published: true });
  return { sleeper, other, syncing };
}

/** A database file that somebody made with a plain client. */
async function fileByHand(): Promise<Uint8Array> {
  const path = join(await temporaryFolder(), 'made.db');
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(`
    CREATE TABLE legacy (note VARCHAR); INSERT INTO legacy VALUES ('one'), ('two');
    CREATE SCHEMA other; CREATE TABLE other.things (id INTEGER PRIMARY KEY, name VARCHAR);
    INSERT INTO other.things VALUES (1, 'x'); CREATE VIEW names AS SELECT name FROM other.things; CHECKPOINT`);
  connection.disconnectSync();
  instance.closeSync();
  return readFile(path);
}

describe.each(clouds)('processes on %s', (name) => {
  let cloud: Cloud;
  beforeAll(async () => {
    cloud = await startCloud(name);
  });
  afterAll(() => cloud.close());

  it('four with 32 clients, two of them killed in the middle, lose and double nothing', async () => {
    await expect(writeFromMany(await testSite(cloud.fresh()))).resolves.toBeUndefined();
  });

  it('through the app: what one wrote before it was killed, another has, and any DuckDB client', async () => {
    const site = await testSite(cloud.fresh());
    const first = await site.start({ through: 'app' });
    await first.call('run', { clients: 4, seed: 1, operations: 6 });
    expect(await first.call('sync')).toMatchObject({ published: true, checkpoint: { uploaded: true } });
    const synced = await first.call('read');
    await first.call('run', { clients: 4, seed: 2, operations: 3 });
    const written = await first.call('read');
    await first.kill();

    const second = await site.start({ through: 'app', slotRoot: site.newSlotRoot() });
    const seen = await second.call('read');
    expect(seen).toEqual(written);
    await audit(site, seen);
    expect(await publishedPosts(site)).toEqual(postsOf(synced));
    await second.call('sync');
    expect(await publishedPosts(site)).toEqual(postsOf(written));
  });

  it('through the app: a database file that was there keeps its tables, and itself', async () => {
    const site = await testSite(cloud.fresh());
    const original = await fileByHand();
    expect(await site.store.create(site.name, original)).toBe('created');
    // Two at once: both adopt it, and it is one history.
    const workers = await Promise.all([0, 1].map(() => site.start({ through: 'app', slotRoot: site.newSlotRoot() })));
    await Promise.all(workers.map(post));
    await workers[0]!.call('sync');
    const seen = await Promise.all(workers.map((worker) => worker.call('read')));
    expect(seen[0]).toEqual(seen[1]);
    await audit(site, seen[0]!);

    expect(await publishedPosts(site)).toEqual(postsOf(seen[0]!));
    expect(await published(site, 'SELECT note FROM legacy ORDER BY note')).toEqual([['one'], ['two']]);
    expect(await published(site, 'SELECT id, t.name, names.name FROM other.things t, names')).toEqual([[1, 'x', 'x']]);
    const layout = layoutOf(site.name);
    const { objects } = await site.store.list(layout.snapshotPrefix);
    const kept = objects.filter(({ key }) => layout.snapshotName(key)?.version === 0);
    expect(kept).toHaveLength(1);
    expect(Buffer.compare((await site.store.get(kept[0]!.key))!, original)).toBe(0);
  });

  it('one that slept through the writes of another publishes those, not its own past', async () => {
    const site = await testSite(cloud.fresh());
    const old = await site.start({ slotRoot: site.newSlotRoot() });
    await post(old);
    await old.call('sync');
    const other = await site.start({ slotRoot: site.newSlotRoot() });
    await post(other);
    await other.call('sync');
    const cold = await site.start({ slotRoot: site.newSlotRoot() });
    for (const worker of [old, cold]) {
      await worker.call('sync');
      expect(await publishedPosts(site)).toEqual(postsOf(await other.call('read')));
    }
  });

  const places = ['snapshot-uploading', 'before:copy'] as const;
  it.each(places)('one frozen in the middle of its sync, at %s, leaves the newest state published', async (at) => {
    const site = await testSite(cloud.fresh());
    const { sleeper, other, syncing } = await freezeInSync(site, at);
    sleeper.resume();
    await syncing;
    const seen = await other.call('read');
    expect(await publishedPosts(site)).toEqual(postsOf(seen));
    expect(await sleeper.call('read')).toEqual(seen);
    await audit(site, seen);
  });

  it('an old state over the newest, by one that died at it, is mended by the next sync', async () => {
    const site = await testSite(cloud.fresh());
    const dying: Trap = { at: 'after:copy', passing: 1, action: 'kill' };
    const { sleeper, other } = await freezeInSync(site, 'before:copy', dying);
    sleeper.resume();
    expect(await sleeper.ended).toBe('SIGKILL');
    const seen = await other.call('read');
    expect(await publishedPosts(site)).not.toEqual(postsOf(seen));
    const cold = await site.start({ slotRoot: site.newSlotRoot() });
    expect(await cold.call('sync')).toMatchObject({ published: true, checkpoint: { uploaded: false } });
    expect(await publishedPosts(site)).toEqual(postsOf(seen));
  });
});

it('a store that ignores conditions is refused for a new database, with the reason', async () => {
  const cloud = await startCarelessS3();
  onTestFinished(() => cloud.close());
  const place = cloud.fresh();
  const TMPDIR = await temporaryFolder();
  const app = createApp({
    migrations,
    runtime,
    environment: () => ({ ...place.environment, TMPDIR }),
    factories: backendFactories,
    signals: process,
  });
  onTestFinished(() => app.close());
  const endpoints = createEndpoints({ trustsPeer: true, app, log: () => undefined, waitUntil: () => undefined });
  const status = await endpoints.status(localRequest('/api/db-status'));
  expect([status.status, await status.json()]).toMatchObject([
    503,
    {
      status: 'down',
      backend: 's3',
      message: expect.stringContaining('does not support conditional writes') as unknown,
    },
  ]);
  const list = await endpoints.list(localRequest('/api/students'));
  expect(list.status).toBe(503);
  const site = await testSite(place);
  await expect(site.start({ through: 'app' })).rejects.toThrow(/does not support conditional writes/);
  // Nothing of a database was begun.
  expect((await site.store.list('')).objects).toEqual([]);
});
