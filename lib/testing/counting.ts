/**
 * A store that counts what passes: operations by name, and bytes up and down.
 */
import type { Store } from '../store/store.ts';

export type OperationName = 'create' | 'get' | 'head' | 'list' | 'copy' | 'delete';

export interface Counts {
  readonly operations: Readonly<Record<OperationName, number>>;
  /** Bytes of the bodies given to `create`, whether they were stored or not. */
  readonly bytesUp: number;
  /** Bytes received by `get`. */
  readonly bytesDown: number;
}

export interface CountingStore extends Store {
  /** What was counted so far; it does not change afterwards. */
  counts(): Counts;
}

export function withCounting(store: Store): CountingStore {
  const operations: Record<OperationName, number> = {
    create: 0,
    get: 0,
    head: 0,
    list: 0,
    copy: 0,
    delete: 0,
  };
  let bytesUp = 0;
  let bytesDown = 0;
  return {
    location: store.location,
    counts: () => ({ operations: { ...operations }, bytesUp, bytesDown }),
    create: (key, body, options) => {
      operations.create++;
      bytesUp += body instanceof Uint8Array ? body.byteLength : body.size;
      return store.create(key, body, options);
    },
    get: async (key, options) => {
      operations.get++;
      const bytes = await store.get(key, options);
      bytesDown += bytes?.byteLength ?? 0;
      return bytes;
    },
    head: (key, options) => {
      operations.head++;
      return store.head(key, options);
    },
    list: (prefix, options) => {
      operations.list++;
      return store.list(prefix, options);
    },
    copy: (from, to, options) => {
      operations.copy++;
      return store.copy(from, to, options);
    },
    delete: (keys, options) => {
      operations.delete++;
      return store.delete(keys, options);
    },
  };
}
