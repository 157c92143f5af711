import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Semaphore } from '../../../lib/async/semaphore.ts';

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

describe('Semaphore', () => {
  it('answers all who wait when it is closed, and waits for who holds a place', async () => {
    const semaphore = new Semaphore({ permits: 2 });
    const held = [await semaphore.acquire(), await semaphore.acquire()];
    const waiting = Array.from({ length: 6 }, () => semaphore.acquire());
    const closed = new Error('closed');
    let isClosed = false;
    const closing = semaphore.close(closed).then(() => (isClosed = true));
    for (const each of waiting) await expect(each).rejects.toBe(closed);
    await expect(semaphore.acquire()).rejects.toBe(closed);
    held[0]!();
    held[0]!();
    await turns();
    expect(isClosed).toBe(false);
    held[1]!();
    await closing;
  });

  it('passes a place on when work throws, and when a signal ends a wait', async () => {
    const semaphore = new Semaphore({ permits: 1, weight: 10 });
    const release = await semaphore.acquire({ weight: 5 });
    const abort = new AbortController();
    const large = semaphore.acquire({ weight: 8, signal: abort.signal });
    const next = semaphore.use(() => Promise.reject(new Error('work')));
    const last = semaphore.use(() => Promise.resolve('last'));
    abort.abort(new Error('gone'));
    await expect(large).rejects.toThrow('gone');
    release();
    await expect(next).rejects.toThrow('work');
    await expect(last).resolves.toBe('last');
  });

  it('never exceeds its limits, serves in order, and forgets nobody', async () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ kind: fc.constant('acquire' as const), weight: fc.nat(12) }),
        fc.record({ kind: fc.constant('release' as const), which: fc.nat(20) }),
        fc.record({ kind: fc.constant('abort' as const), which: fc.nat(20) }),
      ),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const semaphore = new Semaphore({ permits: 3, weight: 10 });
        const served: number[] = [];
        const held = new Map<number, { release: () => void; weight: number }>();
        const waiting = new Map<number, AbortController>();
        let count = 0;
        for (const step of all) {
          if (step.kind === 'acquire') {
            const id = count++;
            const abort = new AbortController();
            waiting.set(id, abort);
            void (async () => {
              const release = await semaphore.acquire({ weight: step.weight, signal: abort.signal }).catch(() => null);
              waiting.delete(id);
              if (!release) return;
              held.set(id, { release, weight: step.weight });
              served.push(id);
            })();
          } else if (step.kind === 'release') {
            const entry = [...held][step.which % Math.max(held.size, 1)];
            if (entry) held.delete(entry[0]);
            entry?.[1].release();
          } else {
            [...waiting.values()][step.which % Math.max(waiting.size, 1)]?.abort(new Error('gone'));
          }
          await turns();
          const weights = [...held.values()].map(({ weight }) => weight);
          expect(held.size).toBeLessThanOrEqual(3);
          const weight = weights.reduce((sum, each) => sum + each, 0);
          expect(held.size <= 1 || weight <= 10).toBe(true);
        }
        while (held.size > 0 || waiting.size > 0) {
          for (const { release } of held.values()) release();
          held.clear();
          await turns();
          expect(waiting.size === 0 || held.size > 0).toBe(true);
        }
        expect(served).toEqual(served.toSorted((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });
});
