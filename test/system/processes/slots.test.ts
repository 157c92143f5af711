/** Replica slots: each process has one of its own, dead ones leave theirs to the next, none pile up. */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { withCounting } from '../../../lib/testing/counting.ts';
import { claimSlot } from '../../../lib/sync/slot.ts';
import type { Database } from '../../../lib/db/database.ts';
import { type Site, testSite } from '../../support/processes.ts';
import type { ClaimMessage } from './claimer.ts';
import { perform, readLedger } from '../../support/processes/ledger.ts';

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'eider-slots-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function post(database: Database, id: string): Promise<void> {
  await database.write((queries) => perform(queries, { kind: 'post', id, note: `note ${id}` }));
}

async function postIds(database: Database): Promise<string[]> {
  return Object.keys((await database.read(readLedger)).value.posts);
}

async function slotsOf(slotRoot: string): Promise<string[]> {
  return (await readdir(slotRoot)).toSorted();
}

function replicaOf(slotRoot: string, slot = '0'): string {
  return join(slotRoot, slot, 'replica.duckdb');
}

/** Lets the next process find a replica that is one record behind a database with a snapshot and a tail. */
async function leaveReplica(site: Site): Promise<void> {
  const database = await site.open();
  await post(database, 'a');
  await database.sync();
  await post(database, 'b');
  await database.close();
}

/** Processes that only claim slots, ready to race. They are gone when the test ends. */
async function startClaimers(count: number) {
  const program = fileURLToPath(new URL('claimer.ts', import.meta.url));
  const children = Array.from({ length: count }, () => fork(program, [], { execArgv: [] }));
  const killAll = (): void => children.forEach((child) => void child.kill('SIGKILL'));
  process.on('exit', killAll);
  onTestFinished(() => {
    process.off('exit', killAll);
    killAll();
  });
  const hear = (child: (typeof children)[number]): Promise<unknown> =>
    new Promise((resolve) => void child.once('message', resolve));
  await Promise.all(children.map(hear));
  return (message: ClaimMessage) =>
    Promise.all(
      children.map((child) => {
        const heard = hear(child);
        child.send(message);
        return heard;
      }),
    );
}

it('no two processes that start in the same moment share a slot', { timeout: 30_000 }, async () => {
  const count = 6;
  const claim = await startClaimers(count);
  const folder = await temporaryFolder();
  for (let round = 0; round < 20; round++) {
    const slotRoot = join(folder, String(round));
    const claims = (await claim({ slotRoot, atMs: Date.now() + 12 })) as { folder?: string; error?: string }[];
    expect(claims.flatMap(({ error }) => error ?? [])).toEqual([]);
    expect(new Set(claims.map((each) => each.folder)).size).toBe(count);
    // Two who meet at a name may both pass it over.
    expect((await slotsOf(slotRoot)).length).toBeLessThan(2 * count);
  }
});

it(
  'six processes use six slots, and those who come after their death use them again',
  { timeout: 30_000 },
  async () => {
    const site = await testSite();
    for (let generation = 0; generation < 2; generation++) {
      const workers = await Promise.all(Array.from({ length: 6 }, () => site.start()));
      const id = `of generation ${generation}`;
      expect(await workers[5]!.call('write', { kind: 'post', id, note: id })).toMatchObject({ ok: true });
      for (const worker of workers) expect((await worker.call('read')).ledger.posts).toHaveProperty([id]);
      expect(await slotsOf(site.slotRoot)).toEqual(['0', '1', '2', '3', '4', '5']);
      await Promise.all(workers.map((worker) => worker.kill()));
    }
  },
);

it('resuming downloads nothing but the tail', async () => {
  const site = await testSite();
  await leaveReplica(site);
  const other = await site.open({ slotRoot: site.newSlotRoot() });
  await post(other, 'c');
  const snapshotBytes = (await stat(join(site.root, site.name))).size;

  const store = withCounting(site.store);
  const resumed = await site.open({ store });
  expect(await postIds(resumed)).toEqual(['a', 'b', 'c']);
  const { operations, bytesDown } = store.counts();
  expect(bytesDown).toBeLessThan(snapshotBytes / 10);
  // Its own record, the next one again for the tail, and a few beyond the end, read ahead.
  expect(operations.get).toBeLessThanOrEqual(8);
  expect(operations).toMatchObject({ create: 0, copy: 0, delete: 0, list: 1 });

  const anew = withCounting(site.store);
  await site.open({ store: anew, slotRoot: site.newSlotRoot() });
  expect(anew.counts().bytesDown).toBeGreaterThanOrEqual(snapshotBytes);
});

it('a replica that was left idle is removed, its slot stays and serves again', async () => {
  const site = await testSite();
  let offsetMs = 0;
  const runtime = { ...systemRuntime, now: () => systemRuntime.now() + offsetMs };
  const [first, second] = [await site.open({ runtime }), await site.open({ runtime })];
  await post(first, 'a');
  await second.close();
  expect(existsSync(replicaOf(site.slotRoot, '1'))).toBe(true);
  await first.maintain();
  expect(existsSync(replicaOf(site.slotRoot, '1'))).toBe(true);

  offsetMs = 11 * 60_000;
  await first.maintain();
  expect(existsSync(replicaOf(site.slotRoot, '1'))).toBe(false);
  expect(existsSync(replicaOf(site.slotRoot, '0'))).toBe(true);
  expect(await postIds(first)).toEqual(['a']);
  const third = await site.open({ runtime });
  expect(await postIds(third)).toEqual(['a']);
  expect(await slotsOf(site.slotRoot)).toEqual(['0', '1']);
});

it('the replica of a process that lives and does nothing is not taken for idle', { timeout: 20_000 }, async () => {
  const site = await testSite();
  const quiet = await site.start();
  const past = new Date(Date.now() - 3_600_000);
  const present = await site.open();
  for (const path of [join(site.slotRoot, '0'), replicaOf(site.slotRoot)]) await utimes(path, past, past);
  await present.maintain();
  expect(existsSync(replicaOf(site.slotRoot))).toBe(true);
  await post(present, 'a');
  expect((await quiet.call('read')).ledger.posts).toHaveProperty('a');
});

it.each([1, 100, 512, 4096, 100_000])('a lock file of %i bytes of something else is no obstacle', async (bytes) => {
  const slotRoot = await temporaryFolder();
  (await claimSlot(slotRoot, systemRuntime)).release();
  await writeFile(join(slotRoot, '0', 'lock'), Buffer.alloc(bytes, 'x'));
  const first = await claimSlot(slotRoot, systemRuntime);
  const second = await claimSlot(slotRoot, systemRuntime);
  first.release();
  second.release();
  expect(first.folder.endsWith('/0')).toBe(true);
  expect(second.folder.endsWith('/1')).toBe(true);
});

it('a slot is held to the last, takes no room, and is free once it is given back', async () => {
  const slotRoot = await temporaryFolder();
  const slot = await claimSlot(slotRoot, systemRuntime);
  const claim = await startClaimers(1);
  expect(await claim({ slotRoot, atMs: 0 })).toEqual([{ folder: expect.stringMatching(/\/1$/) }]);
  expect((await stat(join(slot.folder, 'lock'))).size).toBe(0);
  slot.release();
  expect(await claim({ slotRoot, atMs: 0 })).toEqual([{ folder: expect.stringMatching(/\/0$/) }]);
});

it.each([
  ['cut short', (path: string) => truncate(path, 5000)],
  ['empty', (path: string) => truncate(path, 0)],
  ['not a database', (path: string) => writeFile(path, 'x'.repeat(20_000))],
  ['altered', async (path: string) => writeFile(path, (await readFile(path)).fill(7, 12_288, 60_000))],
  ['without its write-ahead log', (path: string) => rm(`${path}.wal`, { force: true })],
  ['beside half a write-ahead log', (path: string) => writeFile(`${path}.wal`, 'torn'.repeat(30))],
  ['beside a download that was cut off', (path: string) => writeFile(`${path}.part`, 'half')],
])('a replica that is %s is no obstacle', async (_, damage) => {
  const site = await testSite();
  await leaveReplica(site);
  await damage(replicaOf(site.slotRoot));
  const database = await site.open();
  expect(await postIds(database)).toEqual(['a', 'b']);
  await post(database, 'c');
  expect(await postIds(database)).toEqual(['a', 'b', 'c']);
  expect(await slotsOf(site.slotRoot)).toEqual(['0']);
  expect((await readdir(join(site.slotRoot, '0'))).filter((name) => name.endsWith('.part'))).toEqual([]);
});

it('two engines in one process never share a slot, however its folder is spelled', async () => {
  const site = await testSite();
  await (await site.open()).close();
  const alias = join(site.folder, 'alias');
  await symlink(dirname(site.slotRoot), alias);
  const linked = join(alias, basename(site.slotRoot));
  const spellings = [site.slotRoot, relative(process.cwd(), site.slotRoot), `${site.slotRoot}/.`, linked];
  const databases = await Promise.all(spellings.map((slotRoot) => site.open({ slotRoot })));
  expect(await slotsOf(site.slotRoot)).toEqual(['0', '1', '2', '3']);
  await Promise.all(databases.map((database, number) => post(database, String(number))));
  for (const database of databases) expect(await postIds(database)).toEqual(['0', '1', '2', '3']);
});

it('an opening that fails gives its slot back', async () => {
  const site = await testSite();
  const store = { ...withCounting(site.store), list: () => Promise.reject(new Error('away')) };
  await expect(site.open({ store })).rejects.toThrow('away');
  await site.open();
  expect(await slotsOf(site.slotRoot)).toEqual(['0']);
});
