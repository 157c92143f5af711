import { expect, test } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { withFaults } from '../../../lib/testing/faults.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { withinTime, withTimeLimits } from '../../../lib/store/time-limit.ts';

/** Time runs a hundred times as fast. */
const hasty = { ...systemRuntime, sleep: (ms: number, signal?: AbortSignal) => systemRuntime.sleep(ms / 100, signal) };
const never = (): Promise<never> => new Promise(() => undefined);

test.each(['head', 'list', 'get'] as const)('%s of a store that never answers is given up', async (operation) => {
  const hanging = withFaults(createMemoryStore({ runtime: hasty }), {
    runtime: hasty,
    choose: () => ({ kind: 'hang' }),
  });
  await expect(withTimeLimits(hanging, hasty)[operation]('a')).rejects.toMatchObject({ kind: 'unavailable' });
});

test('what heeds no signal is left to itself, and called as its caller says', async () => {
  await expect(withinTime(hasty, 100, never)).rejects.toMatchObject({ kind: 'unavailable' });
  await expect(withinTime(hasty, 100, never, 'indeterminate')).rejects.toMatchObject({ kind: 'indeterminate' });
});

test('what ends in time gives its value or its error, and its signal stays quiet', async () => {
  let given: AbortSignal | null = null;
  const seeing = (signal: AbortSignal): Promise<string> => {
    given = signal;
    return Promise.resolve('value');
  };
  await expect(withinTime(hasty, 5000, seeing)).resolves.toBe('value');
  await expect(withinTime(hasty, 5000, () => Promise.reject(new Error('own')))).rejects.toThrow('own');
  await systemRuntime.sleep(60);
  expect(given!).toMatchObject({ aborted: false });
});
