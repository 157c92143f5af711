/** Files of the store and of the replica that are damaged or gone: a clear error or the way back, never wrong data. */
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ErrorKind } from '../../../lib/errors.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { makeSite, type Site, testSite, type Worker } from '../../support/processes.ts';
import { auditLedger, auditLog, auditVersions, fatesOf } from '../../support/processes/audit.ts';
import type { Operation } from '../../support/processes/ledger.ts';
import type { Seen } from '../../support/processes/protocol.ts';

/** An outage is answered soon. */
const hasty = { retryDeadlineMs: 200, settings: { commitDeadlineMs: 300 } };

const layout = layoutOf('test.db');

type Damage = (path: string) => Promise<void>;

const cutOff: Damage = async (path) => truncate(path, Math.floor((await readFile(path)).length / 2));
const empty: Damage = (path) => truncate(path, 0);
const remove: Damage = (path) => rm(path);
/** Changes one byte, at such a share of the length. */
const alterAt =
  (where: number): Damage =>
  async (path) => {
    const bytes = await readFile(path);
    bytes[Math.floor(bytes.length * where)]! ^= 1;
    await writeFile(path, bytes);
  };
const alter = alterAt(0.5);

/** So large that DuckDB does not read it before it is asked for, and hard to compress. */
const bulky = (id: string): Operation => ({
  kind: 'post',
  id,
  note: Array.from({ length: 100 }, (_, part) => createHash('sha256').update(`${id} ${part}`).digest('hex')).join(''),
});

const post = (id: string): Operation => ({ kind: 'post', id, note: `note ${id}` });

/** `kinds`: what a write may have been refused with besides. */
async function audit(site: Site, worker: Worker, kinds: readonly ErrorKind[] = []): Promise<void> {
  const { ledger } = await worker.call('read');
  const journals = site.journals();
  expect(auditLedger(ledger, journals, kinds)).toEqual([]);
  const log = await auditLog(site.store, site.name);
  expect(log.wrong).toEqual([]);
  expect(auditVersions(fatesOf(journals), log.records)).toEqual([]);
}

/** Paths of the snapshots, oldest first. */
async function snapshotsOf(site: Site): Promise<string[]> {
  const folder = join(site.root, layout.snapshotPrefix);
  return (await readdir(folder)).toSorted().map((name) => join(folder, name));
}

const recordOf = (site: Site, version: number): string => join(site.root, layout.recordKey(version));

/** A site with two snapshots and a tail, each test works on a copy of its store. */
let template: Site;
let whole: Seen;
/** The version of the older snapshot. */
let covered: number;

beforeAll(async () => {
  template = await makeSite();
  const writer = await template.start();
  await Promise.all(Array.from({ length: 100 }, (_, number) => writer.call('write', bulky(`bulky-${number}`))));
  for (const seed of [1, 2]) {
    await writer.call('run', { clients: 2, seed, operations: 5 });
    await writer.call('sync');
  }
  await writer.call('run', { clients: 2, seed: 3, operations: 5 });
  whole = await writer.call('read');
  const [older, ...newer] = (await snapshotsOf(template)).map((path) => path.slice(template.root.length + 1));
  if (newer.length !== 1) throw new Error('The template has not two snapshots.');
  covered = layout.snapshotName(older!)!.version;
  await writer.call('close');
  await writer.kill();
});

afterAll(() => template.remove());

it('what these tests begin from holds all that was acknowledged', async () => {
  const journals = template.journals();
  expect(auditLedger(whole.ledger, journals)).toEqual([]);
  const log = await auditLog(template.store, template.name);
  expect(log.wrong).toEqual([]);
  expect(auditVersions(fatesOf(journals), log.records)).toEqual([]);
});

async function copiedSite(): Promise<Site> {
  const site = await testSite();
  await cp(template.root, site.root, { recursive: true });
  return site;
}

/** Starts a process that has nothing but the store. */
const startFresh = (site: Site): Promise<Worker> => site.start({ slotRoot: site.newSlotRoot(), ...hasty });

describe.each<[string, Damage]>([
  ['cut off', cutOff],
  ['altered', alter],
  ['emptied', empty],
  ['removed', remove],
])('a snapshot that is %s', (how, damage) => {
  it('costs nothing but a longer tail of the log, and is told of', async () => {
    const site = await copiedSite();
    await damage((await snapshotsOf(site)).at(-1)!);
    const fresh = await startFresh(site);
    expect(await fresh.call('read')).toEqual(whole);
    // One that is not there cannot be missed.
    expect((await fresh.call('warnings')).join()).toMatch(
      how === 'removed' ? /^$/ : /is damaged; using the one before/,
    );
  });

  it('is corrupt, never an empty database, when it was the last and the log has lost its beginning', async () => {
    const site = await copiedSite();
    for (const path of await snapshotsOf(site)) await damage(path);
    for (let version = 1; version <= covered; version++) await rm(recordOf(site, version));
    await expect(startFresh(site)).rejects.toThrow(/No snapshot of the database can be used.*kind: 'corrupt'/s);
  });
});

describe('a snapshot that was uploaded damaged, so that its hash fits', () => {
  // Some of the places are in blocks that DuckDB does not use.
  it.each([0.3, 0.7, 0.9])('is passed over once DuckDB has stumbled on it, at %d of its length', async (where) => {
    const site = await copiedSite();
    const newest = (await snapshotsOf(site)).at(-1)!;
    const { version } = layout.snapshotName(newest.slice(site.root.length + 1))!;
    await alterAt(where)(newest);
    const sha256 = createHash('sha256')
      .update(await readFile(newest))
      .digest('hex');
    await rename(newest, join(site.root, layout.snapshotKey(version, sha256)));
    const fresh = await startFresh(site);
    const first = await fresh.call('read').catch(String);
    expect(first).toSatisfy((seen) => isDeepStrictEqual(seen, whole) || /kind: 'unavailable'/.test(String(seen)));
    expect(await fresh.call('read')).toEqual(whole);
    expect((await fresh.call('warnings')).join()).toMatch(/^$|cannot read all of the snapshot|is damaged/);
  });
});

describe.each<[string, (site: Site, version: number) => Promise<void>]>([
  ['cut off', (site, version) => cutOff(recordOf(site, version))],
  ['altered', (site, version) => alter(recordOf(site, version))],
  ['emptied', (site, version) => empty(recordOf(site, version))],
  ['replaced by another', (site, version) => cp(recordOf(site, version - 1), recordOf(site, version))],
])('a record that is %s', (_, damage) => {
  it('is corrupt for who needs it, and nothing to who has passed it or starts beyond it', async () => {
    const site = await copiedSite();
    const warm = await site.start(hasty);
    const version = whole.version - 2;
    await damage(site, version);
    await expect(startFresh(site)).rejects.toThrow(
      new RegExp(`The record ${layout.recordKey(version)} is damaged.*kind: 'corrupt'`, 's'),
    );
    expect(await warm.call('read')).toEqual(whole);
    expect(await warm.call('write', post('after'))).toMatchObject({ ok: true });
    await warm.call('sync');
    expect(await (await startFresh(site)).call('read')).toEqual(await warm.call('read'));
  });
});

describe('a log', () => {
  it('with the record of another database in it is corrupt, and the record is named', async () => {
    const site = await copiedSite();
    const stranger = await testSite();
    const other = await stranger.start();
    await other.call('run', { clients: 1, seed: 9, operations: whole.version });
    await cp(recordOf(stranger, whole.version - 2), recordOf(site, whole.version - 2));
    await expect(startFresh(site)).rejects.toThrow(
      new RegExp(`${layout.recordKey(whole.version - 2)}.*kind: 'corrupt'`, 's'),
    );
  });
});

describe('a replica left in a slot', () => {
  /** Leaves a replica, its position the newest version, in the slot of `site`. */
  async function leaveReplica(site: Site): Promise<string> {
    const worker = await site.start();
    await worker.call('close');
    await worker.kill();
    return join(site.slotRoot, '0', 'replica.duckdb');
  }

  /** Changes a byte in each block of DuckDB's but the headers. */
  const riddle: Damage = async (path) => {
    const bytes = await readFile(path);
    for (let position = 3 * 4096 + 1000; position < bytes.length; position += 16_384) bytes[position]! ^= 1;
    await writeFile(path, bytes);
  };

  it.each<[string, Damage]>([
    ['cut off', cutOff],
    ['altered at the beginning', alterAt(0)],
    ['altered near the end', alterAt(0.7)],
    ['altered at its end', alterAt(0.9)],
    ['altered everywhere', riddle],
    ['emptied', empty],
    ['removed', remove],
    ['no database', (path) => writeFile(path, 'hello')],
  ])('is made anew from the store when it is %s', async (_, damage) => {
    const site = await copiedSite();
    // As a process leaves it that ended right after a checkpoint.
    const path = join(site.slotRoot, '0', 'replica.duckdb');
    await cp((await snapshotsOf(site)).at(-1)!, path);
    await damage(path);
    const next = await site.start(hasty);
    expect(await next.call('read')).toEqual(whole);
    expect(await next.call('write', post('after'))).toMatchObject({ ok: true });
    await next.call('sync');
    expect(await (await startFresh(site)).call('read')).toEqual(await next.call('read'));
  });

  it('is kept while its own record is damaged, and left for a snapshot beyond it', async () => {
    const site = await copiedSite();
    const left = await leaveReplica(site);
    const other = await site.start({ slotRoot: site.newSlotRoot() });
    await alter(recordOf(site, whole.version));
    await expect(site.start(hasty)).rejects.toThrow(/kind: 'corrupt'/);
    expect((await stat(left)).size).toBeGreaterThan(0);
    await other.call('sync');
    await other.call('write', post('after'));
    expect(await (await site.start(hasty)).call('read')).toEqual(await other.call('read'));
  });
});

describe('the replica of a live process', () => {
  it.each<[string, (slotRoot: string) => Promise<void>]>([
    ['its file is removed', (slotRoot) => rm(join(slotRoot, '0', 'replica.duckdb'))],
    ['its slot is removed', (slotRoot) => rm(join(slotRoot, '0'), { recursive: true })],
    ['all slots are removed', (slotRoot) => rm(slotRoot, { recursive: true })],
    ['its file is emptied', (slotRoot) => empty(join(slotRoot, '0', 'replica.duckdb'))],
    ['its file is cut off', (slotRoot) => cutOff(join(slotRoot, '0', 'replica.duckdb'))],
    ['its write-ahead log is emptied', (slotRoot) => empty(join(slotRoot, '0', 'replica.duckdb.wal'))],
  ])('never serves or uploads wrong data when %s', async (_, damage) => {
    // So small that DuckDB has all of it in memory, and does not stumble on what happens to its file.
    const site = await testSite();
    const worker = await site.start(hasty);
    await worker.call('run', { clients: 1, seed: 3, operations: 5 });
    await worker.call('sync');
    await worker.call('write', post('before'));
    // The replica has it by then: it is answered before.
    await worker.call('read');
    await damage(site.slotRoot);
    const rival = await site.start(hasty);
    await rival.call('write', post('rival'));
    await worker.call('run', { clients: 1, seed: 4, operations: 3 });
    const said = await worker.call('sync').then(() => 'done', String);
    expect(said).toMatch(/^done$|kind: 'unavailable'/);
    await worker.call('run', { clients: 1, seed: 5, operations: 3 });
    await worker.call('sync');
    const seen = await worker.call('read');
    expect(await rival.call('read')).toEqual(seen);
    // Each has a slot of its own.
    for (const slot of ['0', '1']) expect(await readdir(join(site.slotRoot, slot))).toContain('replica.duckdb');
    const fresh = await startFresh(site);
    expect(await fresh.call('read')).toEqual(seen);
    expect(await fresh.call('warnings')).toEqual([]);
  });
});

describe('the folder of the store', () => {
  it('may go away and come back: nothing is lost, and an empty one in its place is never taken for it', async () => {
    const site = await testSite();
    const worker = await site.start(hasty);
    await worker.call('run', { clients: 2, seed: 1, operations: 5 });
    const refused = async (id: string): Promise<void> => {
      expect(await worker.call('write', post(id))).toMatchObject({ ok: false, kind: 'denied' });
      await expect(worker.call('read')).rejects.toThrow(/The folder .*\/store .*kind: 'denied'/s);
      await expect(worker.call('sync')).rejects.toThrow(/kind: 'denied'/);
    };
    await rename(site.root, `${site.root}-away`);
    await refused('while away');
    await mkdir(site.root);
    await refused('while empty');
    expect(await readdir(site.root)).toEqual([]);
    await rm(site.root, { recursive: true });
    await rename(`${site.root}-away`, site.root);
    await worker.call('run', { clients: 2, seed: 2, operations: 5 });
    await worker.call('sync');
    await audit(site, worker, ['denied']);
    expect(await (await startFresh(site)).call('read')).toEqual(await worker.call('read'));
  });
});
