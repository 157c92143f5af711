/** A process stopped for longer than the retention neither serves the past as the present nor commits into it. */
import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { pause, type Site, testSite, type Worker } from '../../support/processes.ts';
import { auditLedger, auditLog, auditVersions, fatesOf } from '../../support/processes/audit.ts';

const settings = { retainMs: 400, proofMs: 250, keepSnapshotMs: 250 };

/** Writes, checkpoints and waits until the record after `version` has been dropped. */
async function outlive(site: Site, worker: Worker, version: number): Promise<void> {
  const next = layoutOf(site.name).recordKey(version + 1);
  for (let round = 0; round < 20; round++) {
    await worker.call('run', { clients: 2, seed: 200 + round, operations: 2 });
    await worker.call('sync');
    if (round > 1 && !(await site.store.head(next))) return;
    await pause(200);
  }
  throw new Error('The records were not dropped.');
}

/**
 * A record that the sleeper created in the dropped part of the log, and acknowledged to nobody, is dropped in its time:
 * then the log is whole.
 */
async function audit(site: Site, workers: readonly Worker[]): Promise<void> {
  await pause(2 * settings.retainMs);
  await workers.at(-1)!.call('sync');
  const seen = await Promise.all(workers.map((worker) => worker.call('read')));
  for (const each of seen) expect(each).toEqual(seen[0]);
  const journals = site.journals();
  expect(auditLedger(seen[0]!.ledger, journals)).toEqual([]);
  const log = await auditLog(site.store, site.name);
  expect(log.wrong).toEqual([]);
  expect(auditVersions(fatesOf(journals), log.records)).toEqual([]);
}

async function twoWorkers(site: Site): Promise<[Worker, Worker, number]> {
  const sleeper = await site.start({ settings });
  await sleeper.call('run', { clients: 2, seed: 1, operations: 4 });
  const other = await site.start({ settings });
  return [sleeper, other, (await sleeper.call('read')).version];
}

describe('a process that was stopped with SIGSTOP', () => {
  it('reads what others wrote meanwhile, and writes after it', async () => {
    const site = await testSite();
    const [sleeper, other, version] = await twoWorkers(site);
    await sleeper.stop();
    await outlive(site, other, version);
    sleeper.resume();
    expect(await sleeper.call('read')).toEqual(await other.call('read'));
    await sleeper.call('run', { clients: 2, seed: 2, operations: 3 });
    await audit(site, [sleeper, other]);
  });

  it('writes first thing when it wakes, after what others wrote', async () => {
    const site = await testSite();
    const [sleeper, other, version] = await twoWorkers(site);
    await sleeper.stop();
    await outlive(site, other, version);
    sleeper.resume();
    await sleeper.call('run', { clients: 3, seed: 3, operations: 3 });
    expect(await site.store.head(layoutOf(site.name).recordKey(version + 1))).toBeNull();
    await audit(site, [sleeper, other]);
  });

  it.each(['batch-run', 'record-creating', 'before:create', 'after:create', 'before:head'] as const)(
    'in the middle of its work, at %s, acknowledges nothing that is not there',
    async (at) => {
      const site = await testSite();
      const [sleeper, other, version] = await twoWorkers(site);
      await sleeper.call('trap', { at, passing: 1, action: 'freeze' });
      const running = sleeper.call('run', { clients: 3, seed: 4, operations: 3 });
      const reading = at === 'before:head' ? sleeper.call('read') : null;
      await sleeper.frozen(at);
      await outlive(site, other, version);
      sleeper.resume();
      expect(await Promise.all([running, reading])).toBeDefined();
      await audit(site, [sleeper, other]);
    },
  );
});
