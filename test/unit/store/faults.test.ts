/** The faults do what their names say, and counting counts: what other tests build on. */
import { expect, it } from 'vitest';
import { AppError } from '../../../lib/errors.ts';
import { withCounting } from '../../../lib/testing/counting.ts';
import { type Fault, withFaults } from '../../../lib/testing/faults.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { testRuntime } from '../../support/runtime.ts';
import { textOf } from '../../../lib/testing/conformance/support.ts';

const bytes = textOf('abcdefghij');
const runtime = testRuntime();

async function meeting(fault: Fault) {
  const inner = createMemoryStore({ runtime });
  await inner.create('a', bytes);
  return { inner, store: withFaults(inner, { runtime, choose: () => fault }) };
}

it('fail-before: nothing happened', async () => {
  const { inner, store } = await meeting({ kind: 'fail-before' });
  await expect(store.create('b', bytes)).rejects.toMatchObject({ kind: 'unavailable' });
  expect(await inner.get('b')).toBeNull();
});

it('fail-after: it happened, and nobody says so', async () => {
  const { inner, store } = await meeting({ kind: 'fail-after' });
  await expect(store.create('b', bytes)).rejects.toMatchObject({ kind: 'indeterminate' });
  expect(await inner.get('b')).toEqual(bytes);
  await expect(store.get('a')).rejects.toMatchObject({ kind: 'unavailable' });
});

it('answer-exists: it happened, and the answer is that of a repeated attempt', async () => {
  const { inner, store } = await meeting({ kind: 'answer-exists' });
  expect(await store.create('b', bytes)).toBe('exists');
  expect(await inner.get('b')).toEqual(bytes);
});

it('truncate, cut and corrupt: bytes are damaged', async () => {
  expect(await (await meeting({ kind: 'truncate', bytes: 2 })).store.get('a')).toEqual(textOf('ab'));
  const cut = (await meeting({ kind: 'cut' })).store;
  await expect(cut.get('a')).rejects.toMatchObject({ kind: 'unavailable' });
  const wrong = Buffer.from((await (await meeting({ kind: 'corrupt' })).store.get('a'))!);
  expect(wrong.filter((byte, index) => byte !== bytes[index])).toHaveLength(1);
});

it('hang: never answers, until it is stopped', async () => {
  const { store } = await meeting({ kind: 'hang' });
  await expect(store.head('a', { signal: AbortSignal.timeout(10) })).rejects.toBeInstanceOf(AppError);
});

it('counting counts operations by name, and bytes both ways', async () => {
  const store = withCounting(createMemoryStore({ runtime }));
  await store.create('a', bytes);
  await store.get('a', { range: { start: 2, end: 5 } });
  await store.get('a');
  await store.head('a');
  const before = store.counts();
  await store.list('');
  await store.copy('a', 'b');
  await store.delete(['a']);
  expect(before).toMatchObject({
    operations: { create: 1, get: 2, head: 1, list: 0 },
    bytesUp: 10,
    bytesDown: 13,
  });
  expect(store.counts().operations).toMatchObject({ list: 1, copy: 1, delete: 1 });
});
