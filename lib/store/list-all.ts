/** All objects below a prefix, page after page. */
import type { ObjectInfo, OperationOptions, Store } from './store.ts';

/** In the order of their keys. @throws AppError as `Store.list` */
export async function listAll(
  store: Pick<Store, 'list'>,
  prefix: string,
  options: OperationOptions = {},
): Promise<ObjectInfo[]> {
  const objects: ObjectInfo[] = [];
  for (let after: string | undefined; ;) {
    const page = await store.list(prefix, { ...options, ...(after === undefined ? {} : { after }) });
    objects.push(...page.objects);
    after = page.objects.at(-1)?.key;
    if (!page.more || after === undefined) return objects;
  }
}
