/** `copy` and `delete`: repeatable, and of nothing but what they name. */
import { describe, expect, test } from 'vitest';
import { allKeys, bytesOf, traces, summary, kindOf, type Suite, textOf } from './support.ts';

export function describeChanges({ use, largeBytes }: Suite): void {
  describe('copy', () => {
    test('makes a second object, in any folder', async () => {
      const { store } = await use();
      const bytes = bytesOf(largeBytes);
      await store.create('d.snapshots/1', bytes);
      await store.copy('d.snapshots/1', 'd');
      await store.copy('d.snapshots/1', 'other/new/folder/d');
      for (const key of ['d.snapshots/1', 'd', 'other/new/folder/d'])
        expect(summary(await store.get(key))).toBe(summary(bytes));
      expect(await store.head('d')).toMatchObject({ size: largeBytes });
    });

    test('replaces an object by a shorter or longer one, and may be repeated', async () => {
      const { store } = await use();
      await store.create('short', textOf('short'));
      await store.create('long', bytesOf(50_000));
      await store.create('empty', new Uint8Array(0));
      for (const from of ['short', 'long', 'long', 'empty', 'short']) {
        await store.copy(from, 'published');
        expect(await store.get('published')).toEqual(await store.get(from));
        expect((await store.list('published')).objects).toMatchObject([(await store.head('published'))!]);
      }
    });

    test('leaves two objects that do not depend on each other', async () => {
      const { store } = await use();
      await store.create('a', textOf('a'));
      await store.create('b', textOf('b'));
      await store.copy('a', 'copy');
      await store.copy('b', 'a');
      expect(await store.get('copy')).toEqual(textOf('a'));
      await store.delete(['a']);
      expect(await store.get('copy')).toEqual(textOf('a'));
      await store.delete(['copy']);
      expect(await store.get('b')).toEqual(textOf('b'));
    });

    test('of an object onto itself changes nothing', async () => {
      const { store } = await use();
      await store.create('a', textOf('a'));
      await store.copy('a', 'a');
      expect(await store.get('a')).toEqual(textOf('a'));
    });

    test('of what is absent is `not-found`, and leaves the target as it was', async () => {
      const { store } = await use();
      await store.create('target', textOf('target'));
      expect(await kindOf(store.copy('absent', 'target'))).toBe('not-found');
      expect(await kindOf(store.copy('no/such/folder', 'new/target'))).toBe('not-found');
      expect(await kindOf(store.copy('absent', 'absent'))).toBe('not-found');
      expect(await store.get('target')).toEqual(textOf('target'));
      expect(await traces(store, 'new/target')).toEqual([]);
      expect(await allKeys(store, '')).toEqual(['target']);
    });

    test('makes a key that `create` finds taken', async () => {
      const { store } = await use();
      await store.create('a', textOf('a'));
      await store.copy('a', 'b');
      expect(await store.create('b', textOf('b'))).toBe('exists');
    });
  });

  describe('delete', () => {
    test('removes what it names and nothing else, and may be repeated', async () => {
      const { store } = await use();
      const keys = ['d.log/1', 'd.log/10', 'd.log/2', 'd.log0', 'd.loh'];
      for (const key of keys) await store.create(key, textOf(key));
      for (let round = 0; round < 2; round++) {
        await store.delete(['d.log/1', 'd.log/2', 'd.log/1', 'd.log/absent', 'no/such/folder']);
        expect(await allKeys(store, '')).toEqual(['d.log/10', 'd.log0', 'd.loh']);
      }
      expect(await traces(store, 'd.log/2')).toEqual([]);
      expect(await store.get('d.log/10')).toEqual(textOf('d.log/10'));
    });

    test('of nothing does nothing', async () => {
      const { store } = await use();
      await store.delete([]);
      expect(await allKeys(store, '')).toEqual([]);
    });

    test('frees the key for another object', async () => {
      const { store } = await use();
      await store.create('folder/key', textOf('first'));
      await store.delete(['folder/key']);
      expect(await store.create('folder/key', textOf('second'))).toBe('created');
      expect(await store.get('folder/key')).toEqual(textOf('second'));
    });

    test('of one key by eight at once: all succeed', async () => {
      const { store } = await use();
      await store.create('key', textOf('x'));
      const deleting = Array.from({ length: 8 }, () => store.delete(['key']));
      expect(await Promise.all(deleting)).toHaveLength(8);
      expect(await traces(store, 'key')).toEqual([]);
    });
  });
}
