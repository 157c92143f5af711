/**
 * A store with named faults, chosen for each operation: what networks, disks and providers do at their worst, within
 * the contract. For tests; it ships as code so that every engine can be tried with it.
 */
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { OperationName } from './counting.ts';
import type { OperationOptions, Store } from './store.ts';

/**
 * - `delay`: begins later.
 * - `fail-before`: answers `unavailable`; nothing happened.
 * - `fail-after`: it happened, but the answer is `indeterminate` (writes) or `unavailable` (reads).
 * - `answer-exists`: a create that happened says `exists`, as when a client repeats it on its own.
 * - `hang`: never answers, until aborted.
 * - `denied`: a read-only drive, a revoked key.
 * - `disk-full`: `unavailable`; nothing happened.
 * - `cut`: a `get` or `read` loses everything after `bytes`; `read` says so by failing, `get` by `unavailable`.
 * - `truncate`: a `get` or `read` ends after `bytes` without a word.
 * - `corrupt`: one bit of what is read is wrong.
 */
export type Fault =
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'fail-before' | 'fail-after' | 'answer-exists' | 'hang' | 'denied' | 'disk-full' | 'corrupt' }
  | { readonly kind: 'cut' | 'truncate'; readonly bytes: number };

export interface FaultOptions {
  readonly runtime: Runtime;
  /** The fault of this call, null for none. Asked once for each operation, in the order of the calls. */
  readonly choose: (operation: OperationName, key: string) => Fault | null;
}

export function withFaults(store: Store, { runtime, choose }: FaultOptions): Store {
  const around = async <T>(
    operation: OperationName,
    key: string,
    work: () => Promise<T>,
    options?: OperationOptions,
  ): Promise<[T, Fault | null]> => {
    const fault = choose(operation, key);
    await failBefore(fault, key, runtime, options?.signal);
    const value = await work();
    if (fault?.kind !== 'fail-after') return [value, fault];
    const isWrite = operation === 'create' || operation === 'copy' || operation === 'delete';
    throw new AppError(isWrite ? 'indeterminate' : 'unavailable', `Injected: the answer for ${key} was lost.`);
  };
  return {
    location: store.location,
    create: async (key, body, options) => {
      const [outcome, fault] = await around('create', key, () => store.create(key, body, options), options);
      return fault?.kind === 'answer-exists' ? 'exists' : outcome;
    },
    get: async (key, options) => {
      const [bytes, fault] = await around('get', key, () => store.get(key, options), options);
      return bytes && damage(bytes, fault);
    },
    read: async (key, options) => {
      const [stream, fault] = await around('read', key, () => store.read(key, options), options);
      return stream && damageStream(stream, fault);
    },
    head: async (key, options) => (await around('head', key, () => store.head(key, options), options))[0],
    list: async (prefix, options) => (await around('list', prefix, () => store.list(prefix, options), options))[0],
    copy: async (from, to, options) => (await around('copy', to, () => store.copy(from, to, options), options))[0],
    delete: async (keys, options) =>
      (await around('delete', keys[0] ?? '', () => store.delete(keys, options), options))[0],
  };
}

async function failBefore(fault: Fault | null, key: string, runtime: Runtime, signal?: AbortSignal): Promise<void> {
  switch (fault?.kind) {
    case 'delay':
      return runtime.sleep(fault.ms, signal);
    case 'fail-before':
      throw new AppError('unavailable', `Injected: ${key} could not be reached.`);
    case 'denied':
      throw new AppError('denied', `Injected: ${key} may not be used.`);
    case 'disk-full':
      throw new AppError('unavailable', `Injected: no room for ${key}.`);
    case 'hang':
      return untilAborted(key, signal);
    default:
  }
}

function untilAborted(key: string, signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(new AppError('unavailable', `Injected: ${key} never answered.`)), {
      once: true,
    });
  });
}

function damage(bytes: Uint8Array, fault: Fault | null): Uint8Array {
  switch (fault?.kind) {
    case 'cut':
      throw new AppError('unavailable', 'Injected: the connection was cut.');
    case 'truncate':
      return bytes.slice(0, fault.bytes);
    case 'corrupt':
      return flipBit(bytes);
    default:
      return bytes;
  }
}

async function* damageStream(stream: AsyncIterable<Uint8Array>, fault: Fault | null): AsyncGenerator<Uint8Array> {
  let left = fault?.kind === 'cut' || fault?.kind === 'truncate' ? fault.bytes : Infinity;
  let corrupt = fault?.kind === 'corrupt';
  for await (const chunk of stream) {
    const part = chunk.slice(0, Math.min(left, chunk.byteLength));
    left -= part.byteLength;
    if (part.byteLength > 0) yield corrupt ? flipBit(part) : part;
    corrupt = false;
    if (left > 0) continue;
    if (fault?.kind === 'cut') throw new AppError('unavailable', 'Injected: the connection was cut.');
    return;
  }
}

function flipBit(bytes: Uint8Array): Uint8Array {
  const damaged = Uint8Array.from(bytes);
  const middle = damaged.byteLength >> 1;
  if (damaged.byteLength > 0) damaged[middle] = damaged[middle]! ^ 1;
  return damaged;
}
