/** `list`: every key once, in the order of its bytes, page by page. */
import { describe, expect, test } from 'vitest';
import type { Store } from '../../store/store.ts';
import { allKeys, kindOf, inParallel, type Suite, textOf } from './support.ts';

/** In byte order, where capitals come first, and `-`, `.` and `/` before digits: no locale sorts so. */
const ordered = [
  '-dash',
  '.dot',
  '0',
  '00',
  'A',
  'B-1',
  'Z',
  '_low',
  'a-b',
  'a.b',
  'a.b.c',
  'a/a',
  'a/b/c',
  'a/b0',
  'a0',
  'aB',
  'ab',
  'b',
];

const wrongPrefixes = ['/', '/a', 'a//', '../', 'a/../', './', 'a b', 'ä', 'a\\', 'x'.repeat(901)];

async function fill(store: Store, keys: readonly string[]): Promise<void> {
  await inParallel(keys, 40, (key) => store.create(key, textOf(key)));
}

export function describeList({ use, manyKeys }: Suite): void {
  describe('list', () => {
    test('is empty for an empty store', async () => {
      const { store } = await use();
      expect(await store.list('')).toEqual({ objects: [], more: false });
      expect(await store.list('no/such/')).toEqual({ objects: [], more: false });
      expect(await store.list('x', { after: 'y', limit: 1 })).toEqual({ objects: [], more: false });
    });

    test('is in the order of bytes, not of a language', async () => {
      const { store } = await use();
      await fill(store, ordered.toReversed());
      const { objects, more } = await store.list('');
      expect(objects.map(({ key }) => key)).toEqual(ordered);
      expect(objects.map(({ size }) => size)).toEqual(ordered.map(({ length }) => length));
      expect(more).toBe(false);
    });

    test('takes any beginning of a key as prefix', async () => {
      const { store } = await use();
      await fill(store, ordered);
      for (const prefix of [
        'a',
        'a/',
        'a/b',
        'a/b/',
        'a/b/c',
        'a.',
        'a.b',
        '.',
        '-',
        '0',
        'A',
        'zz',
        'a/b/c/',
        'aBc',
      ]) {
        const expected = ordered.filter((key) => key.startsWith(prefix));
        expect([prefix, ...(await allKeys(store, prefix))]).toEqual([prefix, ...expected]);
      }
    });

    test('goes on after a key, which may be absent, or only the beginning of one', async () => {
      const { store } = await use();
      await fill(store, ordered);
      const afters = ['-', '.', '.dot', '1', 'Z', 'a', 'a.b', 'a/', 'a/a', 'a/b/c', 'a/b/d', 'a/bb', 'b', 'c', 'zz/z'];
      for (const prefix of ['', 'a', 'a/']) {
        for (const after of afters) {
          const { objects } = await store.list(prefix, { after });
          const expected = ordered.filter((key) => key.startsWith(prefix) && key > after);
          expect([prefix, after, ...objects.map(({ key }) => key)]).toEqual([prefix, after, ...expected]);
        }
      }
    });

    test('gives pages that together have every key once', async () => {
      const { store } = await use();
      await fill(store, ordered);
      for (const limit of [1, 2, 5, ordered.length - 1, ordered.length, ordered.length + 1]) {
        expect([limit, ...(await allKeys(store, '', limit))]).toEqual([limit, ...ordered]);
        expect((await store.list('', { limit })).objects).toHaveLength(Math.min(limit, ordered.length));
      }
      expect(await allKeys(store, 'a/', 1)).toEqual(['a/a', 'a/b/c', 'a/b0']);
      expect((await store.list('', { limit: ordered.length - 1 })).more).toBe(true);
      expect((await store.list('', { limit: ordered.length })).more).toBe(false);
    });

    test(`gives ${manyKeys} keys in pages of at most 1,000`, async () => {
      const { store } = await use();
      const keys = Array.from({ length: manyKeys }, (_, index) => `d.log/${String(index).padStart(16, '0')}.json`);
      await fill(store, ['d', 'd.log0', 'd.snapshots/1']);
      await fill(store, keys);
      expect(await allKeys(store, 'd.log/')).toEqual(keys);
      const first = await store.list('d.log/');
      expect(first.objects).toHaveLength(Math.min(1000, manyKeys));
      expect(first.more).toBe(manyKeys > 1000);
      expect((await store.list('d.log/', { limit: 5000 })).objects).toHaveLength(Math.min(1000, manyKeys));
      const last = await store.list('d.log/', { after: keys.at(-2)! });
      expect(last.objects.map(({ key }) => key)).toEqual([keys.at(-1)]);
      await store.delete(keys);
      expect(await allKeys(store, '')).toEqual(['d', 'd.log0', 'd.snapshots/1']);
    });

    test('follows creates, copies and deletes at once', async () => {
      const { store } = await use();
      await store.create('a', textOf('a'));
      await store.copy('a', 'f/b');
      expect(await allKeys(store, '')).toEqual(['a', 'f/b']);
      await store.delete(['a']);
      expect(await allKeys(store, '')).toEqual(['f/b']);
      await store.delete(['f/b']);
      expect(await allKeys(store, '')).toEqual([]);
    });

    test('refuses what is no prefix, no key to go on after, or no page', async () => {
      const { store } = await use();
      for (const prefix of wrongPrefixes) {
        expect(await kindOf(store.list(prefix))).toBe('invalid');
        expect(await kindOf(store.list('', { after: prefix }))).toBe('invalid');
      }
      for (const limit of [0, -1, 1.5, Number.NaN, Infinity])
        expect(await kindOf(store.list('', { limit }))).toBe('invalid');
    });
  });
}
