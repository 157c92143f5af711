/** Aborted operations: they end, say what is known, and leave nothing by halves. */
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { OperationOptions, Store } from '../../store/store.ts';
import { allKeys, bytesOf, summary, kindOf, streamOf, type Suite, textOf } from './support.ts';

const reads: Record<string, (store: Store, options: OperationOptions) => Promise<unknown>> = {
  get: (store, options) => store.get('there', options),
  'get of a range': (store, options) => store.get('there', { ...options, range: { start: 0, end: 2 } }),
  head: (store, options) => store.head('there', options),
  list: (store, options) => store.list('', options),
};

const writes: Record<string, (store: Store, options: OperationOptions) => Promise<unknown>> = {
  create: (store, options) => store.create('new', textOf('x'), options),
  'create of a stream': (store, options) => store.create('new', streamOf(bytesOf(200_000)), options),
  copy: (store, options) => store.copy('there', 'new', options),
  delete: (store, options) => store.delete(['there'], options),
};

export function describeSignals({ use, largeBytes }: Suite): void {
  describe('signals', () => {
    test('aborted before the call: the operation does not happen', async () => {
      const { store } = await use();
      await store.create('there', textOf('there'));
      const signal = AbortSignal.abort(new Error('the client went away'));
      for (const work of Object.values({ ...reads, ...writes }))
        expect(await kindOf(work(store, { signal }))).toBe('unavailable');
      expect(await allKeys(store, '')).toEqual(['there']);
      expect(await store.get('there')).toEqual(textOf('there'));
    });

    test('never aborted: the operation happens, and the signal is let go', async () => {
      const { store } = await use();
      const { signal } = new AbortController();
      await store.create('there', textOf('there'), { signal });
      for (const work of Object.values(reads)) await work(store, { signal });
      expect(await kindOf(store.get('a//b', { signal }))).toBe('invalid');
      expect(await kindOf(store.copy('absent', 'new', { signal }))).toBe('not-found');
      await store.create('new', streamOf(bytesOf(1000)), { signal });
      await store.copy('there', 'new', { signal });
      await store.delete(['there'], { signal });
      expect(await allKeys(store, '')).toEqual(['new']);
      expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    });

    test('aborted while a body is taken: it fails, and the object is absent, or whole where that is not known', async () => {
      const { store } = await use();
      const bytes = bytesOf(largeBytes);
      const aborting = new AbortController();
      const before = (position: number): void => {
        if (position > bytes.byteLength / 2) aborting.abort(new Error('enough'));
      };
      const kind = await kindOf(store.create('key', streamOf(bytes, { before }), { signal: aborting.signal }));
      const allowed = { unavailable: ['absent'], indeterminate: ['absent', summary(bytes)] };
      expect(Object.keys(allowed)).toContain(kind);
      expect(allowed[kind as keyof typeof allowed]).toContain(summary(await store.get('key')));
    });

    test('aborted while an object is read: it fails, or gives all', async () => {
      const { store } = await use();
      const bytes = bytesOf(largeBytes);
      await store.create('large', bytes);
      for (let turn = 0; turn < 5; turn++) {
        const aborting = new AbortController();
        const reading = store.get('large', { signal: aborting.signal });
        const outcome = reading.then(summary, () => kindOf(reading));
        for (let wait = 0; wait < turn * 5; wait++) await new Promise((resolve) => setImmediate(resolve));
        aborting.abort(new Error('enough'));
        expect(['unavailable', summary(bytes)]).toContain(await outcome);
      }
    });

    test('aborted at any moment of a write: what is there is whole', async () => {
      const { store } = await use();
      const bytes = bytesOf(300_000);
      const [whole, absent] = [summary(bytes), 'absent'];
      const possible = [
        `done: ${whole}`,
        `unavailable: ${absent}`,
        `indeterminate: ${whole}`,
        `indeterminate: ${absent}`,
      ];
      await store.create('source', bytes);
      for (let round = 0; round < 12; round++) {
        const aborting = new AbortController();
        const options = { signal: aborting.signal };
        const writing = Promise.allSettled([
          store.create(`new/${round}`, streamOf(bytes), options),
          store.copy('source', `copy/${round}`, options),
        ]);
        for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve));
        aborting.abort(new Error('enough'));
        const outcomes = await writing;
        for (const [index, key] of [`new/${round}`, `copy/${round}`].entries()) {
          const outcome = outcomes[index]!;
          const said = outcome.status === 'fulfilled' ? 'done' : await kindOf(Promise.reject(outcome.reason as Error));
          const fact = summary(await store.get(key));
          expect(possible).toContain(`${said}: ${fact}`);
        }
      }
    });
  });
}
