/**
 * The operating system's errors as kinds, mapped once.
 */
import { AppError, isAppError, type ErrorKind } from '../errors.ts';

/** The code of a failed system call, such as `ENOENT`; undefined for other errors. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const kinds: Readonly<Record<string, readonly [ErrorKind, string, string]>> = {
  EACCES: [
    'denied',
    'may not be read or written',
    'Give the user that this process runs as the right to read and write it.',
  ],
  EPERM: [
    'denied',
    'may not be read or written',
    'Give the user that this process runs as the right to read and write it.',
  ],
  EROFS: ['denied', 'is on a read-only file system', 'Mount it for writing, or name another folder.'],
  ENOSPC: ['unavailable', 'is on a disk that is full', 'Free some room; nothing was written.'],
  EDQUOT: ['unavailable', 'is over its quota', 'Free some room, or raise the quota; nothing was written.'],
  EFBIG: ['unavailable', 'may not hold a file that large', 'Raise the limit on file sizes; nothing was written.'],
  ENOTDIR: ['unavailable', 'is not a folder', 'Name a folder, or move away the file that has its name.'],
  EMFILE: ['unavailable', 'could not be opened: too many files are open', 'Raise the limit on open files.'],
  ENFILE: ['unavailable', 'could not be opened: too many files are open', 'Raise the limit on open files.'],
  ENAMETOOLONG: ['invalid', 'has too long a name', 'Choose a shorter name for the database.'],
};

/** The AppError for a failed system call on `path`, doing `what` ("read", "written"). AppErrors pass through. */
export function mapErrno(error: unknown, path: string): AppError {
  if (isAppError(error)) return error;
  const known = kinds[errnoOf(error) ?? ''];
  if (known) return new AppError(known[0], `${path} ${known[1]}.`, { cause: error, hint: known[2] });
  return new AppError('unavailable', `${path} cannot be used (${errnoOf(error) ?? 'unknown error'}).`, {
    cause: error,
    hint: 'Check that the drive is mounted and healthy.',
  });
}
