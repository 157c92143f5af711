/** Answers while the chosen backend is away. */
import type { Answer } from '../db/database.ts';
import { AppError, isAppError } from '../errors.ts';

/** What was not found in a state that may lack it may be there all the same: `unavailable` instead. */
export function withoutFalseAbsence(error: unknown, answer: Answer<unknown> | null): unknown {
  if (!answer?.isIncomplete || !isAppError(error, 'not-found')) return error;
  return new AppError('unavailable', 'The database is unavailable, and its standby does not have what was asked for.', {
    cause: error,
    retryAfterMs: 5000,
  });
}
