/**
 * A store with named faults, chosen for each operation: what networks, disks and providers do at their worst, within
 * the contract.
 */
import { AppError } from '../errors.ts';
import { type Runtime, systemRuntime } from '../runtime.ts';
import type { OperationName } from './counting.ts';
import type { OperationOptions, Store } from '../store/store.ts';

/**
 * - `delay`: begins later.
 * - `fail-before`: answers `unavailable`; nothing happened.
 * - `fail-after`: it happened, but the answer is `indeterminate` (writes) or `unavailable` (reads).
 * - `answer-exists`: a create that happened says `exists`, as when a client repeats it on its own.
 * - `hang`: never answers, until aborted; then `indeterminate` (writes) or `unavailable` (reads). Nothing happened.
 * - `denied`: a read-only drive, a revoked key; nothing happened.
 * - `disk-full`: `unavailable`; nothing happened.
 * - `throttled`: `unavailable`, to be tried again after `ms`; nothing happened.
 * - `cut`: the connection of a `get` is cut: `unavailable`.
 * - `truncate`: a `get` silently ends after `bytes`.
 * - `corrupt`: one bit of what `get` gives is wrong.
 *
 * The last three leave other operations alone.
 */
export type Fault =
  | { readonly kind: 'delay' | 'throttled'; readonly ms: number }
  | {
      readonly kind:
        'fail-before' | 'fail-after' | 'answer-exists' | 'hang' | 'denied' | 'disk-full' | 'corrupt' | 'cut';
    }
  | { readonly kind: 'truncate'; readonly bytes: number };

export interface FaultOptions {
  readonly runtime?: Runtime;
  /** The fault of this call, null for none. Asked once for each operation, in the order of the calls. */
  readonly choose: (operation: OperationName, key: string) => Fault | null;
}

/** `key` is what messages name: the object, the prefix of a `list`, the target of a `copy`, the first key of a `delete`. */
interface FaultyCall {
  readonly operation: OperationName;
  readonly key: string;
  readonly options: OperationOptions | undefined;
}

/** @example withFaults(store, { choose: (operation) => (operation === 'create' ? { kind: 'fail-after' } : null) }) */
export function withFaults(store: Store, { runtime = systemRuntime, choose }: FaultOptions): Store {
  const perform = async <T>(call: FaultyCall, work: () => Promise<T>): Promise<[T, Fault | null]> => {
    const fault = choose(call.operation, call.key);
    await failBefore(fault, call, runtime);
    const value = await work();
    if (fault?.kind === 'fail-after') throw new AppError(unknownKind(call), `Injected: no answer for ${call.key}.`);
    return [value, fault];
  };
  const plain = async <T>(call: FaultyCall, work: () => Promise<T>): Promise<T> => (await perform(call, work))[0];
  return {
    location: store.location,
    create: async (key, body, options) => {
      const call: FaultyCall = { operation: 'create', key, options };
      const [outcome, fault] = await perform(call, () => store.create(key, body, options));
      return fault?.kind === 'answer-exists' ? 'exists' : outcome;
    },
    get: async (key, options) => {
      const [bytes, fault] = await perform({ operation: 'get', key, options }, () => store.get(key, options));
      return bytes && damage(bytes, fault);
    },
    head: (key, options) => plain({ operation: 'head', key, options }, () => store.head(key, options)),
    list: (prefix, options) => plain({ operation: 'list', key: prefix, options }, () => store.list(prefix, options)),
    copy: (from, to, options) => plain({ operation: 'copy', key: to, options }, () => store.copy(from, to, options)),
    delete: (keys, options) =>
      plain({ operation: 'delete', key: keys[0] ?? '', options }, () => store.delete(keys, options)),
  };
}

async function failBefore(fault: Fault | null, call: FaultyCall, runtime: Runtime): Promise<void> {
  const { key, options } = call;
  switch (fault?.kind) {
    case 'delay':
      return runtime.sleep(fault.ms, options?.signal).catch((cause: unknown) => {
        throw new AppError('unavailable', `Injected: ${key} was stopped before it began.`, { cause });
      });
    case 'fail-before':
      throw new AppError('unavailable', `Injected: ${key} could not be reached.`);
    case 'denied':
      throw new AppError('denied', `Injected: ${key} may not be used.`);
    case 'disk-full':
      throw new AppError('unavailable', `Injected: no room for ${key}.`);
    case 'throttled':
      throw new AppError('unavailable', `Injected: too many requests for ${key}.`, { retryAfterMs: fault.ms });
    case 'hang':
      await untilAborted(options?.signal);
      throw new AppError(unknownKind(call), `Injected: ${key} never answered.`, { cause: options?.signal?.reason });
    default:
  }
}

function unknownKind({ operation }: FaultyCall): 'indeterminate' | 'unavailable' {
  return operation === 'create' || operation === 'copy' || operation === 'delete' ? 'indeterminate' : 'unavailable';
}

function untilAborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) resolve();
    else signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}

function damage(bytes: Uint8Array, fault: Fault | null): Uint8Array {
  switch (fault?.kind) {
    case 'cut':
      throw cutOff();
    case 'truncate':
      return new Uint8Array(bytes.subarray(0, fault.bytes));
    case 'corrupt':
      return flipBit(bytes);
    default:
      return bytes;
  }
}

function flipBit(bytes: Uint8Array): Uint8Array {
  const damaged = new Uint8Array(bytes);
  const middle = damaged.byteLength >> 1;
  if (damaged.byteLength > 0) damaged[middle] = damaged[middle]! ^ 1;
  return damaged;
}

function cutOff(): AppError {
  return new AppError('unavailable', 'Injected: the connection was cut.');
}
