/** What is answered while the primary is away, and what the answers say of it. */
import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { EngineName } from '../../values.ts';
import type { Answer, Database, DatabaseStatus, ReadOptions, Work, WriteOptions } from '../database.ts';
import { describeOutage, describeRead, describeWrite } from './base.ts';
import type { BackendLink } from './link.ts';
import type { Outage } from './outage.ts';
import type { PendingLog } from './pending-log.ts';
import type { Standby } from './standby.ts';

export interface StandbyAnswersOptions {
  readonly primary: BackendLink;
  readonly runtime: Runtime;
  readonly writes: 'accept' | 'reject';
  readonly pending: PendingLog;
  readonly outage: () => Outage | null;
  readonly warnings: () => readonly string[];
  /** A write was kept as pending. */
  readonly noteWrite: () => void;
}

export class StandbyAnswers {
  readonly #options: StandbyAnswersOptions;

  constructor(options: StandbyAnswersOptions) {
    this.#options = options;
  }

  async read<T>(standby: Standby, work: Work<T>, options: ReadOptions): Promise<Answer<T>> {
    const started = this.#options.runtime.monotonicMs();
    const value = await standby.read(work, options.signal);
    const timings = { standby: this.#options.runtime.monotonicMs() - started };
    const durability = this.#options.pending.size > 0 ? 'pending' : 'standby';
    return { value, durability, timings, ...this.#described(standby, options.atLeast) };
  }

  async write<T>(standby: Standby, work: Work<T>, { command }: WriteOptions): Promise<Answer<T>> {
    const { runtime, writes, outage, noteWrite } = this.#options;
    if (writes === 'reject' || outage()?.isRefused)
      throw this.away('The database is unavailable, and pending writes are turned off.');
    if (command === undefined)
      throw this.away('The database is unavailable, and this kind of write cannot be kept as pending.');
    const started = runtime.monotonicMs();
    const { value, link } = await standby.write(work, command);
    noteWrite();
    const timings = { standby: runtime.monotonicMs() - started };
    const described = describeWrite(this.#described(standby), link);
    return { value, durability: 'pending', timings, ...described };
  }

  /** A copy answers without the pending writes: these are in a transaction that no other process sees. */
  async queryAll(
    standby: Standby,
    ...[requests, options = {}]: Parameters<Database['queryAll']>
  ): ReturnType<Database['queryAll']> {
    const { database } = standby.base;
    if (!database) throw this.away('The database is unavailable, and its standby cannot run queries.');
    const answer = await database
      .queryAll(requests, { ...options, maxStalenessMs: Infinity, atLeast: 0 })
      .catch(standby.throwUnknown);
    const described = this.#described(standby, options.atLeast);
    return {
      ...answer,
      ...described,
      durability: 'standby',
      degraded: `${described.degraded}; pending writes are left out of queries`,
    };
  }

  status({ base }: Standby, engine: EngineName): DatabaseStatus {
    const { primary, pending, warnings } = this.#options;
    const outage = this.#options.outage();
    const writes = outage?.isRefused ? 'reject' : this.#options.writes;
    return {
      engine,
      location: `${primary.label} (away)`,
      databaseId: base.isPrimarys ? base.copy.databaseId : null,
      version: base.copy.version,
      checkpoint: { version: null, at: null, bytes: null, recordsSince: 0 },
      pendingWrites: pending.size,
      transfers: [],
      usage: null,
      warnings: warnings(),
      ...(outage ? { outage: describeOutage({ outage, base, pending, writes }) } : {}),
    };
  }

  /** Why something cannot be done meanwhile. A refusal keeps its own error, as it needs a correction. */
  away(message: string): unknown {
    const outage = this.#options.outage();
    if (outage?.isRefused) return outage.error;
    return new AppError('unavailable', message, { retryAfterMs: outage?.untilLookMs ?? 1000 });
  }

  #described(standby: Standby, atLeast?: number) {
    const { primary, outage, pending } = this.#options;
    return describeRead({ primary, outage: outage(), base: standby.base, pending, atLeast });
  }
}
