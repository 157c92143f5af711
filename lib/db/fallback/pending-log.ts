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
import type { StrandedWrite } from '../database.ts';
import { isMeantFor, type BackendLink, type LinkTarget } from './link.ts';
import {
  decodePendingWrite,
  encodePendingWrite,
  pendingFormat,
  PendingIds,
  type PendingWrite,
} from './pending-write.ts';

export interface PendingLogOptions {
  readonly fallbacks: readonly BackendLink[];
  readonly target: LinkTarget;
  readonly runtime: Runtime;
  readonly warn: (message: string, cause?: unknown) => void;
  /** The primary, if it is a store: what it keeps itself, as a fallback of another database, is not for it. */
  readonly primary?: BackendLink;
}

/** Most writes that may be pending at once: each process holds them all in memory, and runs them in a row. */
const mostPending = 5000;
const askMs = 2500;
/** A store that did not answer is left alone for this long, in ms. */
const restMs = 5000;
/** A look at the primary costs a list, which db-status must not cost each time. */
const primaryRestMs = 60_000;
const parallelReads = 32;

interface PendingTarget {
  readonly link: BackendLink;
  readonly store: Store;
  readonly layout: Layout;
}

interface Keeper {
  readonly link: BackendLink;
  place: Promise<PendingTarget> | null;
  restsUntilMs: number;
  /** Those that are never run here, by their ids. */
  readonly stranded: Map<string, StrandedWrite>;
}

export class PendingLog {
  readonly #options: PendingLogOptions;
  readonly #keepers: readonly Keeper[];
  readonly #primary: Keeper | null;
  readonly #ids: PendingIds;
  readonly #writer: string;
  #target: LinkTarget;
  readonly #known = new Map<string, { readonly write: PendingWrite; readonly link: BackendLink }>();
  /** Those that were run or rejected, and whose objects may be there still. */
  readonly #settled = new Set<string>();
  readonly #refresh = new SharedProbe(() => this.#lookEverywhere());
  edition = 0;

  constructor(options: PendingLogOptions) {
    this.#options = options;
    this.#keepers = options.fallbacks.filter(({ place }) => place !== null).map(keeperOn);
    this.#primary = options.primary?.place ? keeperOn(options.primary) : null;
    this.#ids = new PendingIds(options.runtime);
    this.#writer = options.runtime.uuid();
    this.#target = options.target;
  }

  /** Learns the primary's identity: writes for other databases are recognised by it from now on. */
  recognise(database: string | null): void {
    if (database === null || database === this.#target.database) return;
    this.#target = { ...this.#target, database };
    for (const [id, { write }] of this.#known) if (!isMeantFor(write, this.#target)) this.#known.delete(id);
    for (const { stranded } of this.#keepers) stranded.clear();
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
  get keeper(): BackendLink | null {
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
  async keep(write: PendingWrite): Promise<BackendLink> {
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
    throw new AppError('unavailable', 'The database is unavailable, and no fallback could keep the write.', {
      cause: last,
    });
  }

  async #keepOn(keeper: Keeper, write: PendingWrite): Promise<void> {
    const { store, layout } = await this.#placeOf(keeper);
    const key = layout.pendingKey(write.id);
    const bytes = encodePendingWrite(write);
    // The id is unique: an existing object is an earlier attempt of the same call.
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

  /** Skips a place that does not answer: what it keeps stays there. */
  async #look(keeper: Keeper): Promise<void> {
    const { runtime, warn } = this.#options;
    try {
      if (keeper.link.mayHavePending && !(await keeper.link.mayHavePending())) return;
      const place = await this.#placeOf(keeper);
      const ids = await withinTime(runtime, askMs, (signal) => listIds(place, signal));
      const fresh = ids.filter((id) => !this.#known.has(id) && !this.#settled.has(id) && !keeper.stranded.has(id));
      for (const id of keeper.stranded.keys()) if (!ids.includes(id)) keeper.stranded.delete(id);
      for (let next = 0; next < fresh.length; next += parallelReads)
        await Promise.all(fresh.slice(next, next + parallelReads).map((id) => this.#fetch(keeper, place, id)));
      const done = ids.filter((id) => this.#settled.has(id));
      if (done.length > 0) await this.#removeFrom(place, done);
    } catch (error) {
      this.#letRest(keeper);
      warn(`Pending writes in ${keeper.link.label} could not be listed.`, error);
    }
  }

  async #fetch(keeper: Keeper, { store, layout }: PendingTarget, id: string): Promise<void> {
    const key = layout.pendingKey(id);
    const bytes = await withinTime(this.#options.runtime, askMs, (signal) => store.get(key, { signal }));
    // Run and removed since it was listed.
    if (!bytes) return;
    try {
      const write = decodePendingWrite(bytes, key, id);
      if (keeper !== this.#primary && isMeantFor(write, this.#target)) return this.#learn(write, keeper.link);
      keeper.stranded.set(id, strandedWrite(keeper.link, write));
      this.#options.warn(`The pending write ${id} is meant for another database; db-status lists it.`);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      keeper.stranded.set(id, unusableWrite(keeper.link, id, error.message));
      this.#options.warn('A pending write cannot be used; db-status lists it.', error);
    }
  }

  #learn(write: PendingWrite, link: BackendLink): void {
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
        warn(`Pending writes that were run could not be removed from ${keeper.link.label}.`, error);
      }
    }
  }

  async #removeFrom({ store, layout }: PendingTarget, ids: readonly string[]): Promise<void> {
    const keys = ids.map((id) => layout.pendingKey(id));
    await withinTime(this.#options.runtime, askMs, (signal) => store.delete(keys, { signal }));
  }

  /** Those that lie where this database's would, and are never run on it, by the last look. The primary is looked at, too. */
  async listStranded(): Promise<readonly StrandedWrite[]> {
    if (this.#primary && !this.#rests(this.#primary)) {
      await this.#look(this.#primary);
      this.#letRest(this.#primary, primaryRestMs);
    }
    return this.#everyKeeper.flatMap(({ stranded }) => [...stranded.values()]);
  }

  /** Removes those of the ids that are stranded, for good; answers which. */
  async dismissStranded(ids: readonly string[]): Promise<readonly string[]> {
    await this.refresh();
    await this.listStranded();
    const dismissed: string[] = [];
    for (const keeper of this.#everyKeeper) {
      const here = ids.filter((id) => keeper.stranded.has(id));
      if (here.length === 0) continue;
      await this.#removeFrom(await this.#placeOf(keeper), here);
      for (const id of here) keeper.stranded.delete(id);
      dismissed.push(...here);
    }
    return dismissed;
  }

  get #everyKeeper(): readonly Keeper[] {
    return this.#primary ? [...this.#keepers, this.#primary] : this.#keepers;
  }

  #placeOf(keeper: Keeper): Promise<PendingTarget> {
    const load = async (): Promise<PendingTarget> => {
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

  #letRest(keeper: Keeper, ms = restMs): void {
    keeper.restsUntilMs = this.#options.runtime.monotonicMs() + ms;
  }
}

function keeperOn(link: BackendLink): Keeper {
  return { link, place: null, restsUntilMs: -Infinity, stranded: new Map() };
}

function strandedWrite({ name }: BackendLink, { id, time, target, database, command }: PendingWrite): StrandedWrite {
  const reason = 'It was accepted for another database.';
  return { id, acceptedAt: time, keptIn: name, address: target, database: database ?? null, reason, command };
}

function unusableWrite({ name }: BackendLink, id: string, reason: string): StrandedWrite {
  return { id, acceptedAt: null, keptIn: name, address: null, database: null, reason, command: null };
}

async function listIds({ store, layout }: PendingTarget, signal: AbortSignal): Promise<string[]> {
  const objects = await listAll(store, layout.pendingPrefix, { signal });
  return objects.map(({ key }) => layout.pendingId(key)).filter((id) => id !== null);
}
