/**
 * Reads: making sure that the replica is fresh, then running the work in a read-only transaction, for as long as it may take.
 */
import { finished } from '../runtime.ts';
import { AppError, isAppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import type { ReplicaHost } from './host.ts';
import { breaksReplica } from './local-disk.ts';
import { Gathering } from '../async/gathering.ts';
import type { Definitions } from './definitions.ts';
import type { StateWork } from './overlay.ts';
import type { Replica, ReplicaReadOptions } from './replica.ts';
import type { Session } from './sql.ts';

export interface ReadRequest {
  /** 0: at the head of the log when the read began. */
  readonly maxStalenessMs: number;
  /** Stops the query that runs when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** When the read was asked for, on the monotonic clock; undefined: now. */
  readonly askedMs?: number | undefined;
  /** Least version to see; undefined: any. */
  readonly atLeast: number | undefined;
  /** Lets the read run together with others; each is short. */
  readonly set?: ReadSetMember | undefined;
}

export interface ReadAnswer<T> {
  readonly value: T;
  readonly version: number;
  /** ms to make sure that the replica is fresh, and to run the work. */
  readonly timings: { readonly fresh: number; readonly run: number };
}

/** Of a read that may be run together with others of the same name. */
export interface ReadSetMember {
  readonly name: string;
  readonly member: unknown;
  /** Runs all members at once: an outcome for each, in their order. What it throws says nothing of any of them. */
  readonly run: (
    session: Session,
    definitions: Definitions,
    members: readonly unknown[],
  ) => Promise<readonly PromiseSettledResult<unknown>[]>;
}

/** What was read, and the version of the state in which it was. */
interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

interface SharedRead {
  readonly set: ReadSetMember;
  readonly work: StateWork<unknown>;
  readonly least: number;
  readonly signal: AbortSignal | undefined;
}

const insistMs = 50;

export class Reads {
  readonly #context: SyncContext;
  readonly #host: ReplicaHost;
  readonly #shared: Gathering<SharedRead, Versioned<unknown>>;

  constructor(context: SyncContext, host: ReplicaHost) {
    this.#context = context;
    this.#host = host;
    this.#shared = new Gathering(context.runtime, {
      alone: ({ work, least, signal }) => this.#readState(work, least, { signal, isShort: true }),
      together: (reads, signal) => this.#readTogether(reads, signal),
    });
  }

  /** Runs `work` in a read-only transaction on a state as fresh as asked for. */
  async read<T>(work: StateWork<T>, request: ReadRequest): Promise<ReadAnswer<T>> {
    const { runtime } = this.#context;
    const started = runtime.monotonicMs();
    const least = await this.freshen(request);
    const fresh = runtime.monotonicMs();
    const { set, signal } = request;
    const { value, version } = set
      ? await this.#shared.join(set.name, { set, work, least, signal })
      : await this.#readState(work, least, { signal });
    return { value: value as T, version, timings: { fresh: fresh - started, run: runtime.monotonicMs() - fresh } };
  }

  async #readTogether(
    reads: readonly SharedRead[],
    signal: AbortSignal,
  ): Promise<readonly PromiseSettledResult<Versioned<unknown>>[]> {
    const least = Math.max(...reads.map((read) => read.least));
    const members = reads.map(({ set }) => set.member);
    const { value: outcomes, version } = await this.#readState(
      (session, _version, definitions) => reads[0]!.set.run(session, definitions, members),
      least,
      { signal, isShort: true },
    );
    return outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? { ...outcome, value: { value: outcome.value, version } } : outcome,
    );
  }

  async #readState<T>(
    work: StateWork<T>,
    least: number,
    { signal, isShort }: { readonly signal: AbortSignal | undefined; readonly isShort?: true },
  ): Promise<Versioned<T>> {
    let version = 0;
    const value = await this.#withinDeadline(signal, (limited) =>
      this.#readReplica(
        least,
        (session, present, definitions) => {
          version = present;
          return work(session, present, definitions);
        },
        { signal: limited, ...(isShort ? { isShort } : {}) },
      ),
    );
    return { value, version };
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
    return this.#withinDeadline(signal, async (limited) => (await this.soundReplica()).read(work, { signal: limited }));
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
    const stopped = new AbortController();
    let isLate = false;
    const stop = (): void => {
      stopped.abort(signal?.aborted === true ? signal.reason : finished);
      void this.#insist(stopped.signal, ended.signal);
    };
    const late = (): void => {
      isLate = true;
      stop();
    };
    runtime.sleep(settings.readDeadlineMs, ended.signal).then(late, () => undefined);
    if (signal?.aborted === true) stop();
    else signal?.addEventListener('abort', stop, { once: true });
    try {
      return await work(stopped.signal);
    } catch (cause) {
      if (!isLate) throw cause;
      throw new AppError('unavailable', `The query took longer than ${settings.readDeadlineMs} ms and was stopped.`, {
        cause,
        hint: 'Use a narrower filter, or one that matches the beginning of the text.',
      });
    } finally {
      signal?.removeEventListener('abort', stop);
      ended.abort(finished);
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
  async #readReplica<T>(least: number, work: StateWork<T>, options: ReplicaReadOptions): Promise<T> {
    let wanted = least;
    for (let isFirst = true; ;) {
      const replica = await this.#host.current();
      try {
        if (!replica.retired && replica.position.version >= wanted) return await replica.read(work, options);
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
