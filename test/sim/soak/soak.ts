/**
 * Real processes on a real S3 server, for as long as one likes, while everything goes wrong at once: processes are killed
 * and stopped, connections are cut, the disk of one machine fills up. What was acknowledged must be there in the end,
 * once and whole.
 */
import { expect } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { withinTime } from '../../../lib/store/time-limit.ts';
import { startCloud } from '../../support/clouds.ts';
import { type Drive, mountDrive } from '../../support/drive.ts';
import { makeSite, pause, type Site, type Worker } from '../../support/processes.ts';
import { seededRandom } from '../../support/runtime.ts';
import type { FaultPlan, ServerFault } from '../../support/servers/faults.ts';
import { auditLedger, auditLog, auditVersions, fatesOf } from '../../support/processes/audit.ts';
import { counterIds } from '../../support/processes/ledger.ts';
import type { WorkerOptions } from '../../support/processes/protocol.ts';

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
}

export interface SoakReport {
  readonly minutes: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly inDoubt: number;
  readonly versions: number;
  readonly recordsDropped: number;
  readonly kills: number;
  readonly freezes: number;
  /** Of those that lasted longer than records are kept. */
  readonly longFreezes: number;
  readonly faults: number;
  readonly fullDisks: number;
}

const processes = 8;
/** The times of the protocol, short enough for records to go while processes stand still. */
const settings = { retainMs: 4000, proofMs: 2000, keepSnapshotMs: 4000, commitDeadlineMs: 5000 };
const longFreezeMs = 9000;
/** How long each step of the recovery may take: far more than a slow machine needs, so that only a process that hangs exceeds it. */
const patienceMs = 90_000;

/** Waits for `work`, as long as it may take; what goes wrong there is told with `what`. */
async function within<T>(what: () => string, work: Promise<T>): Promise<T> {
  try {
    return await withinTime(systemRuntime, patienceMs, () => work);
  } catch (cause) {
    throw new Error(`${what()} did not work, or not in time.`, { cause });
  }
}

/** Does `work` with all of them at once; of one that fails it is told what it did last. */
function eachOf<T>(
  workers: readonly Worker[],
  what: string,
  work: (worker: Worker, number: number) => Promise<T>,
): Promise<T[]> {
  const working = workers.map((worker, number) =>
    within(() => `Process ${number}, ${what} (${tail(worker)}),`, work(worker, number)),
  );
  return Promise.all(working);
}

/** What it did last. */
function tail(worker: Worker): string {
  return worker
    .journal()
    .slice(-3)
    .map((line) => JSON.stringify(line))
    .join(' ');
}

/** Runs for so long, then lets all recover and checks everything. Answers what happened. */
export async function soak({ minutes, seed }: SoakOptions): Promise<SoakReport> {
  const cloud = await startCloud('s3');
  const site = await makeSite(cloud.fresh());
  try {
    const storm = new Storm(site, cloud.faults, seededRandom(seed));
    await storm.begin();
    const until = performance.now() + minutes * 60_000;
    while (performance.now() < until) await storm.strike();
    await storm.end();
    return { minutes, ...(await audit(site, storm)), ...storm.counts };
  } finally {
    await site.remove();
    await cloud.close();
  }
}

/** One of the eight, over all of its lives. */
interface Instance {
  readonly options: Partial<WorkerOptions>;
  readonly drive: Drive | null;
  worker: Worker;
  /** Settles when its clients have come to their end, or it was killed. */
  writing: Promise<unknown>;
  /** Something is being done to it. */
  busy: boolean;
}

class Storm {
  readonly counts = { kills: 0, freezes: 0, longFreezes: 0, faults: 0, fullDisks: 0 };
  readonly #site: Site;
  readonly #faults: FaultPlan;
  readonly #random: () => number;
  readonly #instances: Instance[] = [];
  readonly #strikes = new Set<Promise<void>>();
  #seeds = 0;

  constructor(site: Site, faults: FaultPlan, random: () => number) {
    this.#site = site;
    this.#faults = faults;
    this.#random = random;
  }

  get workers(): readonly Worker[] {
    return this.#instances.map(({ worker }) => worker);
  }

  /** Half of the processes share a machine, three have one each, and one has a small disk. */
  async begin(): Promise<void> {
    const starting = Array.from({ length: processes }, (_, number) => this.#begin(number));
    this.#instances.push(...(await Promise.all(starting)));
  }

  async #begin(number: number): Promise<Instance> {
    const slotRoot = number < processes / 2 ? this.#site.slotRoot : this.#site.newSlotRoot();
    const drive = number === processes - 1 ? await mountDrive(slotRoot, 48 * 1024 * 1024) : null;
    const options = { settings, slotRoot };
    const worker = await this.#site.start(options, drive?.launcher);
    return { options, drive, worker, writing: this.#write(worker), busy: false };
  }

  /** Does something bad; does not wait until it is over. */
  async strike(): Promise<void> {
    await pause(150 + this.#random() * 500);
    const free = this.#instances.filter(({ busy }) => !busy);
    const instance = free[Math.floor(this.#random() * free.length)];
    // The rarest troubles come first, so that a short run has each of them.
    const dice = this.counts.fullDisks === 0 ? 1 : this.#random();
    if (dice < 0.3 || !instance) this.#disturb();
    else if (dice < 0.6) this.#during(instance, () => this.#freeze(instance));
    else if (dice < 0.85) this.#during(instance, () => this.#kill(instance));
    else this.#during(this.#instances.at(-1)!, () => this.#fillDisk());
  }

  /** Lets everything recover, and all clients come to their end. */
  async end(): Promise<void> {
    await within(() => 'What was being done to the processes', Promise.all(this.#strikes));
    this.#faults.clear();
    await eachOf(this.workers, 'stopping', (worker) => worker.call('stop'));
    await eachOf(this.workers, 'ending its writes', (_, number) => this.#instances[number]!.writing);
  }

  #during(instance: Instance, work: () => Promise<void>): void {
    if (instance.busy) return;
    instance.busy = true;
    const striking = work().finally(() => {
      instance.busy = false;
      this.#strikes.delete(striking);
    });
    this.#strikes.add(striking);
  }

  #write(worker: Worker): Promise<unknown> {
    // One that is killed does not answer; the journals have what it did.
    return worker.call('run', { clients: 3, seed: (this.#seeds += 1), maintain: true }).catch(() => undefined);
  }

  async #kill(instance: Instance): Promise<void> {
    this.counts.kills++;
    await instance.worker.kill();
    await pause(this.#random() * 1000);
    instance.worker = await this.#restart(instance);
    instance.writing = this.#write(instance.worker);
  }

  /** A process that cannot open the database in this weather ends; the platform starts another. */
  async #restart({ options, drive }: Instance): Promise<Worker> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#site.start(options, drive?.launcher);
      } catch (error) {
        if (attempt === 10) throw error;
        await pause(500);
      }
    }
  }

  async #freeze({ worker }: Instance): Promise<void> {
    const isLong = this.counts.longFreezes === 0 || this.#random() < 0.3;
    this.counts.freezes++;
    this.counts.longFreezes += isLong ? 1 : 0;
    await worker.stop();
    await pause(isLong ? longFreezeMs : this.#random() * 2000);
    worker.resume();
  }

  #disturb(): void {
    const faults: readonly ServerFault[] = [
      { kind: 'cut-before' },
      { kind: 'cut-after' },
      { kind: 'cut-body', bytes: 10 },
      { kind: 'delay', ms: 700 },
      { kind: 'answer', status: 503, headers: { 'content-type': 'application/xml' }, body: slowDown },
    ];
    const fault = faults[Math.floor(this.#random() * faults.length)]!;
    const chance = 0.2 + this.#random() * 0.8;
    this.#faults.add(
      () => {
        const isMet = this.#random() < chance;
        this.counts.faults += isMet ? 1 : 0;
        return isMet;
      },
      fault,
      1 + Math.floor(this.#random() * 8),
    );
  }

  async #fillDisk(): Promise<void> {
    const { drive } = this.#instances.at(-1)!;
    if (!drive) return;
    this.counts.fullDisks++;
    await drive.fill(Math.floor(this.#random() * 65_536));
    await pause(500 + this.#random() * 2000);
    await drive.makeRoom();
  }
}

const slowDown = '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>as planned</Message></Error>';

async function audit(site: Site, storm: Storm) {
  const fresh = await site.start({ settings, slotRoot: site.newSlotRoot() });
  const seen = await eachOf([...storm.workers, fresh], 'reading', (worker) => worker.call('read'));
  const [first] = seen;
  for (const each of seen) expect(each).toEqual(first);
  const journals = site.journals();
  expect(auditLedger(first!.ledger, journals)).toEqual([]);
  // What a stopped process created in a part of the log that was dropped, and acknowledged to nobody, goes in its time.
  await pause(2 * settings.retainMs);
  // A new snapshot tells the store's time: what is too old is reckoned from its date.
  await fresh.call('write', { kind: 'increment', id: 'last', counter: counterIds[0]! });
  await fresh.call('sync');
  const log = await auditLog(site.store, site.name);
  expect(log.wrong).toEqual([]);
  const fates = fatesOf(journals);
  expect(auditVersions(fates, log.records)).toEqual([]);
  const count = (fate: (typeof fates)[number]['fate']): number => fates.filter((each) => each.fate === fate).length;
  return {
    acknowledged: count('acknowledged'),
    refused: count('refused'),
    inDoubt: count('in doubt'),
    versions: first!.version,
    recordsDropped: (log.records[0]?.version ?? 1) - 1,
  };
}
