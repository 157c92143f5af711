/**
 * Reads and writes of the primary as calls that can be given up. A write that was given up must not commit all the same: its
 * work refuses to begin, or to end well, once nobody waits for it.
 */
import { AppError } from '../../errors.ts';
import type { Answer, Database, ReadOptions, Uploads, Work, WriteOptions } from '../database.ts';
import type { Runtime } from '../../runtime.ts';
import type { Call } from './watch.ts';

/** A read of a replica runs to its end once it has begun: nothing of it depends on a store any more. */
export function readCall<T>(database: Database, work: Work<T>, options: ReadOptions): Call<Answer<T>> {
  let begun = false;
  const noted: Work<T> = (queries, scope) => {
    begun = true;
    return work(queries, scope);
  };
  return {
    run: () => database.read(noted, options),
    abandon: () => !begun || database.engine === 'postgres',
  };
}

/** What answers nothing but questions. */
export function plainCall<T>(run: () => Promise<T>): Call<T> {
  return { run, abandon: () => true };
}

/** Uploads each of whose calls goes through `call`. */
export function uploadsThrough(call: <T>(work: (uploads: Uploads) => Promise<T>) => Promise<T>): Uploads {
  return {
    keep: (...given) => call((uploads) => uploads.keep(...given)),
    read: (...given) => call((uploads) => uploads.read(...given)),
    list: (...given) => call((uploads) => uploads.list(...given)),
    drop: (...given) => call((uploads) => uploads.drop(...given)),
    dropAbandoned: () => call((uploads) => uploads.dropAbandoned()),
  };
}

/** A write can be given up until its work has ended: what comes then is the commit. */
export function writeCall<T>(database: Database, work: Work<T>, options: WriteOptions): Call<Answer<T>> {
  let [ran, abandoned] = [false, false];
  const requireWanted = (): void => {
    if (abandoned) throw new AppError('unavailable', 'The database went away before the write was run.');
  };
  const guarded: Work<T> = async (queries, scope) => {
    ran = false;
    requireWanted();
    const value = await work(queries, scope);
    requireWanted();
    ran = true;
    return value;
  };
  return {
    run: () => database.write(guarded, options),
    abandon: () => (abandoned ||= !ran),
  };
}

/** How long a commit that runs pending writes may take before it is given up, or left to itself, in ms. */
const commitMs = 4000;

/**
 * Commits a piece of work, in a time that is bounded whatever the backend does. @throws AppError `indeterminate` when it was
 * on its way; the work must say itself whether it was done before
 */
export async function commitInTime<T>(database: Database, work: Work<T>, runtime: Runtime): Promise<T> {
  const call = writeCall(database, work, {});
  const ended = new AbortController();
  const running = call.run();
  const late = runtime.sleep(commitMs, ended.signal).then(() => {
    if (call.abandon()) throw new AppError('unavailable', `The database did not answer within ${commitMs} ms.`);
    return runtime.sleep(commitMs, ended.signal).then(() => {
      throw new AppError('indeterminate', 'The database did not say whether it committed.');
    });
  });
  try {
    return (await Promise.race([running, late])).value;
  } finally {
    ended.abort();
    // Left to itself, it may fail when nobody listens any more.
    running.catch(() => undefined);
    late.catch(() => undefined);
  }
}
