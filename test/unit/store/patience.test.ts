/** One call that ends when it must. */
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { Interruption, withPatience } from '../../../lib/store/driver/patience.ts';
import { failure, kindOf } from '../../../lib/testing/conformance/support.ts';

const never = (): Promise<never> => new Promise(() => undefined);

test('gives what the work gives, and leaves nothing behind', async () => {
  const { signal } = new AbortController();
  const options = { limit: { runtime: systemRuntime, ms: 60_000 }, signal };
  expect(await withPatience(options, async () => 7)).toBe(7);
  const error = new Error('as it is');
  expect(await failure(withPatience(options, () => Promise.reject(error)))).toBe(error);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});

test.for([
  { why: 'stopped', longestMs: 60_000, afterMs: 10 },
  { why: 'too slow', longestMs: 10, afterMs: 60_000 },
])('ends when it is $why, and aborts the work without a reason, for the SDK repeats what has one', async (example) => {
  const { why, longestMs, afterMs } = example;
  const stopping = new AbortController();
  const timer = setTimeout(() => stopping.abort(new Error('enough')), afterMs);
  let given: AbortSignal | undefined;
  const options = { limit: { runtime: systemRuntime, ms: longestMs }, signal: stopping.signal };
  const work = (signal: AbortSignal): Promise<never> => {
    given = signal;
    return never();
  };
  const error = await failure(withPatience(options, work));
  clearTimeout(timer);
  expect(error).toBeInstanceOf(Interruption);
  expect(error).toMatchObject({ why });
  expect(given?.reason).toBeInstanceOf(DOMException);
  expect(given?.reason).toMatchObject({ name: 'AbortError' });
});

test('begins nothing for whoever has gone already', async () => {
  let begun = false;
  const options = { limit: { runtime: systemRuntime, ms: 1000 }, signal: AbortSignal.abort() };
  const work = async (): Promise<void> => void (begun = true);
  expect(await kindOf(withPatience(options, work))).toBe('unavailable');
  expect(begun).toBe(false);
});
