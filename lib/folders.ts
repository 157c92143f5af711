/** Folders of our own in the temporary folder, where anybody may have made something by a name that can be guessed. */
import type { Stats } from 'node:fs';
import { lstat, mkdir } from 'node:fs/promises';
import { AppError } from './errors.ts';

/**
 * Makes the folder, and those above it, unless it is there.
 *
 * @throws AppError `unavailable` when it is a link, or others own it or may write into it; the system's error when it cannot be made
 * @example await makeOwnFolder('/tmp/eider-files')
 */
export async function makeOwnFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 }).catch(async (error: unknown) => {
    // The name may belong to something else, such as a dangling link.
    await requireOwnFolder(path).catch((fault: unknown) => {
      throw fault instanceof AppError ? fault : error;
    });
  });
  await requireOwnFolder(path);
}

/** @throws AppError as `makeOwnFolder` does; the system's error when it is not there */
export async function requireOwnFolder(path: string): Promise<void> {
  const fault = faultOf(await lstat(path));
  if (fault === null) return;
  throw new AppError('unavailable', `${path} ${fault}, so nothing is put there.`, {
    hint: 'Remove it, or set TMPDIR to a folder that only this user may write into.',
  });
}

function faultOf(found: Stats): string | null {
  if (!found.isDirectory()) return 'is a link, or no folder';
  // Windows knows neither.
  const user = process.getuid?.();
  if (user === undefined) return null;
  if (found.uid !== user) return 'belongs to another user';
  return (found.mode & 0o022) === 0 ? null : 'may be written into by others';
}
