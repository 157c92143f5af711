/** The standby that serves while the primary is away: opened when first needed, and not tried again at once where none opens. */
import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { Turn } from '../../sync/turn.ts';
import { findBase } from './base.ts';
import type { Commands } from './drain.ts';
import type { BackendLink, LinkDatabase } from './link.ts';
import type { Outage } from './outage.ts';
import type { PendingLog } from './pending-log.ts';
import { Standby } from './standby.ts';

export interface CurrentStandbyOptions {
  readonly primary: BackendLink;
  readonly fallbacks: readonly BackendLink[];
  readonly runtime: Runtime;
  readonly commands: Commands;
  readonly pending: PendingLog;
  readonly turn: Turn;
  readonly warn: (message: string) => void;
  readonly outage: () => Outage | null;
  /** Null until it was reached. */
  readonly openPrimary: () => LinkDatabase | null;
}

const refusedMs = 3000;

export class CurrentStandby {
  readonly #options: CurrentStandbyOptions;
  #opened: Promise<Standby> | null = null;
  #refused: { readonly error: unknown; readonly untilMs: number } | null = null;

  constructor(options: CurrentStandbyOptions) {
    this.#options = options;
  }

  /** @throws AppError the primary's error, where no fallback opens */
  open(): Promise<Standby> {
    const { runtime, outage } = this.#options;
    const refusal = this.#refusal;
    if (refusal !== null) return Promise.reject(noStandby(refusal, outage()));
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = null;
      this.#refused = { error, untilMs: runtime.monotonicMs() + refusedMs };
      throw noStandby(error, outage());
    });
    return this.#opened;
  }

  /** The one that is open; null when there is none. */
  async opened(): Promise<Standby | null> {
    return (await this.#opened?.catch(() => null)) ?? null;
  }

  async close(): Promise<void> {
    const standby = await this.opened();
    this.#opened = null;
    await standby?.close();
  }

  async #open(): Promise<Standby> {
    const { primary, fallbacks, runtime, commands, pending, turn, warn, openPrimary } = this.#options;
    const base = await findBase({ primary, fallbacks, runtime, warn, database: pending.database, openPrimary });
    pending.recognise(base.primaryId);
    return new Standby({ base, pending, runtime, commands, turn });
  }

  /** Why no fallback could serve a moment ago, so that not every request tries again. Null when a try is due. */
  get #refusal(): unknown {
    const refused = this.#refused;
    return refused && this.#options.runtime.monotonicMs() < refused.untilMs ? refused.error : null;
  }
}

/** The primary's error comes first: it is the one to correct. */
function noStandby(error: unknown, outage: Outage | null): unknown {
  if (!(error instanceof AppError) || !outage) return error;
  const message = `${outage.state.detail} No fallback is available.`;
  return new AppError('unavailable', message, { cause: error, retryAfterMs: outage.untilLookMs });
}
