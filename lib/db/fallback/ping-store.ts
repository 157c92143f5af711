/**
 * Whether a store is there: one cheap question.
 */
import { isAppError } from '../../errors.ts';
import type { PendingPlace } from './link.ts';

/** Who asks for a little patience is there. One whose quota has ended asks for a lot. In ms. */
const mostBusyMs = 10_000;

/** @throws AppError when it does not answer, or refuses */
export async function pingStore({ store, name }: PendingPlace, signal: AbortSignal): Promise<void> {
  await store.head(name, { signal }).catch((error: unknown) => {
    if (!isAppError(error, 'unavailable') || (error.retryAfterMs ?? Infinity) > mostBusyMs) throw error;
  });
}
