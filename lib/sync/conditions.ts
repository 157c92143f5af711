/**
 * Whether the store keeps the one promise that everything rests on: of several creates of one key, one wins. Some
 * stores that speak S3 ignore the condition and answer success to all: https://github.com/versity/versitygw/issues/1708
 */
import { AppError } from '../errors.ts';
import type { SyncContext } from './context.ts';

/** @throws AppError `denied` when the store lets a second create of a key succeed, or lose the first one's bytes. */
export async function requireConditionalCreates({ store, layout, runtime }: SyncContext): Promise<void> {
  const key = layout.probeKey(runtime.uuid());
  const bodies = ['first', 'second', 'third'].map((text) => new TextEncoder().encode(`${text} of three creates`));
  const [first, second, third] = bodies as [Uint8Array, Uint8Array, Uint8Array];
  try {
    const together = await Promise.all([store.create(key, first), store.create(key, second)]);
    const before = await store.get(key);
    const late = await store.create(key, third);
    const after = await store.get(key);
    // Possibly no writer saw itself win: a client that repeats a lost attempt finds the object that it made.
    const winners = [...together, late].filter((outcome) => outcome === 'created');
    const isKept = before !== null && after !== null && Buffer.compare(before, after) === 0;
    if (winners.length <= 1 && late === 'exists' && isKept) return;
  } finally {
    // A failure leaves a few bytes that nothing reads; it must not hide the result.
    await store.delete([key]).catch(() => undefined);
  }
  // Not `denied`: a fallback must not replace it until it is back, since it never will be.
  throw new AppError(
    'invalid',
    'This store does not support conditional writes, so concurrent writers would lose data.',
    {
      hint: 'Use AWS S3, Cloudflare R2, a current MinIO, Tigris, Google Cloud Storage, Vercel Blob or a directory.',
    },
  );
}
