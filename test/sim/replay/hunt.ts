/** Looks for each known fault of capture with the property test: one that gets away says that the test is blind there. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { mutateLibrary } from '../scratch.ts';
import { type CaptureMutation, captureMutations } from './capture-mutations.ts';

const replay = join(import.meta.dirname, 'replay.ts');
const largestOutput = 64 * 1024 * 1024;

/**
 * The first of the seeds (`500-600`; absent: the one that is known to find it) that does, or null. An error of any kind counts: a replica that cannot apply a record is found, too.
 * Each fault has a process of its own: lib/ changes DuckDB's client, and all copies of lib/ in a process share that.
 */
export async function hunt(
  { edits, seed: known }: CaptureMutation,
  seeds = `${known}-${known}`,
): Promise<number | null> {
  const { folder, remove } = mutateLibrary(edits);
  const parameters = [replay, '--library', folder, '--seeds', seeds, '--shrink-seconds', '0'];
  try {
    await promisify(execFile)(process.execPath, parameters, { maxBuffer: largestOutput });
    return null;
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    const [, seed] = /\bSeed (\d+)/.exec(`${stdout}${stderr}`) ?? [];
    if (seed === undefined) throw error;
    return Number(seed);
  } finally {
    remove();
  }
}

/** Those whose name matches the pattern `only`. */
export async function huntAll(seeds: string | undefined, only: string): Promise<boolean> {
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
