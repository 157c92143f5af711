/** What happens when several processes write to one database at once, and some are killed, on any store. */
import { expect } from 'vitest';
import { pause, type Site, waitFor, type Worker } from '../../support/processes.ts';
import { auditLedger, auditLog, auditVersions, fatesOf } from '../../support/processes/audit.ts';

const clients = 8;

/** Four processes with 32 clients, two of them killed in the middle, and one that is late, lose and double nothing. */
export async function writeFromMany(site: Site): Promise<void> {
  // All four open an absent database at once: its migrations run once, whoever comes first.
  const workers = await Promise.all([0, 1, 2, 3].map(() => site.start()));
  const runs = workers.map((worker, seed) => worker.call('run', { clients, seed, maintain: true }));
  const settled = Promise.allSettled(runs);
  await writing(1200, workers);
  expect(await workers[0]!.kill()).toBe('SIGKILL');
  await pause(800);
  expect(await workers[1]!.kill()).toBe('SIGKILL');
  // One that begins while the others write, in the slot of one that died.
  const late = await site.start();
  const lateRun = late.call('run', { clients, seed: 4, maintain: true });
  await writing(1200, [late]);

  const alive = [workers[2]!, workers[3]!, late];
  await Promise.all(alive.map((worker) => worker.call('stop')));
  const reports = [...(await settled), ...(await Promise.allSettled([lateRun]))];
  expect(reports.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled']);

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
}

/** For so long at least, and until each has been told of enough writes: a busy machine needs longer for them. */
async function writing(ms: number, workers: readonly Worker[]): Promise<void> {
  await pause(ms);
  const acknowledged = (worker: Worker): number => worker.journal().filter((line) => line.t === 'ack').length;
  await waitFor(() => workers.every((worker) => acknowledged(worker) >= clients), 'every process to write');
}
