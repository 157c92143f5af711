import { AppError, type ErrorKind } from '../errors.ts';

/** `ENOENT` and the like; Node's own codes (`ERR_…`) are none. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

type ErrnoMeaning = readonly [kind: ErrorKind, problem: string, hint: string];

const noRight: ErrnoMeaning = [
  'denied',
  'may not be read or written',
  'Give the user of this process the right to read and write it.',
];
const tooManyFiles: ErrnoMeaning = [
  'unavailable',
  'could not be opened: too many files are open',
  'Raise the limit on open files.',
];

const meanings: Readonly<Record<string, ErrnoMeaning>> = {
  EACCES: noRight,
  EPERM: noRight,
  ENOENT: ['unavailable', 'was removed while it was used', 'Try again; if it happens again, find out what removes it.'],
  EROFS: ['denied', 'is on a read-only file system', 'Mount it for writing, or name another folder.'],
  ENOSPC: ['unavailable', 'is on a disk that is full', 'Free some room; nothing was written.'],
  EDQUOT: ['unavailable', 'is over its quota', 'Free some room, or raise the quota; nothing was written.'],
  EFBIG: ['unavailable', 'may not hold a file that large', 'Raise the limit on file sizes; nothing was written.'],
  ENOTDIR: ['unavailable', 'has a file where a folder should be', 'Name a folder, or move away the file.'],
  EISDIR: ['unavailable', 'is a folder', 'Move away the folder that has the name of an object.'],
  ENOTEMPTY: ['unavailable', 'is a folder', 'Move away the folder that has the name of an object.'],
  EXDEV: ['unavailable', 'lies on another file system than its root', 'Keep the root and all below it on one drive.'],
  EMFILE: tooManyFiles,
  ENFILE: tooManyFiles,
  ENAMETOOLONG: ['invalid', 'has too long a name', 'Choose a shorter name for the database.'],
};

/** Errors of our own pass through: a defect must not pass for an outage. */
export function mapErrno(error: unknown, path: string): unknown {
  const code = errnoOf(error);
  if (code === undefined) return error;
  const [kind, problem, hint] = meanings[code] ?? [
    'unavailable',
    `cannot be used (${code})`,
    'Check that the drive is mounted and healthy.',
  ];
  return new AppError(kind, `${path} ${problem}.`, { cause: error, hint });
}

export async function onPath<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw mapErrno(error, path);
  }
}
