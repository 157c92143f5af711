/** A store that does not keep the promise on which everything rests is refused before anything is written to it. */
import { describe, expect, it } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { withCounting } from '../../../lib/testing/counting.ts';
import { withFaults } from '../../../lib/testing/faults.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import type { Store } from '../../../lib/store/store.ts';
import { insertAccount, openDatabase } from '../../support/engine.ts';

const runtime = systemRuntime;

/** Says `created` to everyone. The first object stays, or the last one does. */
function careless(inner: Store, stays: 'first' | 'last'): Store {
  return {
    ...withCounting(inner),
    create: async (key, body, options) => {
      if (stays === 'last') await inner.delete([key]);
      await inner.create(key, body, options);
      return 'created';
    },
  };
}

/** Answers `exists` to the second, and overwrites all the same. */
function overwriting(inner: Store): Store {
  return {
    ...withCounting(inner),
    create: async (key, body, options) => {
      const there = await inner.head(key);
      if (there) await inner.delete([key]);
      await inner.create(key, body, options);
      return there ? 'exists' : 'created';
    },
  };
}

describe('a store that ignores conditions', () => {
  it.each([
    ['says yes to all and keeps the first', (store: Store) => careless(store, 'first')],
    ['says yes to all and keeps the last', (store: Store) => careless(store, 'last')],
    ['says no and overwrites', overwriting],
  ])('is refused, and holds nothing afterwards (%s)', async (_name, spoil) => {
    const inner = createMemoryStore({ runtime });
    await expect(openDatabase({ store: spoil(inner) })).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('conditional writes') as unknown,
    });
    expect((await inner.list('')).objects).toEqual([]);
  });

  it('is not suspected when the answer to an attempt was lost and repeated', async () => {
    const inner = createMemoryStore({ runtime });
    let left = 2;
    const store = withFaults(inner, {
      runtime,
      choose: (operation, key) =>
        operation === 'create' && key.includes('/probe-') && left-- > 0 ? { kind: 'answer-exists' } : null,
    });
    await expect(openDatabase({ store })).resolves.toBeDefined();
  });

  it('is asked once for each database, and an outage meanwhile is an outage', async () => {
    const inner = createMemoryStore({ runtime });
    const probes: string[] = [];
    const watched = withFaults(inner, {
      runtime,
      choose: (operation, key) => {
        if (key.includes('/probe-')) probes.push(operation);
        return null;
      },
    });
    await insertAccount(await openDatabase({ store: watched }), 'a');
    const asked = probes.length;
    expect(asked).toBeGreaterThan(0);
    await openDatabase({ store: watched });
    expect(probes).toHaveLength(asked);
    const away = withFaults(createMemoryStore({ runtime }), {
      runtime,
      choose: (operation) => (operation === 'create' ? { kind: 'fail-before' } : null),
    });
    await expect(openDatabase({ store: away })).rejects.toMatchObject({ kind: 'unavailable' });
  });
});
