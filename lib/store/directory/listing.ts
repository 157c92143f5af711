/** What lies under a prefix, read from the folders, without what others keep there. */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../errno.ts';
import { compareKeys, isKey } from '../keys.ts';
import type { ListPage, ObjectInfo } from '../store.ts';
import { nullIfAbsent } from './files.ts';

/** What an NFS client calls a file that was removed while somebody had it open. */
const removedOnNfs = /^\.nfs[0-9a-f]{12,}$/i;

/** Keys of what lies below `root` and begins with `prefix`, ascending. Some may turn out to be no objects. */
export async function keysUnder(root: string, prefix: string): Promise<string[]> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  return (await keysInFolder(root, folder, prefix)).toSorted(compareKeys);
}

/** `folder` is a prefix that ends in `/`, or nothing. */
async function keysInFolder(root: string, folder: string, prefix: string): Promise<string[]> {
  const entries = await entriesOf(join(root, folder));
  const keys: string[] = [];
  for (const entry of entries) {
    const key = `${folder}${entry.name}`;
    if (!key.startsWith(prefix) || !isKey(key) || removedOnNfs.test(entry.name)) continue;
    if (entry.isDirectory()) keys.push(...(await keysInFolder(root, `${key}/`, prefix)));
    else if (entry.isFile() || entry.isSymbolicLink()) keys.push(key);
  }
  return keys;
}

/** None when the folder is absent, or is an object: nothing lies below one. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return [];
    throw error;
  }
}

/** The first `limit` objects of `keys`, passing over what has gone, or is no file, by now. */
export async function firstObjects(root: string, keys: readonly string[], limit: number): Promise<ListPage> {
  const objects: ObjectInfo[] = [];
  let seen = 0;
  while (seen < keys.length && objects.length < limit) {
    const batch = keys.slice(seen, seen + limit - objects.length);
    seen += batch.length;
    const found = await Promise.all(batch.map((key) => describe(root, key)));
    objects.push(...found.filter((info) => info !== null));
  }
  return { objects, more: seen < keys.length };
}

async function describe(root: string, key: string): Promise<ObjectInfo | null> {
  const found = await nullIfAbsent(() => stat(join(root, key))).catch((error: unknown) => {
    // A link of somebody else's that leads to itself.
    if (errnoOf(error) === 'ELOOP') return null;
    throw error;
  });
  return found?.isFile() ? { key, size: found.size, modifiedAt: found.mtime } : null;
}
