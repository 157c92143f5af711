/** Disks that are full or read-only, under real processes: what cannot be done is refused and told of, the rest goes on. */
import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createDirectoryStore } from '../../../lib/store/directory.ts';
import type { Store } from '../../../lib/store/store.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { mountDrive } from '../../support/drive.ts';
import { type Site, testSite, type Worker } from '../../support/processes.ts';
import { auditLedger, auditLog, auditVersions, fatesOf } from '../../support/processes/audit.ts';
import type { Operation } from '../../support/processes/ledger.ts';
import type { Refusal, Seen, WriteOutcome } from '../../support/processes/protocol.ts';

const megabyte = 1024 * 1024;
/** An outage is answered soon. */
const hasty = { retryDeadlineMs: 200, settings: { commitDeadlineMs: 300 } };

/** Of a hundred kilobytes. */
const large = (id: string): Operation => ({ kind: 'post', id, note: `${id} `.repeat(10_000).slice(0, 100_000) });

/** Everything is there after all, for who was there and for one that begins. */
async function audit(site: Site, worker: Worker, store: Store, fresh: Worker, expected?: Refusal[]): Promise<Seen> {
  const seen = await worker.call('read');
  expect(await fresh.call('read')).toEqual(seen);
  const journals = site.journals();
  expect(auditLedger(seen.ledger, journals, expected)).toEqual([]);
  const log = await auditLog(store, site.name);
  expect(log.wrong).toEqual([]);
  expect(auditVersions(fatesOf(journals), log.records)).toEqual([]);
  return seen;
}

const storeOn = (root: string): Store => createDirectoryStore({ root, create: false, runtime: systemRuntime });

describe('the disk of the store', () => {
  it('when it is full: writes are refused with the reason, reads go on, and writes too once there is room', async () => {
    const site = await testSite();
    const drive = await mountDrive(site.root, 4 * megabyte);
    const store = storeOn(drive.folder);
    const worker = await site.start(hasty, drive.launcher);
    await worker.call('run', { clients: 2, seed: 1, operations: 5 });
    const before = await worker.call('read');
    const names = await readdir(drive.folder, { recursive: true });
    for (const left of [0, 40_000]) {
      await drive.fill(left);
      const outcome = await worker.call('write', large(`full-${left}`));
      expect(outcome).toMatchObject({ ok: false, kind: 'unavailable' });
      expect(outcome).toMatchObject({ message: expect.stringContaining('is on a disk that is full') as unknown });
      await expect(worker.call('sync')).rejects.toThrow(/is on a disk that is full.*kind: 'unavailable'/s);
      expect(await worker.call('read')).toEqual(before);
      await drive.makeRoom();
      expect(await readdir(drive.folder, { recursive: true })).toEqual(names);
    }
    await worker.call('run', { clients: 2, seed: 2, operations: 5 });
    await worker.call('sync');
    const fresh = await site.start({ slotRoot: site.newSlotRoot() }, drive.launcher);
    await audit(site, worker, store, fresh);
  });

  it('when it is read-only: reads go on, also those of a process that starts, and writes are denied', async () => {
    const site = await testSite();
    const drive = await mountDrive(site.root, 16 * megabyte);
    const worker = await site.start(hasty, drive.launcher);
    await worker.call('run', { clients: 2, seed: 1, operations: 5 });
    await worker.call('sync');
    await worker.call('run', { clients: 2, seed: 2, operations: 5 });
    const before = await worker.call('read');
    await drive.remount('ro');
    const fresh = await site.start({ slotRoot: site.newSlotRoot(), ...hasty }, drive.launcher);
    for (const [index, each] of [worker, fresh].entries()) {
      const outcome = await each.call('write', large(`read-only-${index}`));
      expect(outcome).toMatchObject({ ok: false, kind: 'denied' });
      expect(outcome).toMatchObject({ message: expect.stringContaining('is on a read-only file system') as unknown });
      await expect(each.call('sync')).rejects.toThrow(/is on a read-only file system.*kind: 'denied'/s);
      expect(await each.call('read')).toEqual(before);
    }
    await drive.remount('rw');
    await worker.call('run', { clients: 2, seed: 3, operations: 5 });
    await fresh.call('sync');
    await audit(site, worker, storeOn(drive.folder), fresh, ['denied']);
  });
});

describe('the disk of the replica', () => {
  const full = /(The disk of the local replica is full|is on a disk that is full).*kind: 'unavailable'/s;

  it.each([0, 60_000, 200_000])(
    'with %i bytes left at the start is told of, and no obstacle for long',
    async (left) => {
      const site = await testSite();
      const other = await site.start();
      for (let number = 0; number < 8; number++) await other.call('write', large(`post-${number}`));
      await other.call('sync');
      // No way round the snapshot.
      await site.store.delete([layoutOf(site.name).recordKey(1)]);
      const slotRoot = site.newSlotRoot();
      const drive = await mountDrive(slotRoot, 8 * megabyte);
      await drive.fill(left);
      await expect(site.start({ slotRoot, ...hasty }, drive.launcher)).rejects.toThrow(
        /The replica needs \d+ MB in .*kind: 'unavailable'|kind: 'unavailable'.*ENOSPC|No space left/s,
      );
      await drive.makeRoom();
      const worker = await site.start({ slotRoot, ...hasty }, drive.launcher);
      expect(await worker.call('warnings')).toEqual([]);
      await audit(site, other, site.store, worker);
    },
  );

  /** A worker whose replica is on a drive that has `leftBytes` left, with something to fold; and one beside it. */
  async function fullDisk(leftBytes: number) {
    const site = await testSite();
    const slotRoot = site.newSlotRoot();
    const drive = await mountDrive(slotRoot, 16 * megabyte);
    const worker = await site.start({ slotRoot, ...hasty }, drive.launcher);
    const other = await site.start(hasty);
    await worker.call('run', { clients: 2, seed: 1, operations: 5 });
    await writeLarge(worker, 'before', 4);
    await drive.fill(leftBytes);
    return { site, drive, worker, other };
  }

  async function writeLarge(worker: Worker, name: string, count: number): Promise<WriteOutcome[]> {
    const outcomes: WriteOutcome[] = [];
    for (let number = 0; number < count; number++) {
      outcomes.push(await worker.call('write', large(`${name}-${number}`)));
    }
    return outcomes;
  }

  async function goOn({ site, drive, worker, other }: Awaited<ReturnType<typeof fullDisk>>): Promise<void> {
    await drive.makeRoom();
    expect(await worker.call('write', large('after'))).toMatchObject({ ok: true });
    await worker.call('sync');
    const seen = await audit(site, worker, site.store, await site.start({ slotRoot: site.newSlotRoot() }));
    expect(await other.call('read')).toEqual(seen);
  }

  describe.each([0, 150_000])('with %i bytes left', (leftBytes) => {
    it('while writing: what is in the store is acknowledged, the rest refused', async () => {
      const setting = await fullDisk(leftBytes);
      const outcomes = await writeLarge(setting.worker, 'full', 8);
      expect(outcomes.at(0)).toMatchObject({ ok: true });
      const message = expect.stringMatching(full) as unknown;
      expect(outcomes.at(-1)).toMatchObject({ ok: false, kind: 'unavailable', message });
      await expect(setting.worker.call('read')).rejects.toThrow(full);
      await goOn(setting);
    });

    it('while rows are changed that an index knows: the process lives', async () => {
      const setting = await fullDisk(leftBytes);
      for (const number of Array(2).keys()) {
        await setting.worker.call('run', { clients: 3, seed: 2 + number, operations: 10 });
        expect(setting.worker.end).toBe(null);
      }
      await goOn(setting);
    });

    it('while catching up: says so rather than serve the past', async () => {
      const setting = await fullDisk(leftBytes);
      await writeLarge(setting.other, 'other', 8);
      await expect(setting.worker.call('read')).rejects.toThrow(full);
      await goOn(setting);
    });

    it('while checkpointing: uploads nothing', async () => {
      const setting = await fullDisk(leftBytes);
      await expect(setting.worker.call('sync')).rejects.toThrow(full);
      expect((await setting.site.store.list(layoutOf(setting.site.name).snapshotPrefix)).objects).toEqual([]);
      await goOn(setting);
    });
  });
});
