/** Folders for files that an answer is made of, and sending such a file. */
import { createReadStream } from 'node:fs';
import { lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { App } from '../../app.ts';
import { AppError } from '../../errors.ts';
import { makeOwnFolder } from '../../folders.ts';

const abandonedMs = 3_600_000;

/** A new folder; the caller removes it. */
export async function makeTemporaryFolder(app: App): Promise<string> {
  const root = join(app.examine().config?.tmpDirectory ?? '/tmp', 'eider-files');
  const folder = join(root, app.runtime.uuid());
  try {
    await makeOwnFolder(root);
    await mkdir(folder, { mode: 0o700 });
    await removeAbandoned(root, app.runtime.now() - abandonedMs);
    return folder;
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('unavailable', 'The folder for temporary files cannot be used.', { cause });
  }
}

async function removeAbandoned(root: string, beforeMs: number): Promise<void> {
  for (const name of await readdir(root)) {
    const folder = join(root, name);
    const found = await lstat(folder).catch(() => null);
    if (found && found.mtimeMs < beforeMs) await rm(folder, { recursive: true, force: true });
  }
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** The file as a body; its folder is removed when the body was read or cancelled. */
export function fileBody(path: string, folder: string): ReadableStream<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: 256 * 1024 });
  file.once('close', () => void removeFolder(folder).catch(() => undefined));
  return Readable.toWeb(file) as ReadableStream<Uint8Array>;
}
