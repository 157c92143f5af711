/** Uploads in the store of the database: one object a part. */
import type { Runtime } from '../../runtime.ts';
import type { Store } from '../../store/store.ts';
import { layoutOf } from '../../sync/layout.ts';
import type { Uploads } from '../database.ts';

const abandonedMs = 24 * 3_600_000;

export function uploadsIn(store: Store, name: string, runtime: Runtime): Uploads {
  const layout = layoutOf(name);
  const objectsOf = async (upload: string, signal?: AbortSignal) =>
    (await store.list(layout.uploadFolder(upload), options(signal))).objects;
  return {
    keep: (upload, part, bytes, signal) => store.create(layout.uploadKey(upload, part), bytes, options(signal)),
    read: (upload, part, signal) => store.get(layout.uploadKey(upload, part), options(signal)),
    list: async (upload, signal) =>
      (await objectsOf(upload, signal)).flatMap(({ key, size }) => {
        const part = layout.uploadPart(key) ?? 0;
        return part > 0 ? [{ part, bytes: size }] : [];
      }),
    drop: async (upload) => {
      const objects = await objectsOf(upload);
      if (objects.length > 0) await store.delete(objects.map(({ key }) => key));
    },
    dropAbandoned: async () => {
      const { objects } = await store.list(layout.uploadPrefix);
      const oldest = runtime.now() - abandonedMs;
      const parts = objects.filter(({ key }) => layout.uploadPart(key) !== null);
      const { true: old = [], false: open = [] } = Object.groupBy(
        parts,
        ({ modifiedAt }) => String(modifiedAt.getTime() < oldest) as 'true' | 'false',
      );
      if (old.length > 0) await store.delete(old.map(({ key }) => key));
      return open.filter(({ key }) => layout.uploadPart(key) === 0).length;
    },
  };
}

function options(signal?: AbortSignal): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
