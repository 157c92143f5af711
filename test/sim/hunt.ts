/**
 * Hunting mutations: how many runs it takes until an engine with a known fault is found, and by which invariant.
 */
import { loadLibrary } from './library.ts';
import type { Invariant } from './violation.ts';
import { type Mutation, mutations } from './mutations.ts';
import { planOf } from './plan.ts';
import { mutateLibrary } from './scratch.ts';

interface Hunt {
  readonly mutation: Mutation;
  /** Null when it got away. */
  readonly found: { readonly invariant: Invariant; readonly seed: number; readonly detail: string } | null;
  readonly runs: number;
}

export interface HuntOptions {
  /** A pattern of names. */
  readonly only: string;
  /** Only those that are found within few runs. */
  readonly quick: boolean;
  readonly part: number;
  readonly parts: number;
}

/** As many runs as CI has time for. */
const fewRuns = 10;

/** Prints a line of a table for each. False when one got away. */
export async function huntMutations({ only, quick, part, parts }: HuntOptions): Promise<boolean> {
  const chosen = mutations.filter(({ name, within }) => new RegExp(only).test(name) && (!quick || within <= fewRuns));
  if (chosen.length === 0) throw new Error(`The name of no mutation matches ${only}.`);
  let escaped = 0;
  for (const [index, mutation] of chosen.entries()) {
    if (index % parts !== part) continue;
    const hunt = await huntMutation(mutation);
    console.log(describeHunt(hunt));
    if (hunt.found) console.error(`  seed ${hunt.found.seed}: ${hunt.found.detail}`);
    if (!hunt.found) escaped++;
  }
  return escaped === 0;
}

/** Runs seeds of the mutation's kinds, in order, until one fails. */
async function huntMutation(mutation: Mutation): Promise<Hunt> {
  const { folder, remove } = mutateLibrary(mutation.edits);
  try {
    const library = await loadLibrary(folder);
    const { simulate } = await import('./simulate.ts');
    for (let seed = 1, runs = 0; ; seed++) {
      const plan = planOf(seed);
      if (!mutation.profiles.includes(plan.profile)) continue;
      if (runs === mutation.within) return { mutation, found: null, runs };
      runs++;
      const { violation } = await simulate(plan, library);
      if (!violation) continue;
      return { mutation, found: { invariant: violation.invariant, seed, detail: violation.message }, runs };
    }
  } finally {
    remove();
  }
}

/** As a line of the table in docs/simulation.md. */
function describeHunt({ mutation, found, runs }: Hunt): string {
  const how = found ? `${found.invariant} | ${runs}` : `**got away** | ${runs}`;
  return `| ${mutation.rule} | ${mutation.name} | ${how} |`;
}
