import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Release } from '../../../lib/async/semaphore.ts';
import { defaultLoadLimits, type QueueLimits, LoadShedder } from '../../../lib/http/load-shedder.ts';
import type { Load } from '../../../lib/http/terms.ts';
import { testRuntime } from '../../support/runtime.ts';

const limits: QueueLimits = { running: 2, waiting: 2, runningBytes: 100, waitingBytes: 100, maxWaitMs: 1000 };
const never = new AbortController().signal;
const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

function start(more: Partial<QueueLimits> = {}) {
  const runtime = testRuntime();
  const shedder = new LoadShedder(runtime, { ...defaultLoadLimits, write: { ...limits, ...more } });
  const enter = (bytes = 0, signal: AbortSignal = never, load: Load = 'write') => shedder.enter(load, bytes, signal);
  /** Enters, and says what became of it so far. */
  const ask = (bytes = 0, signal: AbortSignal = never) => {
    const asked = { state: 'waiting', leave: (() => undefined) as Release };
    enter(bytes, signal).then(
      (leave) => Object.assign(asked, { state: 'inside', leave }),
      (error: unknown) => Object.assign(asked, { state: String(error) }),
    );
    return asked;
  };
  return { runtime, enter, ask };
}

describe('a queue', () => {
  it('lets so many in, lets so many wait, and refuses the rest with a time to come again', async () => {
    const { enter, ask } = start();
    const all = [ask(), ask(), ask(), ask()];
    await turns();
    expect(all.map(({ state }) => state)).toEqual(['inside', 'inside', 'waiting', 'waiting']);
    await expect(enter()).rejects.toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    all[0]!.leave();
    await turns();
    expect(all.map(({ state }) => state)).toEqual(['inside', 'inside', 'inside', 'waiting']);
    // Leaving twice frees one place.
    all[0]!.leave();
    await turns();
    expect(all[3]!.state).toBe('waiting');
  });

  it('counts the bytes of bodies, and keeps the order', async () => {
    const { ask, enter } = start({ running: 10 });
    const [first, large, small] = [ask(60), ask(60), ask(1)];
    await turns();
    expect([first.state, large.state, small.state]).toEqual(['inside', 'waiting', 'waiting']);
    await expect(enter(60)).rejects.toMatchObject({ status: 503 });
    first.leave();
    await turns();
    expect([large.state, small.state]).toEqual(['inside', 'inside']);
  });

  it('takes one that is larger than all of its bytes, alone', async () => {
    const { ask } = start();
    const [large, next] = [ask(500), ask(1)];
    await turns();
    expect([large.state, next.state]).toEqual(['inside', 'waiting']);
  });

  it('lets nobody wait for ever', async () => {
    const { ask, runtime } = start({ running: 1 });
    const [first, second, third] = [ask(), ask(), ask()];
    runtime.advance(999);
    await turns();
    expect(second.state).toBe('waiting');
    runtime.advance(1);
    await turns();
    expect([second.state, third.state]).toEqual([expect.stringMatching(/is overloaded/), expect.any(String)]);
    first.leave();
    const next = ask();
    await turns();
    expect(next.state).toBe('inside');
  });

  it('forgets those who went away', async () => {
    const { ask } = start({ running: 1, waiting: 1 });
    const abort = new AbortController();
    const [first, gone] = [ask(), ask(0, abort.signal)];
    abort.abort(new Error('gone'));
    await turns();
    const next = ask();
    first.leave();
    await turns();
    expect([gone.state, next.state]).toEqual(['Error: gone', 'inside']);
  });

  it('does not wait for another queue', async () => {
    const { enter, ask } = start({ running: 1, waiting: 0 });
    ask();
    await expect(enter()).rejects.toThrow(/is overloaded/);
    await expect(enter(0, never, 'read')).resolves.toBeTypeOf('function');
  });
});

it('never has more inside than it may, and in the end all places are free', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('enter' as const), bytes: fc.integer({ min: 0, max: 80 }) }),
    fc.record({ do: fc.constant('leave' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('abort' as const), which: fc.nat() }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 1500 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, settles) => {
      const { ask, runtime } = start();
      const all: { asked: ReturnType<typeof ask>; bytes: number; abort: AbortController }[] = [];
      const inside = () => all.filter(({ asked }) => asked.state === 'inside');
      const leave = ({ asked }: (typeof all)[number]) => {
        asked.state = 'left';
        asked.leave();
      };
      for (const each of steps) {
        if (each.do === 'enter') {
          const abort = new AbortController();
          all.push({ asked: ask(each.bytes, abort.signal), bytes: each.bytes, abort });
        }
        if (each.do === 'leave' && inside().length > 0) leave(inside()[each.which % inside().length]!);
        if (each.do === 'abort' && all.length > 0) all[each.which % all.length]!.abort.abort(new Error('gone'));
        if (each.do === 'wait') runtime.advance(each.ms);
        if (settles) await turns();
        const bytes = inside().reduce((sum, one) => sum + one.bytes, 0);
        expect(inside().length <= 2 && (bytes <= 100 || inside().length === 1)).toBe(true);
      }
      await turns();
      while (inside().length > 0) {
        for (const one of inside()) leave(one);
        await turns();
      }
      expect(all.filter(({ asked }) => asked.state === 'waiting')).toEqual([]);
      const last = [ask(100), ask(0)];
      await turns();
      expect(last.map(({ state }) => state)).toEqual(['inside', 'inside']);
    }),
    { numRuns: 300 },
  );
});
