/**
 * The one step of a write that others see: giving a finished file its name. Where the answer may be lost, the file
 * itself is looked at.
 */
import { type FileHandle, link, open, lstat, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { errnoOf, onPath } from '../errno.ts';
import type { CreateOutcome } from '../store.ts';
import { notAFile, nullIfAbsent, type Root, syncFolder } from './files.ts';

/** Errors with which the system says that it did nothing. After others (a timeout, say) the drive may yet have done it. */
const refusals = new Set(
  'EACCES EPERM EROFS ENOENT ENOTDIR EISDIR ENOTEMPTY EXDEV EMLINK ENOSPC EDQUOT ENAMETOOLONG ELOOP ENOSYS ENOTSUP EOPNOTSUPP'.split(
    ' ',
  ),
);
const withoutHardLinks = new Set(['EPERM', 'EMLINK', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP']);

export class Names {
  readonly #root: Root;

  constructor(root: Root) {
    this.#root = root;
  }

  async claim(temporary: Temporary, path: string): Promise<CreateOutcome> {
    try {
      await this.#root.within(dirname(path), () => link(temporary.path, path));
    } catch (error) {
      if ((await this.#outcomeOf(error, temporary, path)) === 'exists') return 'exists';
    }
    await this.confirm(path);
    return 'created';
  }

  /**
   * What a failed `link` did. NFS repeats a link whose answer was lost, and then finds that the name exists, by its
   * own doing: open(2) says to look at the file, https://man7.org/linux/man-pages/man2/open.2.html under O_EXCL.
   */
  async #outcomeOf(refusal: unknown, temporary: Temporary, path: string): Promise<CreateOutcome> {
    const code = errnoOf(refusal);
    if (code === undefined) throw refusal;
    if (withoutHardLinks.has(code)) throw noHardLinks(path, refusal);
    if (refusals.has(code)) throw refusal;
    const [ours, found] = await Promise.all([
      temporary.file.stat({ bigint: true }),
      nullIfAbsent(() => stat(path, { bigint: true })),
    ]).catch((cause: unknown) => {
      throw unconfirmed(path, cause);
    });
    if (found?.ino === ours.ino && found.dev === ours.dev) return 'created';
    if (code !== 'EEXIST') throw unconfirmed(path, refusal);
    if (found && !found.isFile()) throw notAFile(path);
    return 'exists';
  }

  async replace(temporary: Temporary, path: string): Promise<void> {
    try {
      await this.#root.within(dirname(path), () => rename(temporary.path, path));
    } catch (error) {
      const code = errnoOf(error);
      // The folder is there, so what is absent is our file: a repeated call may have found its own work done.
      if (code === undefined || (refusals.has(code) && code !== 'ENOENT')) throw error;
      throw unconfirmed(path, error);
    }
    await this.confirm(path);
  }

  /** Makes a change to the name `path` survive a crash, and makes sure that it was made in the right root. */
  async confirm(path: string): Promise<void> {
    try {
      await nullIfAbsent(() => syncFolder(dirname(path)));
      await this.#root.require();
    } catch (cause) {
      throw unconfirmed(path, cause);
    }
  }
}

function unconfirmed(path: string, cause: unknown): AppError {
  return new AppError('indeterminate', `The drive did not confirm the change of ${path}.`, {
    cause,
    hint: 'It may have happened. Read before you repeat it, and check that the drive is mounted and healthy.',
  });
}

function noHardLinks(path: string, cause: unknown): AppError {
  return new AppError('denied', `The file system of ${path} refused a hard link.`, {
    cause,
    hint: 'Use a drive that can make hard links (ext4, XFS, NFS and most others; not FAT, and not most mounted buckets).',
  });
}

/** `~` is in no key, so no key leads here. */
const folderName = '.eider~tmp';
/** An id. */
const ownName = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const hourMs = 3_600_000;
const staleMs = 24 * hourMs;

export interface Temporary {
  readonly path: string;
  readonly file: FileHandle;
}

export class Temporaries {
  readonly #folder: string;
  readonly #root: Root;
  readonly #runtime: Runtime;
  #sweptMs = -Infinity;

  constructor(root: Root, runtime: Runtime) {
    this.#folder = join(root.path, folderName);
    this.#root = root;
    this.#runtime = runtime;
  }

  /** Runs `work` on a new, empty file, whose name goes when `work` ends; another name that it was given stays. */
  async use<T>(work: (temporary: Temporary) => Promise<T>): Promise<T> {
    const temporary = await onPath(this.#folder, () => this.#root.within(this.#folder, () => this.#make()));
    try {
      return await work(temporary);
    } finally {
      // Closed first: NFS keeps a removed file under another name for as long as it is open.
      await temporary.file.close().catch(() => undefined);
      await rm(temporary.path, { force: true }).catch(() => undefined);
    }
  }

  async #make(): Promise<Temporary> {
    await this.#requireFolder();
    const path = join(this.#folder, this.#runtime.uuid());
    return { path, file: await open(path, 'wx', 0o600) };
  }

  /** A link there would make Eider write and remove files elsewhere. */
  async #requireFolder(): Promise<void> {
    if ((await lstat(this.#folder)).isDirectory()) return;
    throw new AppError('denied', `${this.#folder} is a link, or no folder.`, {
      hint: 'Remove it; Eider creates a folder instead.',
    });
  }

  /** Removes what writers that died a day ago left, at most once an hour. Never fails. */
  async sweep(): Promise<void> {
    const now = this.#runtime.now();
    if (Math.abs(now - this.#sweptMs) < hourMs) return;
    this.#sweptMs = now;
    const names = await this.#requireFolder().then(
      () => readdir(this.#folder),
      () => [],
    );
    for (const name of names.filter((each) => ownName.test(each))) {
      const path = join(this.#folder, name);
      const found = await lstat(path).catch(() => null);
      if (found?.isFile() && now - found.mtimeMs > staleMs) await rm(path, { force: true }).catch(() => undefined);
    }
  }
}
