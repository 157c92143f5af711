import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { withinTime } from '../../store/time-limit.ts';
import { SharedProbe } from '../../sync/head.ts';
import type { Turn } from '../../sync/turn.ts';
import type { Queries } from '../../values.ts';
import { addReports, type Commands, drain, type DrainReport, nothingDrained } from './drain.ts';
import type { LinkDatabase } from './link.ts';
import type { PendingLog } from './pending-log.ts';
import type { Standby } from './standby.ts';
import { commitInTime, plainCall, type Watch } from './watch.ts';

export interface RecoveryOptions {
  readonly runtime: Runtime;
  readonly commands: Commands;
  readonly watch: Watch;
  readonly pending: PendingLog;
  readonly turn: Turn;
  readonly openPrimary: () => Promise<LinkDatabase>;
  readonly standby: () => Promise<Standby | null>;
  readonly closeStandby: () => Promise<void>;
  readonly warn: (message: string, cause?: unknown) => void;
}

/** How long requests wait at a time while pending writes are run, in ms. */
const sliceMs = 2500;
/** How long a process that took a write looks for the way back behind its answers, in ms. */
const lingerMs = 20_000;
const openMs = 15_000;
/** How long requests wait for the primary to apply what other instances committed meanwhile, in ms. */
const catchUpMs = 5000;
/** How often the folders on this machine are looked through for pending writes, in ms. */
const cheapLookMs = 30_000;

export class Recovery {
  readonly #options: RecoveryOptions;
  readonly #recovering = new SharedProbe(() => this.#recoverOnce());
  readonly #maintenance = new SharedProbe(() => this.#maintainOnce());
  #tookWrites = false;
  #lookedEverywhere = false;
  #nextCheapLookMs = -Infinity;
  #stopped = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  noteWrite(): void {
    this.#tookWrites = true;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** What an earlier process on this machine kept must be there before anyone reads. */
  async drainAtStart(): Promise<void> {
    const { watch, pending } = this.#options;
    const attempt = await watch.attempt(plainCall(() => this.#drainFor(sliceMs)));
    // More than a slice of them: the standby shows the rest until they are run.
    if (attempt.kind === 'answered' && pending.size > 0) watch.beginDraining();
  }

  /** Checks whether the primary is back; if so, runs pending writes and lets it serve again. Null while it is unavailable. */
  recover(): Promise<DrainReport | null> {
    return this.#recovering.join();
  }

  async #recoverOnce(): Promise<DrainReport | null> {
    const { runtime, watch, turn, openPrimary, warn } = this.#options;
    let total = nothingDrained;
    try {
      await watch.ping();
      // If it takes longer it goes on, and the next check finds it.
      const primary = await withinTime(runtime, openMs, openPrimary);
      while (!this.#stopped) {
        const { report, isBack } = await turn.take(() => this.#takeSlice(primary));
        total = addReports(total, report);
        if (isBack) return total;
      }
    } catch (error) {
      if (!(error instanceof AppError)) warn(`Recovery failed: ${String(error)}`);
      watch.begin(error);
    }
    return null;
  }

  /** Runs pending writes for a while, within the turn. What is left when it ends waits for the next slice. */
  async #takeSlice(primary: LinkDatabase): Promise<{ readonly report: DrainReport; readonly isBack: boolean }> {
    const { runtime, watch, pending, standby, closeStandby } = this.#options;
    await (await standby())?.forgetDraft();
    // Only now: other instances may have changed the rows of the draft meanwhile.
    await withinTime(runtime, catchUpMs, () => primary.read(readOne, { maxStalenessMs: 0 }));
    await pending.refresh();
    const report = await this.#drainFor(sliceMs);
    const isBack = pending.size === 0;
    if (isBack) {
      await watch.end();
      await closeStandby();
    }
    return { report, isBack };
  }

  async #drainFor(ms: number): Promise<DrainReport> {
    const { runtime, commands, pending, openPrimary } = this.#options;
    const primary = await openPrimary();
    return drain(pending.writes, ms, {
      runtime,
      commands,
      commit: (work) => commitInTime(primary, work, runtime),
      onSettled: (ids) => pending.remove(ids),
    });
  }

  /** Runs what other processes kept and could not run. For when the primary serves. */
  async drainRemaining(): Promise<DrainReport> {
    const { pending } = this.#options;
    await pending.refresh();
    let total = nothingDrained;
    while (pending.size > 0 && !this.#stopped) {
      total = addReports(total, await this.#drainFor(sliceMs));
    }
    return total;
  }

  /** What may follow an answer. Never rejects. */
  maintain(): Promise<void> {
    return this.#maintenance.join();
  }

  async #maintainOnce(): Promise<void> {
    if (this.#stopped) return;
    try {
      if (this.#options.watch.outage) await this.#lookForTheWayBack();
      else await this.#maintainPrimary();
    } catch (error) {
      this.#options.warn('Upkeep failed; it runs again later.', error);
    }
  }

  async #maintainPrimary(): Promise<void> {
    const { runtime, pending, openPrimary } = this.#options;
    const now = runtime.monotonicMs();
    if (!this.#lookedEverywhere) await pending.refresh();
    else if (now >= this.#nextCheapLookMs) await pending.refreshCheap();
    this.#lookedEverywhere = true;
    this.#nextCheapLookMs = now + cheapLookMs;
    if (pending.size > 0) await this.drainRemaining();
    await (await openPrimary()).maintain();
  }

  /** Once; a process that took a write, which may be lost with this machine, stays at it for a while. */
  async #lookForTheWayBack(): Promise<void> {
    const { runtime, watch } = this.#options;
    const untilMs = runtime.monotonicMs() + (this.#tookWrites ? lingerMs : 0);
    for (;;) {
      const { outage } = watch;
      if (!outage || this.#stopped) return;
      if (outage.untilLookMs === 0 && (await this.recover())) return;
      if (runtime.monotonicMs() + outage.untilLookMs >= untilMs) return;
      await runtime.sleep(Math.min(outage.untilLookMs, 1000));
    }
  }
}

function readOne(queries: Queries): Promise<unknown> {
  return queries.selectNoFrom((eb) => eb.lit(1).as('one')).execute();
}
