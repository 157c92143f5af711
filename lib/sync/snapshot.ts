/**
 * Snapshots: listing them, bringing one into a file, uploading one from a file. The hash in the name is checked in both
 * directions.
 */
import { createHash } from 'node:crypto';
import { read } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../errors.ts';
import { type ByteRange, listAll, type StreamBody } from '../store/store.ts';
import type { SyncContext } from './context.ts';
import { type Moment, momentNow } from './head.ts';
import type { SnapshotName } from './layout.ts';
import { freeBytes } from './local-disk.ts';

export interface SnapshotInfo extends SnapshotName {
  readonly bytes: number;
  readonly modifiedAt: Date;
}

/** All snapshots, newest first; of one version, the one made last first. */
export async function listSnapshots({ store, layout }: Pick<SyncContext, 'store' | 'layout'>): Promise<SnapshotInfo[]> {
  const found = (await listAll(store, layout.snapshotPrefix)).flatMap(({ key, size, modifiedAt }) => {
    const name = layout.snapshotName(key);
    return name ? [{ ...name, bytes: size, modifiedAt }] : [];
  });
  return found.toSorted((a, b) => b.version - a.version || b.modifiedAt.getTime() - a.modifiedAt.getTime());
}

/** What was found, and when the looking began. */
export interface Look {
  readonly lookedAt: Moment;
  /** Newest first. */
  readonly snapshots: readonly SnapshotInfo[];
}

/** Lists the snapshots; needs no DuckDB, so a cold start may begin with it while that is still loading. */
export async function lookAtSnapshots(context: Pick<SyncContext, 'store' | 'layout' | 'runtime'>): Promise<Look> {
  const lookedAt = momentNow(context.runtime);
  return { lookedAt, snapshots: await listSnapshots(context) };
}

/** What a download found: the bytes' hash, and how many there were. */
export interface Downloaded {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Brings an object into the file at `path`, replacing what is there, in parallel ranges when it is large. Null when the
 * store says that it is absent.
 */
export function downloadObject(
  context: SyncContext,
  key: string,
  bytes: number,
  path: string,
): Promise<Downloaded | null> {
  const transfer = { direction: 'download', key, totalBytes: bytes } as const;
  return context.transfers.follow(transfer, async (moved) => {
    requireRoom(path, bytes, 'The replica');
    const hash = createHash('sha256');
    const file = await open(path, 'w', 0o600);
    try {
      let written = 0;
      for await (const chunk of fetchInOrder(context, key, bytes)) {
        if (chunk === null) return null;
        hash.update(chunk);
        // A disk that fills up takes part of a chunk first, and refuses only what follows.
        for (let done = 0; done < chunk.byteLength;) {
          done += (await file.write(chunk, done, chunk.byteLength - done, written + done)).bytesWritten;
        }
        written += chunk.byteLength;
        moved(chunk.byteLength);
      }
      return { sha256: hash.digest('hex'), bytes: written };
    } finally {
      await file.close();
    }
  });
}

/** Checks first whether the bytes fit: a full disk is reported before anything is written. */
export function requireRoom(path: string, bytes: number, what: string): void {
  const free = freeBytes(dirname(path));
  if (free >= bytes) return;
  throw new AppError(
    'unavailable',
    `${what} needs ${inMegabytes(bytes)} MB in ${dirname(path)}, where ${inMegabytes(free)} MB are free.`,
    { hint: 'Free some room in the temporary folder, or set TMPDIR to another one.' },
  );
}

function inMegabytes(bytes: number): number {
  return Math.ceil(bytes / 1_000_000);
}

/** How many ranges are under way at once; with 8 MiB each, what a download holds in memory. */
const parallelParts = 8;

async function* fetchInOrder(context: SyncContext, key: string, bytes: number): AsyncGenerator<Uint8Array | null> {
  const { store, settings } = context;
  if (bytes <= settings.downloadPartBytes) {
    yield await store.get(key);
    return;
  }
  const parts: Promise<Uint8Array | null>[] = [];
  let next = 0;
  const fill = (): void => {
    while (parts.length < parallelParts && next < bytes) {
      const range: ByteRange = { start: next, end: Math.min(next + settings.downloadPartBytes, bytes) };
      next = range.end;
      const part = store.get(key, { range });
      // A failure is thrown where the part is awaited; until then it must not count as unhandled.
      part.catch(() => undefined);
      parts.push(part);
    }
  };
  for (fill(); parts.length > 0; fill()) yield await parts.shift()!;
}

const readAt = promisify(read);
const uploadChunkBytes = 256 * 1024;

/**
 * The file behind `fd` as an upload. Reads by position and never closes the descriptor: closing any descriptor of a
 * file drops the POSIX lock that the whole process, DuckDB included, holds on it. Two buffers take turns, so a chunk is
 * good until the one after the next is asked for: memory outside of V8's heap is freed late.
 */
export function fileBody(fd: number, size: number): StreamBody {
  return {
    size,
    async *open({ start, end }: ByteRange) {
      const buffers = [0, 1].map(() => Buffer.allocUnsafeSlow(Math.min(uploadChunkBytes, end - start)));
      let turn = 0;
      for (let position = start; position < end;) {
        const buffer = buffers[(turn ^= 1)]!;
        const { bytesRead } = await readAt(fd, buffer, 0, Math.min(buffer.length, end - position), position);
        if (bytesRead === 0) throw new AppError('corrupt', 'The replica was truncated while it was read.');
        position += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    },
  };
}

/** Writes a body into the file at `path`, which only its owner may read. */
export async function writeBody(body: StreamBody, path: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    for await (const chunk of body.open({ start: 0, end: body.size })) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

export async function hashBody(body: StreamBody): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body.open({ start: 0, end: body.size })) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * The same body, whose last chunk is given only when all bytes had the hash: if the file changed since it was hashed,
 * the upload fails and no object appears. Parts asked for on their own (a multipart upload) are checked one by one
 * against the parts seen while hashing, by the store's own integrity checks; the whole is checked again on download.
 */
export function verifiedBody(body: StreamBody, sha256: string): StreamBody {
  return {
    size: body.size,
    async *open(range: ByteRange) {
      if (range.start !== 0 || range.end < body.size) {
        yield* body.open(range);
        return;
      }
      const hash = createHash('sha256');
      let held: Uint8Array | null = null;
      for await (const chunk of body.open(range)) {
        hash.update(chunk);
        if (held) yield held;
        held = chunk;
      }
      if (hash.digest('hex') !== sha256)
        throw new AppError('unavailable', 'The replica changed while it was uploaded.');
      if (held) yield held;
    },
  };
}

/** Uploads a body as the snapshot of `version`. Harmless to repeat. */
export async function uploadSnapshot(context: SyncContext, version: number, body: StreamBody): Promise<SnapshotName> {
  const sha256 = await hashBody(body);
  const key = context.layout.snapshotKey(version, sha256);
  await context.step('snapshot-uploading');
  await uploadBody(context, key, verifiedBody(body, sha256));
  await context.step('snapshot-uploaded');
  return { key, version, sha256 };
}

/** Creates the object `key` from `body`, unless it is there, where its progress can be seen. */
export async function uploadBody(context: SyncContext, key: string, body: StreamBody): Promise<void> {
  const transfer = { direction: 'upload', key, totalBytes: body.size } as const;
  await context.transfers.follow(transfer, (moved) => context.store.create(key, withProgress(body, moved)));
}

function withProgress(body: StreamBody, moved: (bytes: number) => void): StreamBody {
  return {
    size: body.size,
    async *open(range) {
      for await (const chunk of body.open(range)) {
        yield chunk;
        moved(chunk.byteLength);
      }
    },
  };
}
