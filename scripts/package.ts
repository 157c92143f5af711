/**
 * `node scripts/package.ts`: fills dist/ with what the npm package consists of, modules and their types. Runs before
 * `npm pack`. Packages stay packages; each driver and backend is in files of its own, which are loaded when it is chosen.
 */
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { cp, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { globSync } from 'node:fs';
import { freshConsole } from './console.ts';
import { repository } from './deployable.ts';

/** By the names of the files that `exports` in package.json points at. */
const entries = {
  index: 'lib/index.ts',
  http: 'lib/http/api.ts',
  kysely: 'lib/kysely.ts',
  'stores/blob': 'lib/stores/blob.ts',
  'stores/directory': 'lib/stores/directory.ts',
  'stores/gcs': 'lib/stores/gcs.ts',
  'stores/s3': 'lib/stores/s3.ts',
  'testing/index': 'lib/testing/index.ts',
  'testing/conformance': 'lib/testing/conformance.ts',
  eider: 'scripts/db.ts',
};

const dist = join(repository, 'dist');

if (import.meta.main) {
  await rm(dist, { recursive: true, force: true });
  await Promise.all([buildModules(dist), buildTypes(), freshConsole()]);
  // What `eider serve` shows at `/`.
  await cp(join(repository, 'public'), join(dist, 'public'), { recursive: true });
}

/** The package's modules alone, without their types and the console. */
export async function buildModules(folder: string): Promise<void> {
  await build({
    absWorkingDir: repository,
    entryPoints: entries,
    outdir: folder,
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node22',
    format: 'esm',
    logLevel: 'warning',
  });
}

async function buildTypes(): Promise<void> {
  const compiler = join(repository, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.package.json'], {
    cwd: repository,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('The types were not made.');
  await dropUnreached();
}

/** Of lib/'s declarations most are of nobody's concern outside: what no entry leads to goes. */
async function dropUnreached(): Promise<void> {
  const types = join(dist, 'types');
  const reached = new Set<string>();
  const reach = async (file: string): Promise<void> => {
    if (reached.has(file)) return;
    reached.add(file);
    const imports = (await readFile(file, 'utf8')).matchAll(/\b(?:from|import\()\s*'(\.[^']+)\.ts'/g);
    for (const [, path = ''] of imports) await reach(resolve(dirname(file), `${path}.d.ts`));
  };
  const { files } = JSON.parse(await readFile(join(repository, 'tsconfig.package.json'), 'utf8')) as {
    files: string[];
  };
  for (const file of files) await reach(join(types, file.replace(/^lib\/(.*)\.ts$/, '$1.d.ts')));
  const made = globSync('**/*.d.ts', { cwd: types }).map((file) => join(types, file));
  await Promise.all(made.filter((file) => !reached.has(file)).map((file) => rm(file)));
}
