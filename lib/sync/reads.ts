/**
 * Reads: making sure that the replica is fresh, then running the work in a read-only transaction, for as long as it may take.
 */
import { AppError, isAppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import type { ReplicaHost } from './host.ts';
import { breaksReplica } from './local-disk.ts';
import type { Definitions } from './definitions.ts';
import type { StateWork } from './overlay.ts';
import type { Replica } from './replica.ts';

export interface ReadRequest {
  /** 0: at the head of the log when the read began. */
  readonly maxStalenessMs: number;
  /** Stops the query that runs when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** When the read was asked for, on the monotonic clock; undefined: now. */
  readonly askedMs?: number | undefined;
  /** Least version to see; undefined: any. */
  readonly atLeast: number | undefined;
}

export interface ReadAnswer<T> {
  readonly value: T;
  readonly version: number;
  /** ms to make sure that the replica is fresh, and to run the work. */
  readonly timings: { readonly fresh: number; readonly run: number };
}

const insistMs = 50;

export class Reads {
  readonly #context: SyncContext;
  readonly #host: ReplicaHost;

  constructor(context: SyncContext, host: ReplicaHost) {
    this.#context = context;
    this.#host = host;
  }

  /** Runs `work` in a read-only transaction on a state as fresh as asked for. */
  async read<T>(work: StateWork<T>, request: ReadRequest): Promise<ReadAnswer<T>> {
    const { runtime } = this.#context;
    const started = runtime.monotonicMs();
    const least = await this.freshen(request);
    const fresh = runtime.monotonicMs();
    let version = 0;
    const value = await this.#withinDeadline(request.signal, (signal) =>
      this.#readReplica(least, signal, (session, present, definitions) => {
        version = present;
        return work(session, present, definitions);
      }),
    );
    return { value, version, timings: { fresh: fresh - started, run: runtime.monotonicMs() - fresh } };
  }

  /** Makes the replica as fresh as asked for; answers the version that has to be seen. */
  async freshen(request: ReadRequest): Promise<number> {
    const askedMs = request.askedMs ?? this.#context.runtime.monotonicMs();
    const least = await this.#host.ensureFresh(request.maxStalenessMs, askedMs);
    if (request.atLeast !== undefined) await this.#requireVersion(request.atLeast);
    return Math.max(least, request.atLeast ?? 0);
  }

  /** What tables there are in a state as fresh as asked for. */
  async definitions(request: ReadRequest): Promise<Definitions> {
    await this.freshen(request);
    return (await this.#host.current()).definitions;
  }

  /** Reads the local state as it is: for when the store is unavailable. */
  readLocal<T>(work: StateWork<T>, signal?: AbortSignal): Promise<T> {
    return this.#withinDeadline(signal, async (limited) => (await this.soundReplica()).read(work, limited));
  }

  /** The replica, which cannot be rebuilt while the store is unavailable. @throws AppError `unavailable` */
  async soundReplica(): Promise<Replica> {
    const replica = await this.#host.current();
    if (replica.retired === undefined) return replica;
    throw new AppError('unavailable', 'The local replica cannot be used, and the store is unavailable.');
  }

  /** A query that runs on after its client left would delay the checkpoint and keep a core busy. */
  async #withinDeadline<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { runtime, settings } = this.#context;
    const ended = new AbortController();
    const late = new AbortController();
    void runtime.sleep(settings.readDeadlineMs, ended.signal).then(
      () => late.abort(),
      () => undefined,
    );
    const stopped = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
    const insist = (): void => void this.#insist(stopped, ended.signal);
    if (stopped.aborted) insist();
    else stopped.addEventListener('abort', insist, { once: true });
    try {
      return await work(stopped);
    } catch (cause) {
      if (!late.signal.aborted) throw cause;
      throw new AppError('unavailable', `The query took longer than ${settings.readDeadlineMs} ms and was stopped.`, {
        cause,
        hint: 'Use a narrower filter, or one that matches the beginning of the text.',
      });
    } finally {
      ended.abort();
    }
  }

  /** Repeats the interrupt until the work has ended: DuckDB forgets one that comes just before a query runs. */
  async #insist(stopped: AbortSignal, ended: AbortSignal): Promise<void> {
    while (!ended.aborted) {
      await this.#context.runtime.sleep(insistMs, ended).catch(() => undefined);
      if (!ended.aborted) stopped.dispatchEvent(new Event('abort'));
    }
  }

  /**
   * A replica may be replaced between being chosen and being read, or turn out to be broken: then the new one is read,
   * once. `work` only reads, so it may run again.
   */
  async #readReplica<T>(least: number, signal: AbortSignal, work: StateWork<T>): Promise<T> {
    let wanted = least;
    for (let isFirst = true; ;) {
      const replica = await this.#host.current();
      try {
        if (!replica.retired && replica.position.version >= wanted) return await replica.read(work, signal);
      } catch (error) {
        // A reader that still waited for its turn when another replica took the place of this one.
        const isReplaced = replica.retired === 'closed' && isAppError(error, 'unavailable');
        if (!isReplaced && (!isFirst || !breaksReplica(error))) throw error;
        if (!isReplaced) this.#context.warn('The local replica is damaged; rebuilding it.', error);
        isFirst &&= isReplaced;
      }
      wanted = await this.#host.ensureCaughtUp(this.#context.runtime.monotonicMs());
    }
  }

  async #requireVersion(atLeast: number): Promise<void> {
    if (this.#host.version >= atLeast) return;
    await this.#host.ensureCaughtUp(this.#context.runtime.monotonicMs());
    if (this.#host.version >= atLeast) return;
    throw new AppError(
      'invalid',
      `The bookmark ${atLeast} is ahead of the database, which is at version ${this.#host.version}.`,
      {
        hint: 'It is from another database, or from before a restore. Repeat the request without it.',
      },
    );
  }
}
