/** `get` and `head`: exactly what is there, the part that was asked for, and `null` for what is absent. */
import { describe, expect, test } from 'vitest';
import type { ByteRange } from '../../store/store.ts';
import { bytesOf, traces, summary, kindOf, type Suite, textOf } from './support.ts';

const size = 200_003;
const far = Number.MAX_SAFE_INTEGER;

const ranges: readonly ByteRange[] = [
  { start: 0, end: size },
  { start: 0, end: 1 },
  { start: size - 1, end: size },
  { start: 65_535, end: 131_073 },
  { start: 0, end: 0 },
  { start: 7, end: 7 },
  { start: size, end: size },
  { start: size - 5, end: size + 5 },
  { start: 100, end: far },
  { start: size, end: size + 1 },
  { start: size + 10, end: size + 20 },
  { start: far, end: far },
];

const wrongRanges: readonly ByteRange[] = [
  { start: -1, end: 2 },
  { start: -5, end: -1 },
  { start: 3, end: 2 },
  { start: 0.5, end: 2 },
  { start: 0, end: 1.5 },
  { start: 0, end: Number.NaN },
  { start: Number.NaN, end: 1 },
  { start: 0, end: Infinity },
];

export function describeReads({ use, largeBytes }: Suite): void {
  describe('reads', () => {
    test('say null for what is absent, and only for that', async () => {
      const { store } = await use();
      expect(await traces(store, 'absent')).toEqual([]);
      expect(await traces(store, 'no/such/folder/absent')).toEqual([]);
      await store.create('folder/there', textOf('x'));
      expect(await traces(store, 'folder/absent')).toEqual([]);
      expect(await traces(store, 'folder/ther')).toEqual([]);
      expect(await traces(store, 'folder/there.not')).toEqual([]);
      expect(await store.get('absent', { range: { start: 0, end: 0 } })).toBeNull();
      expect(await store.get('absent', { range: { start: 5, end: 9 } })).toBeNull();
    });

    test('give any range, empty ones and those past the end included', async () => {
      const { store } = await use();
      const bytes = bytesOf(size);
      await store.create('object', bytes);
      for (const range of ranges) {
        expect(summary(await store.get('object', { range }))).toBe(summary(bytes.subarray(range.start, range.end)));
      }
    });

    test('give the empty range of an empty object', async () => {
      const { store } = await use();
      await store.create('empty', new Uint8Array(0));
      for (const range of [
        { start: 0, end: 0 },
        { start: 0, end: 10 },
        { start: 5, end: 10 },
      ]) {
        expect(await store.get('empty', { range })).toEqual(new Uint8Array(0));
      }
    });

    test('refuse what is no range', async () => {
      const { store } = await use();
      await store.create('object', textOf('bytes'));
      for (const range of wrongRanges) {
        expect(await kindOf(store.get('object', { range }))).toBe('invalid');
        expect(await kindOf(store.get('absent', { range }))).toBe('invalid');
      }
    });

    test('hand out plain bytes of the caller’s own', async () => {
      const { store } = await use();
      const bytes = bytesOf(1000);
      await store.create('object', bytes);
      const first = await store.get('object');
      expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype);
      // Of a Buffer this would be a view, which changes with it.
      const copy = first!.slice();
      first!.fill(0);
      expect(summary(copy)).toBe(summary(bytes));
      const part = await store.get('object', { range: { start: 10, end: 20 } });
      part!.fill(0);
      expect(summary(await store.get('object'))).toBe(summary(bytes));
    });

    test('of one object may be under way together', async () => {
      const { store } = await use();
      const bytes = bytesOf(largeBytes);
      await store.create('object', bytes);
      const all = await Promise.all(Array.from({ length: 4 }, () => store.get('object')));
      expect(all.map(summary)).toEqual(all.map(() => summary(bytes)));
    });

    test('of an object that is deleted meanwhile give every byte, null or fail', async () => {
      const { store } = await use();
      const bytes = bytesOf(largeBytes);
      await store.create('object', bytes);
      const reading = store.get('object');
      const outcome = reading.then(summary, () => kindOf(reading));
      await store.delete(['object']);
      expect(['unavailable', 'absent', summary(bytes)]).toContain(await outcome);
      expect(await traces(store, 'object')).toEqual([]);
    });

    test('head tells size and time, as list does', async () => {
      const { store } = await use();
      await store.create('d/one', bytesOf(12_345));
      const info = await store.head('d/one');
      expect(info).toMatchObject({ key: 'd/one', size: 12_345 });
      const [listed] = (await store.list('d/')).objects;
      expect(listed).toMatchObject({ key: 'd/one', size: 12_345 });
      // Some stores tell whole seconds here and fractions there.
      expect(Math.abs(info!.modifiedAt.getTime() - listed!.modifiedAt.getTime())).toBeLessThan(1000);
      await store.create('d/two', textOf('later'));
      const later = await store.head('d/two');
      expect(later!.modifiedAt.getTime()).toBeGreaterThanOrEqual(info!.modifiedAt.getTime());
    });
  });
}
