/**
 * A pending write stays known when its object is gone: another process may have run it, and the copy that is read here
 * may not show that yet.
 */
import { AppError, isAppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { listAll, type Store } from '../../store/store.ts';
import { withinTime } from '../../store/time-limit.ts';
import { SharedProbe } from '../../sync/head.ts';
import { type Layout, layoutOf } from '../../sync/layout.ts';
import type { PlainValue } from '../../values.ts';
import { isMeantFor, type Link, type Target } from './link.ts';
import {
  decodePendingWrite,
  encodePendingWrite,
  pendingFormat,
  PendingIds,
  type PendingWrite,
} from './pending-write.ts';

export interface PendingLogOptions {
  readonly fallbacks: readonly Link[];
  readonly target: Target;
  readonly runtime: Runtime;
  readonly warn: (message: string, cause?: unknown) => void;
}

/** Most writes that may be pending at once: each process holds them all in memory, and runs them in a row. */
const mostPending = 5000;
const askMs = 2500;
/** A store that did not answer is left alone for this long, in ms. */
const restMs = 5000;
const parallelReads = 32;

interface Place {
  readonly link: Link;
  readonly store: Store;
  readonly layout: Layout;
}

interface Keeper {
  readonly link: Link;
  place: Promise<Place> | null;
  restsUntilMs: number;
  /** Keys that are of no use, and were told of. */
  readonly passedOver: Set<string>;
}

export class PendingLog {
  readonly #options: PendingLogOptions;
  readonly #keepers: readonly Keeper[];
  readonly #ids: PendingIds;
  readonly #writer: string;
  #target: Target;
  readonly #known = new Map<string, { readonly write: PendingWrite; readonly link: Link }>();
  /** Those that were run or rejected, and whose objects may be there still. */
  readonly #settled = new Set<string>();
  readonly #refresh = new SharedProbe(() => this.#lookEverywhere());
  edition = 0;

  constructor(options: PendingLogOptions) {
    this.#options = options;
    this.#keepers = options.fallbacks
      .filter(({ place }) => place !== null)
      .map((link) => ({ link, place: null, restsUntilMs: -Infinity, passedOver: new Set<string>() }));
    this.#ids = new PendingIds(options.runtime);
    this.#writer = options.runtime.uuid();
    this.#target = options.target;
  }

  /** The primary says who it is: writes are told apart by that from now on. */
  recognise(database: string | null): void {
    if (database === null || database === this.#target.database) return;
    this.#target = { ...this.#target, database };
    for (const [id, { write }] of this.#known) if (!isMeantFor(write, this.#target)) this.#known.delete(id);
    for (const { passedOver } of this.#keepers) passedOver.clear();
    this.edition++;
  }

  get database(): string | null {
    return this.#target.database;
  }

  /** Those that are known and were not settled here, in the order in which they are to be run. */
  get writes(): readonly PendingWrite[] {
    return [...this.#known.values()].map(({ write }) => write).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  get size(): number {
    return this.#known.size;
  }

  /** Where the next one would be kept; null when no place is known to take it. */
  get keeper(): Link | null {
    return this.#keepers.find((keeper) => !this.#rests(keeper))?.link ?? null;
  }

  /** Whether one of them is kept where this machine's end would be its own. */
  get isAtRisk(): boolean {
    return [...this.#known.values()].some(({ link }) => !link.persistent);
  }

  /** The write as it would be kept now; its id sorts after all that are known. */
  draw(command: PlainValue): PendingWrite {
    const { runtime } = this.#options;
    const { address: target, database } = this.#target;
    const time = new Date(runtime.now()).toISOString();
    return { format: pendingFormat, id: this.#ids.next(), time, writer: this.#writer, target, database, command };
  }

  requireRoom(): void {
    if (this.#known.size < mostPending) return;
    throw new AppError('unavailable', `${mostPending} writes are pending already; no more are taken.`, {
      retryAfterMs: 10_000,
    });
  }

  /**
   * Makes the write durable in the first store that takes it, and answers whose that is. @throws AppError `unavailable`
   * when none does; `indeterminate` when one did not say
   */
  async keep(write: PendingWrite): Promise<Link> {
    let last: unknown = null;
    for (const keeper of this.#keepers) {
      if (this.#rests(keeper)) continue;
      try {
        await this.#keepOn(keeper, write);
        this.#learn(write, keeper.link);
        return keeper.link;
      } catch (error) {
        if (!isAppError(error, 'unavailable', 'denied')) throw error;
        this.#letRest(keeper);
        last = error;
      }
    }
    throw new AppError('unavailable', 'The database is away, and no other place took the write.', { cause: last });
  }

  async #keepOn(keeper: Keeper, write: PendingWrite): Promise<void> {
    const { store, layout } = await this.#placeOf(keeper);
    const key = layout.pendingKey(write.id);
    const bytes = encodePendingWrite(write);
    // Nobody else has the id: what exists already is an earlier attempt of the same call.
    await withinTime(this.#options.runtime, askMs, (signal) => store.create(key, bytes, { signal }), 'indeterminate');
  }

  /** Learns of what other processes keep; each caller gets a look that began after it asked. */
  refresh(): Promise<void> {
    return this.#refresh.join();
  }

  async refreshCheap(): Promise<void> {
    for (const keeper of this.#keepers) if (keeper.link.mayHavePending) await this.#look(keeper);
  }

  async #lookEverywhere(): Promise<void> {
    await Promise.all(this.#keepers.filter((keeper) => !this.#rests(keeper)).map((keeper) => this.#look(keeper)));
  }

  /** A place that does not answer is passed over: what it keeps stays there. */
  async #look(keeper: Keeper): Promise<void> {
    const { runtime, warn } = this.#options;
    try {
      if (keeper.link.mayHavePending && !(await keeper.link.mayHavePending())) return;
      const place = await this.#placeOf(keeper);
      const ids = await withinTime(runtime, askMs, (signal) => listIds(place, signal));
      const fresh = ids.filter((id) => !this.#known.has(id) && !this.#settled.has(id) && !keeper.passedOver.has(id));
      for (let next = 0; next < fresh.length; next += parallelReads)
        await Promise.all(fresh.slice(next, next + parallelReads).map((id) => this.#fetch(keeper, place, id)));
      const done = ids.filter((id) => this.#settled.has(id));
      if (done.length > 0) await this.#removeFrom(place, done);
    } catch (error) {
      this.#letRest(keeper);
      warn(`Pending writes in ${keeper.link.label} could not be listed.`, error);
    }
  }

  async #fetch(keeper: Keeper, { store, layout }: Place, id: string): Promise<void> {
    const key = layout.pendingKey(id);
    const bytes = await withinTime(this.#options.runtime, askMs, (signal) => store.get(key, { signal }));
    // Run and removed since it was listed.
    if (!bytes) return;
    try {
      const write = decodePendingWrite(bytes, key, id);
      if (isMeantFor(write, this.#target)) return this.#learn(write, keeper.link);
      this.#options.warn(`The pending write ${key} is meant for another database; it stays where it is.`);
    } catch (error) {
      this.#options.warn('A pending write cannot be used.', error);
    }
    keeper.passedOver.add(id);
  }

  #learn(write: PendingWrite, link: Link): void {
    this.#ids.saw(write.id);
    this.#known.set(write.id, { write, link });
    this.edition++;
  }

  /** Removes the objects of writes that were run or rejected, wherever they are. What cannot be removed is met again. */
  async remove(ids: readonly string[]): Promise<void> {
    const { warn } = this.#options;
    for (const id of ids) {
      this.#known.delete(id);
      this.#settled.add(id);
    }
    for (const keeper of this.#keepers) {
      if (this.#rests(keeper)) continue;
      try {
        await this.#removeFrom(await this.#placeOf(keeper), ids);
      } catch (error) {
        this.#letRest(keeper);
        warn(`Pending writes that were run are still in ${keeper.link.label}.`, error);
      }
    }
  }

  async #removeFrom({ store, layout }: Place, ids: readonly string[]): Promise<void> {
    const keys = ids.map((id) => layout.pendingKey(id));
    await withinTime(this.#options.runtime, askMs, (signal) => store.delete(keys, { signal }));
  }

  #placeOf(keeper: Keeper): Promise<Place> {
    const load = async (): Promise<Place> => {
      const { store, name } = await keeper.link.place!();
      return { link: keeper.link, store, layout: layoutOf(name) };
    };
    keeper.place ??= load().catch((error: unknown) => {
      keeper.place = null;
      throw error;
    });
    return keeper.place;
  }

  #rests(keeper: Keeper): boolean {
    return this.#options.runtime.monotonicMs() < keeper.restsUntilMs;
  }

  #letRest(keeper: Keeper): void {
    keeper.restsUntilMs = this.#options.runtime.monotonicMs() + restMs;
  }
}

async function listIds({ store, layout }: Place, signal: AbortSignal): Promise<string[]> {
  const objects = await listAll(store, layout.pendingPrefix, { signal });
  return objects.map(({ key }) => layout.pendingId(key)).filter((id) => id !== null);
}
