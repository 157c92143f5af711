/**
 * Sequences of which one side may have given numbers that no record holds: what a transaction took that failed does not come
 * back, and nobody else hears of it.
 */
import { type DatabaseState, differencesOf } from '../support/database-state.ts';

/** As `differencesOf`, but a sequence of `further` may be further on than in `base`; never the other way round. */
export function differencesBeyond(base: DatabaseState, further: DatabaseState): string[] {
  const behind = Object.keys(base.sequences).filter((name) => {
    const [at, next] = [base.sequences[name]!, further.sequences[name]];
    return next === undefined || isBehind(BigInt(next), BigInt(at), base.definitions[`sequence ${name}`]);
  });
  return [
    ...differencesOf({ ...base, sequences: {} }, { ...further, sequences: {} }),
    ...behind.map(
      (name) => `next value of ${name}: at least ${base.sequences[name]}, found ${further.sequences[name]}`,
    ),
  ];
}

/** One that starts over at its end is never behind. */
function isBehind(next: bigint, at: bigint, definition = '[]'): boolean {
  const [, , increment, cycles] = JSON.parse(definition) as string[];
  if (cycles === 'true') return false;
  return BigInt(increment ?? 1) > 0n ? next < at : next > at;
}
