/**
 * Whatever SQL changes is in the record: schemas and statements of every kind, on two instances in turn, and a replica made
 * of the log alone has the same rows to the last value, the same definitions, and the same next number of each sequence.
 *
 * A few runs here; thousands by `npm run replay -- --seeds 2000`, or with REPLAY_SEEDS=2000 for this file.
 */
import { describe, expect, it } from 'vitest';
import { captureMutations } from './capture-mutations.ts';
import { hunt } from './hunt.ts';
import { loadLibrary } from './library.ts';
import { describeFailure, runSeed } from './seeds.ts';
import { Tally } from './tally.ts';
import { edited } from '../scratch.ts';

const seeds = Array.from({ length: Number(process.env['REPLAY_SEEDS'] ?? 10) }, (_, index) => index + 1);

describe('statements of every kind', () => {
  it('make the same state on every replica', { timeout: 60_000 + seeds.length * 10_000 }, async () => {
    const library = await loadLibrary();
    const tally = new Tally();
    for (const seed of seeds) {
      const failure = await runSeed(library, seed, tally);
      expect(failure && (await describeFailure(library, seed, failure, 30_000))).toBeNull();
    }
    // A generator whose statements all fail would prove nothing.
    const kinds = ['insert', 'update', 'remove', 'merge', 'createTable', 'alterTable', 'createTableAs', 'select'];
    expect(kinds.filter((kind) => tally.done(kind) === 0)).toEqual([]);
  });
});

describe('captures with a known fault', () => {
  it.each(captureMutations)('$name: fits the source', ({ edits }) => {
    expect(() => edited(edits)).not.toThrow();
  });

  it.each(captureMutations.filter(({ isQuick }) => isQuick === true))(
    '$name: is found',
    { timeout: 120_000 },
    async (mutation) => {
      expect(await hunt(mutation)).not.toBeNull();
    },
  );
});
