/** Cold starts: new processes of the bundle that is deployed, from before they begin to their first answer. */
import { spawn } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundle } from '../scripts/bundle.ts';
import { repository } from '../scripts/deployable.ts';
import type { Variables } from './backends.ts';
import { interleave, medians, type Rounds } from './harness.ts';

/** The worker as JavaScript, in a folder beside the bundle as it is deployed, `../dist/server.js`. */
export async function compileWorker(folder: string): Promise<string> {
  const source = 'bench/cold-start-worker.ts';
  await bundle(join(folder, 'dist'));
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const outfile = join(folder, source.replace(/\.ts$/, '.js'));
  await build({
    entryPoints: [join(repository, source)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
  });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  return outfile;
}

export interface Start {
  readonly worker: string;
  readonly variables: Variables;
  /** Id of a row to ask for. */
  readonly student: string;
  /** Made empty before each start. */
  readonly slots: string;
}

/** Of the function and of the bare process, in turns, in ms. */
export async function timeStarts(rounds: Rounds, start: Start): Promise<{ function: number; bare: number }> {
  const once = (way: string) => () => startOnce(way, start);
  return medians(await interleave(rounds, { function: once('function'), bare: once('bare') }));
}

async function startOnce(way: string, { worker, variables, student, slots }: Start): Promise<number> {
  await rm(slots, { recursive: true, force: true });
  await mkdir(slots, { recursive: true });
  // Nothing of the caller's settings: the worker's database is the one named here.
  return timeToFirstWord([worker, way, student, slots], { ...variables, TMPDIR: slots, PUBLIC_READ: 'true' });
}

/** Starts Node with these arguments; answers the time from before that to its first word, in ms. */
function timeToFirstWord(args: readonly string[], env: Variables): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let answeredMs: number | null = null;
    // An SDK warns of itself.
    const child = spawn(process.execPath, ['--no-warnings', ...args], { stdio: ['ignore', 'pipe', 'inherit'], env });
    child.stdout.once('data', () => (answeredMs = performance.now() - began));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 && answeredMs !== null) resolve(answeredMs);
      else reject(new Error(`The process ${args.slice(1, 2).join()} ended with ${code} before its first word.`));
    });
  });
}
