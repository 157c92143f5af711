/**
 * A store whose keys lie below a folder of another store.
 */
import { requireKey, requirePrefix } from '../store/keys.ts';
import type { ObjectInfo, Store } from '../store/store.ts';

/** `folder` without a slash at its end, such as `databases/staging`. */
export function withPrefix(store: Store, folder: string): Store {
  requireKey(folder);
  const inside = (key: string): string => {
    requireKey(key);
    return `${folder}/${key}`;
  };
  const outside = (info: ObjectInfo): ObjectInfo => ({ ...info, key: info.key.slice(folder.length + 1) });
  return {
    location: `${store.location}/${folder}`,
    create: async (key, body, options) => store.create(inside(key), body, options),
    get: async (key, options) => store.get(inside(key), options),
    head: async (key, options) => {
      const info = await store.head(inside(key), options);
      return info && outside(info);
    },
    list: async (prefix, options = {}) => {
      requirePrefix(prefix);
      const after = options.after === undefined ? {} : { after: `${folder}/${options.after}` };
      const page = await store.list(`${folder}/${prefix}`, { ...options, ...after });
      return { objects: page.objects.map(outside), more: page.more };
    },
    copy: async (from, to, options) => store.copy(inside(from), inside(to), options),
    delete: async (keys, options) => store.delete(keys.map(inside), options),
  };
}
