/** Processes that benches start: compiled as a deployment runs them, and timed from outside. */
import { execFile, spawn } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const repository = dirname(import.meta.dirname);

/** The worker as JavaScript, beside the bundle of the functions as it is deployed. */
export async function compileWorker(source: string, folder: string): Promise<string> {
  await promisify(execFile)(process.execPath, [join(repository, 'scripts/bundle-functions.mjs')]);
  const config = {
    extends: join(repository, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      outDir: folder,
      rootDir: repository,
      typeRoots: [join(repository, 'node_modules/@types')],
    },
    include: [],
    files: [join(repository, source)],
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const compile = promisify(execFile)(join(repository, 'node_modules/.bin/tsc'), ['-p', folder], {
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
  });
  await compile.catch((error: Error & { stdout?: string }) => {
    throw new Error(`The worker does not compile:\n${error.stdout}`, { cause: error });
  });
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({
      type: 'module',
      imports: { '#packages/*': './.packages/*.js', '#serve': './.packages/functions/serve.js' },
    }),
  );
  for (const name of ['node_modules', '.packages']) await symlink(join(repository, name), join(folder, name));
  return join(folder, source.replace(/\.ts$/, '.js'));
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
