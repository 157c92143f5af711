/** Runs by number: the same number, the same run. */
import fc from 'fast-check';
import type { Library } from './library.ts';
import { anyPlan, type Plan } from './replay-plan.ts';
import { runPlan } from './replay-run.ts';
import { shrink } from './shrink.ts';
import type { Tally } from './tally.ts';
import { ReplayFailure } from './trace.ts';

function planOf(seed: number): Plan {
  return fc.sample(anyPlan, { seed, numRuns: 1 })[0]!;
}

/** Null when all held. */
export async function runSeed(library: Library, seed: number, tally?: Tally): Promise<ReplayFailure | null> {
  try {
    await runPlan(library, planOf(seed), tally);
    return null;
  } catch (error) {
    if (error instanceof ReplayFailure) return error;
    throw new Error(`Seed ${seed}`, { cause: error });
  }
}

/** A text for people: the smallest run found that fails alike. */
export async function describeFailure(
  library: Library,
  seed: number,
  failure: ReplayFailure,
  budgetMs: number,
): Promise<string> {
  const smallest = await shrink(library, failure, budgetMs);
  return `Seed ${seed}:\n${smallest.message}\nTo reproduce: npm run replay -- --seeds ${seed}-${seed}`;
}
