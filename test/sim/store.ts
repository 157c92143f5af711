/**
 * The store of a simulation: objects with the guarantees of lib/store/store.ts, and everything that may go wrong within
 * them. Each operation takes effect at one instant between the call and its answer, or later than the answer when that was
 * 'nobody knows', whether its caller lives on or not. Keeps all that was ever created or removed, for the checks.
 *
 * Assumed of every provider: `create` is atomic, and gets and heads see what was acknowledged before (S3, GCS and Vercel
 * Blob promise it of new objects; stale answers for overwritten ones concern only the published file, which is read but
 * once). Lists do, too, but in some runs are up to a minute old, as those of a network drive may be. A delete of many keys removes them in any order and may stop halfway.
 */
import type { AppError as AppErrorType, ErrorKind } from '../../lib/errors.ts';
import type { Body, CreateOutcome, ListPage, ObjectInfo, Store } from '../../lib/store/store.ts';
import type { Chaos } from './chaos.ts';
import { epochMs, type Chance, type Owner, type World } from './world.ts';
import type { Plan } from './plan.ts';

export interface StoredObject {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** By the store's clock. */
  readonly modifiedAt: number;
  /** When it appeared, as a stamp of the world. */
  readonly born: number;
  /** True time, in ms. */
  readonly bornMs: number;
  /** Its bytes went wrong in the store. */
  isRotten: boolean;
}

export interface Caller extends Owner {
  readonly name: string;
}

type Operation = 'create' | 'get' | 'head' | 'list' | 'copy' | 'delete';
type Fault = 'none' | 'refused' | 'throttled' | 'unanswered' | 'late' | 'repeated' | 'damaged' | 'partial';

interface Call<T> {
  readonly caller: Caller;
  readonly operation: Operation;
  readonly key: string;
  /** What happens in the store. */
  readonly effect: (fault: Fault) => T;
  /** What the client says when it had to repeat a create that had happened. */
  readonly repeated?: T;
}

const isWrite = (operation: Operation): boolean => ['create', 'copy', 'delete'].includes(operation);
/** As S3's and others': at most so many keys a page. Small, so that pages matter. */
const mostListed = 7;

export interface SimulatedStoreOptions {
  readonly name: string;
  readonly world: World;
  readonly plan: Plan;
  readonly chaos: Chaos;
  readonly AppError: typeof AppErrorType;
  /** Called before an object goes. */
  readonly onDelete: (object: StoredObject) => void;
  /** Called when an object was created. */
  readonly onCreate: (object: StoredObject) => void;
}

export class SimulatedStore {
  readonly objects = new Map<string, StoredObject>();
  /** Every object that was ever created, oldest first; copies are not among them. */
  readonly created: StoredObject[] = [];
  /** True time until which nothing answers. */
  outageUntil = 0;
  /** Those that went of late, for lists that do not know of it yet. */
  #gone: { readonly object: StoredObject; readonly atMs: number }[] = [];
  readonly #options: SimulatedStoreOptions;
  readonly #world: World;
  readonly #chance: Chance;

  constructor(options: SimulatedStoreOptions) {
    this.#options = options;
    this.#world = options.world;
    this.#chance = options.world.chance(options.name);
  }

  /** The store's own clock, in ms since 1970, as coarse as HTTP dates are. */
  get clockMs(): number {
    return Math.floor((epochMs + this.#world.nowMs + this.#options.plan.storeSkewMs) / 1000) * 1000;
  }

  /** Puts an object there without a call. */
  put(key: string, bytes: Uint8Array): void {
    this.objects.set(key, this.#object(key, bytes, this.clockMs));
  }

  for(caller: Caller): Store {
    const call = <T>(operation: Operation, key: string, effect: (fault: Fault) => T, repeated?: T): Promise<T> =>
      this.#perform({ caller, operation, key, effect, ...(repeated === undefined ? {} : { repeated }) });
    return {
      location: 'simulation',
      create: (key, body) => this.#create(caller, key, body),
      get: (key, options) =>
        call('get', key, (fault) => {
          const found = this.objects.get(key);
          if (!found) return null;
          const bytes = new Uint8Array(found.bytes.slice(options?.range?.start ?? 0, options?.range?.end));
          return fault === 'damaged' ? this.#damage(bytes) : bytes;
        }),
      head: (key) => call('head', key, () => this.#info(key)),
      list: (prefix, options) => call('list', prefix, () => this.#list(prefix, options?.after ?? '', options?.limit)),
      copy: (from, to) => call('copy', to, () => this.#copy(from, to)),
      delete: (keys) => call('delete', keys.join(' '), (fault) => this.#delete(keys, fault)),
    };
  }

  async #create(caller: Caller, key: string, body: Body): Promise<CreateOutcome> {
    const beganMs = this.clockMs;
    const bytes = body instanceof Uint8Array ? new Uint8Array(body) : await this.#receive(caller, body);
    const effect = (): CreateOutcome => {
      if (this.objects.has(key)) return 'exists';
      const object = this.#object(key, bytes, this.#options.plan.datesByBeginning ? beganMs : this.clockMs);
      this.objects.set(key, object);
      this.created.push(object);
      this.#options.onCreate(object);
      return 'created';
    };
    return this.#perform({ caller, operation: 'create', key, effect, repeated: 'exists' as const });
  }

  /** A body on its way: the sender reads it piece by piece, and lives or dies meanwhile. */
  async #receive(caller: Caller, body: Exclude<Body, Uint8Array>): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body.open({ start: 0, end: body.size })) {
      chunks.push(new Uint8Array(chunk));
      await this.#world.wait(this.#chance() * this.#options.plan.latencyMs * 4, caller);
    }
    return Buffer.concat(chunks);
  }

  #object(key: string, bytes: Uint8Array, modifiedAt: number): StoredObject {
    return { key, bytes, modifiedAt, born: this.#world.stamp(), bornMs: this.#world.nowMs, isRotten: false };
  }

  #info(key: string): ObjectInfo | null {
    const found = this.objects.get(key);
    return found ? infoOf(found) : null;
  }

  #list(prefix: string, after: string, limit = 1000): ListPage {
    const found = this.#listed()
      .filter(({ key }) => key.startsWith(prefix) && key > after)
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
    // A page of records is what retention drops at once: as long as it is asked for.
    const most = Math.min(limit, prefix.includes('.log/') ? 1000 : mostListed);
    return { objects: found.slice(0, most).map(infoOf), more: found.length > most };
  }

  /** What is there, or in some runs: what was there a while ago. */
  #listed(): StoredObject[] {
    const { plan, chaos } = this.#options;
    const now = [...this.objects.values()];
    const ageMs = this.#chance() * plan.listStalenessMs;
    if (!chaos.strikes('stale list', this.#chance(), plan.listStalenessMs > 0 ? 0.5 : 0)) return now;
    const atMs = this.#world.nowMs - ageMs;
    const before = this.#gone.filter((gone) => gone.atMs > atMs).map(({ object }) => object);
    // Of what was overwritten the newest is shown, with its date: no list shows a key twice.
    return [...now, ...before.filter(({ key }) => !this.objects.has(key))].filter(({ bornMs }) => bornMs <= atMs);
  }

  #copy(from: string, to: string): void {
    const found = this.objects.get(from);
    if (!found) throw new this.#options.AppError('not-found', `There is no object ${from} to copy.`);
    this.objects.set(to, { ...this.#object(to, new Uint8Array(found.bytes), this.clockMs), isRotten: found.isRotten });
  }

  #delete(keys: readonly string[], fault: Fault): void {
    const shuffled = keys.map((key) => ({ key, rank: this.#chance() })).toSorted((a, b) => a.rank - b.rank);
    const done = fault === 'partial' ? shuffled.slice(0, Math.floor(keys.length * this.#chance())) : shuffled;
    for (const { key } of done) {
      const object = this.objects.get(key);
      if (!object) continue;
      this.#options.onDelete(object);
      this.objects.delete(key);
      this.#gone.push({ object, atMs: this.#world.nowMs });
    }
    if (fault === 'partial') throw this.#failure('indeterminate', keys[0] ?? '');
  }

  #damage(bytes: Uint8Array): Uint8Array {
    const at = Math.floor(this.#chance() * bytes.byteLength);
    if (this.#chance() < 0.3) return bytes.slice(0, at);
    if (bytes.byteLength > 0) bytes[at]! ^= 1 << Math.floor(this.#chance() * 8);
    return bytes;
  }

  // ---- when things happen ----

  async #perform<T>(call: Call<T>): Promise<T> {
    const { world } = this.#options;
    const fault = this.#fault(call);
    const there = this.#latency();
    const back = this.#latency();
    if (fault === 'refused' || fault === 'throttled') {
      await world.wait(there + back, call.caller);
      this.#note(call, fault);
      throw this.#failure('unavailable', call.key, fault === 'throttled' ? 200 + this.#chance() * 3000 : undefined);
    }
    if (fault === 'late') return this.#performLate(call, there, back);
    const outcome = await this.#take(call, there, fault);
    if (fault === 'unanswered') {
      await world.wait(back + this.#chance() * 5000, call.caller);
      throw this.#failure(isWrite(call.operation) ? 'indeterminate' : 'unavailable', call.key);
    }
    await world.wait(back, call.caller);
    if ('error' in outcome) throw outcome.error;
    return fault === 'repeated' && call.repeated !== undefined ? call.repeated : outcome.value;
  }

  /** Nobody knows, says the client; it happens all the same, perhaps minutes later. */
  async #performLate<T>(call: Call<T>, there: number, back: number): Promise<T> {
    const delayMs = this.#chance() < 0.5 ? this.#chance() * 300 : this.#chance() * 120_000;
    void this.#take(call, there + back + delayMs, 'late');
    await this.#world.wait(there + back, call.caller);
    throw this.#failure(isWrite(call.operation) ? 'indeterminate' : 'unavailable', call.key);
  }

  /** Lets the effect happen in `ms`. It belongs to nobody: it does not need its caller any more. */
  #take<T>(call: Call<T>, ms: number, fault: Fault): Promise<{ value: T } | { error: unknown }> {
    return new Promise((resolve) => {
      this.#world.in(ms, null, () => {
        try {
          const value = call.effect(fault);
          this.#note(call, `${fault === 'none' ? '' : `(${fault}) `}${describe(value)}`);
          resolve({ value });
        } catch (error) {
          this.#note(call, `${fault === 'none' ? '' : `(${fault}) `}failed`);
          resolve({ error });
        }
      });
    });
  }

  #latency(): number {
    const slow = this.#chance() < 0.05 ? 10 : 1;
    return -Math.log(1 - this.#chance()) * this.#options.plan.latencyMs * slow * 0.5;
  }

  #fault({ operation, key, caller }: Call<unknown>): Fault {
    const { plan, chaos } = this.#options;
    const drawn = this.#chance();
    const applies: Record<Exclude<Fault, 'none'>, boolean> = {
      refused: true,
      throttled: true,
      unanswered: true,
      late: isWrite(operation),
      repeated: operation === 'create',
      // What carries no hash would be believed.
      damaged: operation === 'get' && /\.(json|duckdb)$/.test(key),
      partial: operation === 'delete',
    };
    if (this.#world.nowMs < this.outageUntil && !chaos.isOver) return drawn < 0.7 ? 'refused' : 'unanswered';
    let below = 0;
    for (const [fault, isPossible] of Object.entries(applies) as [Exclude<Fault, 'none'>, boolean][]) {
      if (!isPossible) continue;
      const probability = plan.faults[fault];
      if (chaos.strikes(`${fault} ${operation} of ${caller.name}`, drawn - below, drawn < below ? 0 : probability))
        return fault;
      below += probability;
    }
    return 'none';
  }

  #failure(kind: ErrorKind, key: string, retryAfterMs?: number): AppErrorType {
    return new this.#options.AppError(kind, `Simulated: ${key}.`, retryAfterMs === undefined ? {} : { retryAfterMs });
  }

  #note({ caller, operation, key }: Call<unknown>, what: string): void {
    this.#world.note(caller.name, `${operation} ${shorten(key)}: ${what}`);
  }
}

function infoOf({ key, bytes, modifiedAt }: StoredObject): ObjectInfo {
  return { key, size: bytes.byteLength, modifiedAt: new Date(modifiedAt) };
}

/** Without hashes: DuckDB may write other bytes for the same state, and nothing else depends on them. */
export function shorten(key: string): string {
  return key.replaceAll(/[0-9a-f]{64}/g, '…').replaceAll(/0{12}(\d{4})/g, '$1');
}

function describe(value: unknown): string {
  if (value === null) return 'absent';
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (value && typeof value === 'object' && 'objects' in value) return `${(value as ListPage).objects.length} keys`;
  return value === undefined ? 'done' : 'there';
}
