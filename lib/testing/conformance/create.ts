/** `create`: whole or not at all, and never over another object. */
import { describe, expect, test } from 'vitest';
import { AppError } from '../../errors.ts';
import {
  bytesOf,
  traces,
  summary,
  kindOf,
  failingBody,
  failure,
  lyingBody,
  streamOf,
  type Suite,
  textOf,
} from './support.ts';

export function describeCreate({ use, largeBytes, capabilities }: Suite): void {
  describe('create', () => {
    test('keeps the bytes that it was given', async () => {
      const { store } = await use();
      expect(await store.create('d.log/1.json', textOf('one'))).toBe('created');
      expect(await store.get('d.log/1.json')).toEqual(textOf('one'));
      expect(await store.head('d.log/1.json')).toMatchObject({ key: 'd.log/1.json', size: 3 });
    });

    test('answers `exists` for a key that is taken, and leaves the object alone', async () => {
      const { store } = await use();
      await store.create('key', textOf('first'));
      expect(await store.create('key', textOf('second, and longer'))).toBe('exists');
      expect(await store.create('key', streamOf(bytesOf(100_000)))).toBe('exists');
      expect(await store.create('key', textOf('first'))).toBe('exists');
      expect(await store.get('key')).toEqual(textOf('first'));
    });

    test.for([
      { name: 'bytes', body: new Uint8Array(0) },
      { name: 'a stream', body: streamOf(new Uint8Array(0)) },
    ])('keeps an empty object, given as $name', async ({ body }) => {
      const { store } = await use();
      expect(await store.create('empty', body)).toBe('created');
      expect(await store.create('empty', textOf('x'))).toBe('exists');
      expect(await store.get('empty')).toEqual(new Uint8Array(0));
      expect(await store.head('empty')).toMatchObject({ size: 0 });
      expect((await store.list('')).objects).toMatchObject([{ key: 'empty', size: 0 }]);
    });

    test('keeps a stream of several MiB, exactly', async () => {
      const { store } = await use();
      const bytes = bytesOf(largeBytes);
      expect(await store.create('large', streamOf(bytes, { chunkBytes: 300_007 }))).toBe('created');
      expect(await store.head('large')).toMatchObject({ size: largeBytes });
      expect(summary(await store.get('large'))).toBe(summary(bytes));
      const range = { start: 1_000_003, end: largeBytes - 77 };
      expect(summary(await store.get('large', { range }))).toBe(summary(bytes.subarray(range.start, range.end)));
    });

    test('keeps bytes of several MiB, exactly', async () => {
      const { store } = await use();
      const bytes = bytesOf(largeBytes, 1);
      expect(await store.create('large', bytes)).toBe('created');
      expect(summary(await store.get('large'))).toBe(summary(bytes));
    });

    test('shows nothing of an object until it is whole', async () => {
      const { store } = await use();
      const bytes = bytesOf(largeBytes);
      let looked = false;
      const before = async (position: number): Promise<void> => {
        if (looked || position < bytes.byteLength / 2) return;
        looked = true;
        expect(await traces(store, 'folder/large')).toEqual([]);
      };
      expect(await store.create('folder/large', streamOf(bytes, { before }))).toBe('created');
      expect(looked).toBe(true);
      expect(summary(await store.get('folder/large'))).toBe(summary(bytes));
    });

    test.for([
      { name: 'small', size: 200_000 },
      { name: 'large', size: largeBytes },
    ])('fails with the error of a $name stream that broke, and leaves nothing', async ({ size }) => {
      const { store } = await use();
      const errors = [
        new Error('the disk of the sender broke'),
        Object.assign(new Error('EIO: read'), { code: 'EIO', errno: -5, syscall: 'read' }),
        new AppError('corrupt', 'the sender found its bytes changed'),
      ];
      for (const error of errors) {
        expect(await failure(store.create('folder/broken', failingBody(size, error)))).toBe(error);
        expect(await traces(store, 'folder/broken')).toEqual([]);
      }
      expect((await store.list('')).objects).toEqual([]);
      expect(await store.create('folder/broken', textOf('whole'))).toBe('created');
      expect(await store.get('folder/broken')).toEqual(textOf('whole'));
    });

    test.for([
      { name: 'fewer', given: 99_999 },
      { name: 'no', given: 0 },
      { name: 'more', given: 100_001 },
    ])('refuses a stream with $name bytes than it promised, and leaves nothing', async ({ given }) => {
      const { store } = await use();
      expect(await kindOf(store.create('lie', lyingBody(100_000, given)))).toBe('invalid');
      expect(await traces(store, 'lie')).toEqual([]);
      expect(await store.create('lie', lyingBody(100_000, 100_000))).toBe('created');
    });

    test('leaves the object alone when a stream for its key breaks', async () => {
      const { store } = await use();
      await store.create('key', textOf('first'));
      const outcome = await store.create('key', failingBody(200_000, new Error('broken'))).catch(() => 'failed');
      expect(['exists', 'failed']).toContain(outcome);
      expect(await store.get('key')).toEqual(textOf('first'));
    });

    test('does not keep the buffer that it was given', async () => {
      const { store } = await use();
      const bytes = textOf('unchanged');
      await store.create('key', bytes);
      bytes.fill(0);
      expect(await store.get('key')).toEqual(textOf('unchanged'));
    });

    test('takes part of a larger buffer, and only that', async () => {
      const { store } = await use();
      await store.create('part', textOf('..part..').subarray(2, 6));
      await store.create('buffer', Buffer.from('from the pool'));
      expect(await store.get('part')).toEqual(textOf('part'));
      expect(await store.get('buffer')).toEqual(textOf('from the pool'));
    });

    test(`is ${capabilities.shared ? 'seen at once by' : 'not shared with'} another client`, async () => {
      const { store, reopen } = await use();
      await store.create('key', textOf('one'));
      const other = await reopen();
      expect(await other.get('key')).toEqual(capabilities.shared ? textOf('one') : null);
      expect(await other.create('key', textOf('two'))).toBe(capabilities.shared ? 'exists' : 'created');
      expect(await other.head('next')).toBeNull();
      expect(await store.create('next', textOf('three'))).toBe('created');
      expect((await other.head('next'))?.size).toBe(capabilities.shared ? 5 : undefined);
      expect((await other.list('')).objects).toHaveLength(capabilities.shared ? 2 : 1);
    });
  });
}
