/** Several processes write to one database at once, and some are killed: nothing acknowledged is lost or doubled. */
import { expect, it } from 'vitest';
import { pause, testSite } from '../support/processes.ts';
import { auditLedger, auditLog, auditVersions, fatesOf } from './audit.ts';

const clients = 8;

it(
  'four processes with 32 clients, two of them killed in the middle, lose and double nothing',
  { timeout: 60_000 },
  async () => {
    const site = await testSite();
    // All four open an absent database at once: its migrations run once, whoever comes first.
    const workers = await Promise.all([0, 1, 2, 3].map(() => site.start()));
    const runs = workers.map((worker, seed) => worker.call('run', { clients, seed, maintain: true }));
    const settled = Promise.allSettled(runs);
    await pause(1200);
    expect(await workers[0]!.kill()).toBe('SIGKILL');
    await pause(800);
    expect(await workers[1]!.kill()).toBe('SIGKILL');
    // One that begins while the others write, in the slot of one that died.
    const late = await site.start();
    const lateRun = late.call('run', { clients, seed: 4, maintain: true });
    await pause(1200);

    const alive = [workers[2]!, workers[3]!, late];
    await Promise.all(alive.map((worker) => worker.call('stop')));
    const reports = [...(await settled), ...(await Promise.allSettled([lateRun]))];
    expect(reports.map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);

    const fresh = await site.start({ slotRoot: site.newSlotRoot() });
    const seen = await Promise.all([...alive, fresh].map((worker) => worker.call('read')));
    const [first] = seen;
    for (const each of seen) expect(each).toEqual(first);

    const journals = site.journals();
    expect(auditLedger(first!.ledger, journals)).toEqual([]);
    const log = await auditLog(site.store, site.name);
    expect(log.wrong).toEqual([]);
    expect(log.records.at(-1)?.version).toBe(first!.version);
    const tried = fatesOf(journals);
    expect(auditVersions(tried, log.records)).toEqual([]);

    // The test did what it says: every process wrote, all kinds of writes among them, and some were cut off.
    for (const journal of journals.slice(0, 5))
      expect(journal.filter((line) => line.t === 'ack').length).toBeGreaterThanOrEqual(clients);
    expect(new Set(tried.filter(({ fate }) => fate === 'acknowledged').map(({ operation }) => operation.kind))).toEqual(
      new Set(['join', 'post', 'increment', 'transfer', 'revise', 'leave']),
    );
    expect(tried.some(({ fate }) => fate === 'in doubt')).toBe(true);
    expect(new Set(log.records.map(({ writer }) => writer)).size).toBeGreaterThanOrEqual(5);
  },
);
