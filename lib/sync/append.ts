/** Creating a record, which is the commit: once, on the log that the replica follows, or with a definite outcome. */
import { AppError, isAppError } from '../errors.ts';
import type { SyncContext } from './context.ts';
import { fetchRecord } from './log.ts';
import type { LogRecord } from './record.ts';
import type { Standing } from './standing.ts';

/** `committed`: the record is ours. `lost`: another one has its number. `left`: see `Standing`; nothing was created. */
export type AppendOutcome = 'committed' | 'lost' | 'left';

export interface Append {
  readonly record: LogRecord;
  /** The record's encoding. */
  readonly bytes: Uint8Array;
  /** When to stop trying, on the monotonic clock in ms. A store that asks for patience gets `throttledMs` more. */
  readonly deadlineMs: number;
  /** Asks where the replica stands, beside the creation: what was created on a log that it does not follow is withdrawn. */
  readonly standing: () => Promise<Standing>;
  /** Called each time that the store asks for patience. */
  readonly onThrottled?: () => void;
}

/**
 * Creates a record. Throws `indeterminate` when the store did not say, until the deadline, whether it did; any other
 * error means that it was not created.
 */
export async function appendRecord(context: SyncContext, append: Append): Promise<AppendOutcome> {
  // The answer takes as long as the creation does: one after the other, a write would take twice as long.
  const [standing, created] = await Promise.allSettled([append.standing(), createRecord(context, append)]);
  if (created.status === 'rejected') throw created.reason;
  if (standing.status === 'fulfilled')
    return settle(context, append, { created: created.value, standing: standing.value });
  if (created.value === 'lost') return 'lost';
  return settle(context, append, { created: created.value, standing: await standingByDeadline(context, append) });
}

interface Appended {
  readonly created: 'committed' | 'lost';
  readonly standing: Standing;
}

/** The record counts on the log that the replica follows, and nowhere else. */
async function settle(context: SyncContext, append: Append, { created, standing }: Appended): Promise<AppendOutcome> {
  if (standing === 'followed') return created;
  const key = context.layout.recordKey(append.record.version);
  if (created === 'committed') {
    await context.store.delete([key]).catch((error: unknown) => {
      throw unknownOutcome(context, append, error);
    });
  }
  return standing === 'left' ? 'left' : 'lost';
}

/** Of a record that is there. @throws AppError `indeterminate` */
async function standingByDeadline(context: SyncContext, append: Append): Promise<Standing> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await append.standing();
    } catch (error) {
      if (context.runtime.monotonicMs() >= append.deadlineMs) throw unknownOutcome(context, append, error);
      await context.runtime.sleep(backoffMs(attempt, context.runtime.random()));
    }
  }
}

async function createRecord(context: SyncContext, append: Append): Promise<'committed' | 'lost'> {
  const { runtime, settings } = context;
  const awayDeadlineMs = runtime.monotonicMs() + settings.awayMs;
  let unknown = false;
  for (let attempt = 0; ; attempt++) {
    const tried = await tryCreate(context, append);
    if (typeof tried === 'string') return tried;
    const { error, mayBeThere }: FailedAttempt = tried;
    // Not even a refusal settles an earlier attempt whose outcome was unknown; only the record itself does.
    unknown ||= mayBeThere;
    if (!unknown && !isAppError(error, 'unavailable')) throw error;
    const patienceMs = throttledMs(error);
    if (patienceMs > 0) append.onThrottled?.();
    const deadlineMs =
      patienceMs > 0 ? append.deadlineMs + settings.throttledMs : Math.min(append.deadlineMs, awayDeadlineMs);
    // One that asks for all the patience there is at once is not busy: a store whose quota has ended, for one.
    const isHopeless = patienceMs >= settings.throttledMs;
    const pauseMs = Math.max(patienceMs, backoffMs(attempt, runtime.random()));
    if (isHopeless || runtime.monotonicMs() + patienceMs >= deadlineMs)
      throw unknown ? unknownOutcome(context, append, error) : error;
    await runtime.sleep(pauseMs);
  }
}

interface FailedAttempt {
  readonly error: unknown;
  /** Whether the record may be there all the same. */
  readonly mayBeThere: boolean;
}

async function tryCreate(
  context: SyncContext,
  { record, bytes }: Append,
): Promise<'committed' | 'lost' | FailedAttempt> {
  const key = context.layout.recordKey(record.version);
  try {
    if ((await context.store.create(key, bytes)) === 'created') return 'committed';
  } catch (error) {
    return { error, mayBeThere: !isAppError(error, 'unavailable', 'denied', 'invalid', 'corrupt', 'not-found') };
  }
  try {
    const found = await fetchRecord(context, record.version);
    if (found) return found.record.id === record.id ? 'committed' : 'lost';
    throw new AppError('unavailable', `The store says that ${key} exists, and that it does not.`);
  } catch (error) {
    // Ours has a format that this program reads.
    return isAppError(error, 'outdated') ? 'lost' : { error, mayBeThere: true };
  }
}

/** How long the store asked to be left alone, in ms; 0 when it did not. */
function throttledMs(error: unknown): number {
  return isAppError(error, 'unavailable') ? (error.retryAfterMs ?? 0) : 0;
}

/** 20 ms doubling to one second, with full jitter. */
function backoffMs(attempt: number, random: number): number {
  return random * Math.min(1000, 20 * 2 ** attempt);
}

function unknownOutcome({ layout }: SyncContext, { record }: Append, cause: unknown): AppError {
  const key = layout.recordKey(record.version);
  return new AppError('indeterminate', `The store did not say whether ${key} was written.`, {
    cause,
    hint: 'The write may have been committed. Read before you repeat it.',
  });
}
