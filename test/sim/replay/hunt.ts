/** Looks for each known fault of capture with the property test: one that gets away says that the test is blind there. */
import { mutateLibrary } from '../scratch.ts';
import { type CaptureMutation, captureMutations } from './capture-mutations.ts';
import { loadLibrary } from './library.ts';
import { runSeed } from './seeds.ts';

/** The seed that found it, or null. An error of any kind counts: a replica that cannot apply a record is found, too. */
export async function hunt({ edits }: CaptureMutation, seeds: readonly number[]): Promise<number | null> {
  const { folder, remove } = mutateLibrary(edits);
  try {
    const library = await loadLibrary(folder);
    for (const seed of seeds) {
      const failure = await runSeed(library, seed).catch((error: unknown) => error);
      if (failure !== null) return seed;
    }
    return null;
  } finally {
    remove();
  }
}

/** Those whose name matches the pattern `only`. */
export async function huntAll(seeds: readonly number[], only: string): Promise<boolean> {
  const chosen = captureMutations.filter(({ name }) => new RegExp(only).test(name));
  if (chosen.length === 0) throw new Error(`The name of no mutation matches ${only}.`);
  let escaped = 0;
  for (const mutation of chosen) {
    const found = await hunt(mutation, seeds);
    if (found === null) escaped++;
    console.log(`${mutation.name}: ${found === null ? 'got away' : `found by seed ${found}`}`);
  }
  return escaped === 0;
}
