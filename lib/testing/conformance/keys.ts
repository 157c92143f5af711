/** Which keys there are: the same for every store, and nothing else reaches it. */
import { describe, expect, test } from 'vitest';
import type { Store } from '../../store/store.ts';
import { allKeys, kindOf, streamOf, type Suite, textOf } from './support.ts';

const segment = 'k'.repeat(255);

const good = [
  'a',
  '0',
  '-',
  '_',
  '...',
  '.a',
  'a.',
  '..a',
  'A.b_c-D',
  'a.b/c.d',
  '-/-/-',
  'student_courses.db.snapshots/0000000000000040-abc.duckdb',
  'd/'.repeat(100) + 'deep',
  segment,
];

/** A key of exactly so many bytes. */
function longKey(bytes: number): string {
  return `${`${segment}/`.repeat(3)}${'k'.repeat(bytes - 3 * 256)}`;
}

const bad = [
  '',
  '/',
  '.',
  '..',
  '/a',
  'a/',
  'a//b',
  './a',
  'a/.',
  '../a',
  'a/..',
  'a/../b',
  'a b',
  'ä',
  'a\\b',
  'a\n',
  'a\0b',
  'a:b',
  'a*',
  'a?b',
  'a#b',
  '%2e',
  '~',
  '.eider~tmp/x',
  '\ud800',
  `${segment}k`,
  longKey(901),
];

/** Every operation that touches `key`, and no other. */
const touches: Record<string, (store: Store, key: string) => Promise<unknown>> = {
  create: (store, key) => store.create(key, textOf('x')),
  get: (store, key) => store.get(key),
  head: (store, key) => store.head(key),
  'copy from': (store, key) => store.copy(key, 'free'),
  'copy to': (store, key) => store.copy('source', key),
  delete: (store, key) => store.delete([key]),
};

export function describeKeys({ use, capabilities }: Suite): void {
  describe('keys', () => {
    test('may be all that the contract names', async () => {
      const { store } = await use();
      const longest = longKey(capabilities.maxKeyBytes ?? 900);
      expect(longest).toHaveLength(capabilities.maxKeyBytes ?? 900);
      const keys = [...good, longest].filter((key) => capabilities.nestedKeys || (key !== '-' && key !== segment));
      for (const key of keys) {
        expect([key, await store.create(key, textOf(key))]).toEqual([key, 'created']);
        expect([key, await store.get(key)]).toEqual([key, textOf(key)]);
      }
      expect(await allKeys(store, '')).toEqual(keys.toSorted());
      await store.copy(longest, 'copied');
      await store.delete(keys);
      expect(await allKeys(store, '')).toEqual(['copied']);
    });

    test('longer than the store can hold are refused by every operation', async () => {
      const { store } = await use();
      await store.create('source', textOf('x'));
      const key = longKey((capabilities.maxKeyBytes ?? 900) + 1);
      for (const touch of Object.values(touches)) expect(await kindOf(touch(store, key))).toBe('invalid');
    });

    test.for(bad)('%j is refused by every operation', async (key) => {
      const { store } = await use();
      await store.create('source', textOf('x'));
      for (const touch of Object.values(touches)) expect(await kindOf(touch(store, key))).toBe('invalid');
      expect(await kindOf(store.delete(['source', key]))).toBe('invalid');
      expect(await allKeys(store, '')).toEqual(['source']);
    });

    const describeNested = capabilities.nestedKeys ? describeFreeNesting : describeRefusedNesting;
    describeNested(use);
  });
}

function describeFreeNesting(use: Suite['use']): void {
  test('may be the folder of others', async () => {
    const { store } = await use();
    const keys = ['a', 'a/b', 'a/b/c'];
    for (const key of keys) expect([key, await store.create(key, textOf(key))]).toEqual([key, 'created']);
    for (const key of keys) expect(await store.get(key)).toEqual(textOf(key));
    expect(await allKeys(store, 'a/')).toEqual(['a/b', 'a/b/c']);
    await store.delete(['a/b']);
    expect(await allKeys(store, '')).toEqual(['a', 'a/b/c']);
  });
}

function describeRefusedNesting(use: Suite['use']): void {
  test.for([
    { there: 'a', second: 'a/b' },
    { there: 'a', second: 'a/b/c' },
    { there: 'a/b', second: 'a' },
    { there: 'a/b/c', second: 'a' },
  ])('beside $there, $second is refused, and called neither absent nor taken', async ({ there, second }) => {
    const { store } = await use();
    await store.create(there, textOf('there'));
    await store.create('source', textOf('x'));
    for (const [name, touch] of Object.entries(touches)) {
      expect([`${name}: unavailable`, `${name}: invalid`]).toContain(`${name}: ${await kindOf(touch(store, second))}`);
    }
    expect(await kindOf(store.create(second, streamOf(textOf('x'))))).toMatch(/unavailable|invalid/);
    expect(await store.get(there)).toEqual(textOf('there'));
    expect(await allKeys(store, '')).toEqual([there, 'source']);
  });
}
