/** Any sequence of operations, compared step by step with what a Map would do. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../store/store.ts';
import { bytesOf, kindOf, streamOf, type Suite, summary } from './support.ts';

type Model = Map<string, Uint8Array>;

interface ModelStep {
  readonly run: (store: Store, model: Model) => Promise<void>;
  readonly toString: () => string;
}

const key = fc.constantFrom('a', 'a-', 'a.b', 'a0', 'B', 'f/a', 'f/b', 'f/g/a', 'f-/a', 'f0', 'g.log/01', 'g.log/02');
const bytes = fc
  .tuple(fc.oneof(fc.nat(40), fc.constant(70_000)), fc.nat(1000))
  .map(([size, seed]) => bytesOf(size, seed));
const range = fc.tuple(fc.nat(60), fc.nat(60)).map(([start, length]) => ({ start, end: start + length }));
const prefix = fc.constantFrom('', 'a', 'a.', 'f', 'f/', 'f/g', 'f/g/', 'g.log/', 'g.log/0', 'B', 'z');

function step(name: string, run: ModelStep['run']): ModelStep {
  return { run, toString: () => name };
}

const create = fc.tuple(key, bytes, fc.boolean()).map(([to, body, streamed]) =>
  step(`create ${to} of ${body.byteLength}`, async (store, model) => {
    const outcome = await store.create(to, streamed ? streamOf(body, { chunkBytes: 17_001 }) : body);
    assert.equal(outcome, model.has(to) ? 'exists' : 'created');
    if (outcome === 'created') model.set(to, body);
  }),
);

const get = fc.tuple(key, fc.option(range)).map(([from, part]) =>
  step(`get ${from} ${JSON.stringify(part)}`, async (store, model) => {
    const options = part ? { range: part } : {};
    const expected = summary(model.get(from)?.subarray(part?.start, part?.end) ?? null);
    assert.equal(summary(await store.get(from, options)), expected);
  }),
);

const head = key.map((from) =>
  step(`head ${from}`, async (store, model) => {
    const info = await store.head(from);
    const expected = model.has(from) ? { key: from, size: model.get(from)?.byteLength } : null;
    assert.deepEqual(info && { key: info.key, size: info.size }, expected);
  }),
);

const list = fc.tuple(prefix, fc.option(key), fc.option(fc.integer({ min: 1, max: 6 }))).map(([under, after, limit]) =>
  step(`list ${under} after ${after} limit ${limit}`, async (store, model) => {
    const page = await store.list(under, {
      ...(after === null ? {} : { after }),
      ...(limit === null ? {} : { limit }),
    });
    const expected = [...model]
      .filter(([name]) => name.startsWith(under) && (after === null || name > after))
      .toSorted(([one], [two]) => (one < two ? -1 : 1))
      .map(([name, { byteLength }]) => ({ key: name, size: byteLength }));
    assert.deepEqual(
      page.objects.map((info) => ({ key: info.key, size: info.size })),
      expected.slice(0, limit ?? 1000),
    );
    assert.equal(page.more, page.objects.length < expected.length);
  }),
);

const copy = fc.tuple(key, key).map(([from, to]) =>
  step(`copy ${from} to ${to}`, async (store, model) => {
    const copying = store.copy(from, to);
    const source = model.get(from);
    if (!source) return assert.equal(await kindOf(copying), 'not-found');
    await copying;
    model.set(to, source);
  }),
);

const remove = fc.array(key, { maxLength: 4 }).map((keys) =>
  step(`delete ${keys.join(' ')}`, async (store, model) => {
    await store.delete(keys);
    for (const name of keys) model.delete(name);
  }),
);

const steps = fc.array(
  fc.oneof(
    { arbitrary: create, weight: 4 },
    get,
    head,
    { arbitrary: list, weight: 2 },
    { arbitrary: copy, weight: 2 },
    remove,
  ),
  { minLength: 1, maxLength: 40, size: 'max' },
);

export function describeModel({ open, modelRuns }: Suite): void {
  describe('model', () => {
    test(`${modelRuns} random sequences of operations do what a Map would`, async () => {
      const property = fc.asyncProperty(steps, async (sequence) => {
        const { store, close } = await open();
        try {
          const model: Model = new Map();
          for (const { run } of sequence) await run(store, model);
        } finally {
          await close?.();
        }
      });
      await expect(fc.assert(property, { numRuns: modelRuns })).resolves.toBeUndefined();
    });
  });
}
