/** Processes that benches start: compiled as a deployment runs them, and timed from outside. */
import { execFile, spawn } from 'node:child_process';
import { build } from 'esbuild';
import { symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { bundle } from '../scripts/bundle.ts';

const repository = dirname(import.meta.dirname);

/** The worker as JavaScript, in a folder beside the bundle of the function as it is deployed, `../dist/server.js`. */
export async function compileWorker(source: string, folder: string): Promise<string> {
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

/** Starts Node with these arguments; answers the time from before that to its first word, in ms. */
export function timeToFirstWord(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    let answeredMs: number | null = null;
    const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'inherit'], env: environment });
    child.stdout.once('data', () => (answeredMs = performance.now() - began));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0 && answeredMs !== null) resolve(answeredMs);
      else reject(new Error(`The process ${args.slice(1, 2).join()} ended with ${code} before its first word.`));
    });
  });
}

/** What Node prints when it runs with these arguments. */
export async function outputOf(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [...args], { env: environment });
  return stdout.trim();
}
