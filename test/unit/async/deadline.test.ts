import { expect, it } from 'vitest';
import { waitAtMost } from '../../../lib/async/deadline.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';

const never = new Promise<never>(() => undefined);

it('gives what came in time', async () => {
  expect(await waitAtMost(runtime, 10_000, Promise.resolve(1))).toEqual({ inTime: true, value: 1 });
  await expect(waitAtMost(runtime, 10_000, Promise.reject(new Error('no')))).rejects.toThrow('no');
});

it('does not wait longer, and keeps no timer', async () => {
  expect(await waitAtMost(runtime, 1, never)).toEqual({ inTime: false });
  const asked: (AbortSignal | undefined)[] = [];
  const sleep = (_ms: number, signal?: AbortSignal) => (asked.push(signal), never);
  await waitAtMost({ sleep }, 1, Promise.resolve());
  expect(asked.map((signal) => signal?.aborted)).toEqual([true]);
});

it('leaves a late failure to nobody', async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  expect(await waitAtMost(runtime, 1, promise)).toEqual({ inTime: false });
  reject(new Error('late'));
  await runtime.sleep(1);
});
