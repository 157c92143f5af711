/**
 * Makes a few files of our own hundred modules: `lib/http/serve.ts` and all that it needs, with each driver and backend in
 * a file of its own that is loaded when it is chosen. The files under api/ import it as `#serve`. Loading modules one by
 * one was half of a cold start: see docs/decisions.
 *
 * Runs after every `npm install`, and as the build command of vercel.json before each build, so that what is deployed is
 * never older than the sources. `vercel dev` and tests run the sources.
 *
 * Plain JavaScript: it runs on whatever Node installs the packages.
 */
import { build } from 'esbuild';
import { banner } from './bundle-banner.mjs';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, '.packages/functions');
const entry = join(root, 'lib/http/serve.ts');

/** Of these only what we use is taken in; the other packages stay the files that they are. */
const inlined = ['kysely'];

// Packages may be installed before the sources are there, as in layers of a container.
if (existsSync(entry)) await place(await bundle());

async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [entry],
    outdir: folder,
    bundle: true,
    splitting: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    mainFields: ['module', 'main'],
    // Packages that few need.
    external: ['@vercel/oidc', '@vercel/oidc-aws-credentials-provider'],
    plugins: [
      { name: 'packages', setup: resolvePackages },
      { name: 'native library', setup: importBindings },
    ],
    banner,
    logLevel: 'warning',
  });
  return outputFiles;
}

function resolvePackages(esbuild) {
  esbuild.onResolve({ filter: /^#packages\// }, ({ path, kind }) => {
    const name = path.slice('#packages/'.length);
    if (inlined.includes(name)) return esbuild.resolve(name, { kind, resolveDir: root });
    return { path: `../${name}.js`, external: true };
  });
  // The package's index loads what we have no use for.
  esbuild.onResolve({ filter: /^@vercel\/functions$/ }, () => ({
    path: join(root, 'node_modules/@vercel/functions/wait-until.js'),
  }));
}

/**
 * The package of the native library, which others `require`, comes by an `import`: the tracing of Vercel would not see
 * what a bundle requires.
 */
function importBindings(esbuild) {
  const name = '@duckdb/node-bindings';
  const filter = /^@duckdb\/node-bindings$/;
  esbuild.onResolve({ filter }, ({ kind, namespace }) => {
    if (kind !== 'require-call') return { path: name, external: true };
    return { path: name, namespace: namespace === 'required' ? 'imported' : 'required' };
  });
  esbuild.onLoad({ filter, namespace: 'required' }, () => ({
    contents: `module.exports = require('${name}').default;`,
  }));
  esbuild.onLoad({ filter, namespace: 'imported' }, () => ({ contents: `export { default } from '${name}';` }));
}

/** Writes what is new: another process may be reading what is not. */
async function place(files) {
  await mkdir(folder, { recursive: true });
  const names = files.map(({ path }) => basename(path));
  for (const { path, contents } of files) {
    const present = await readFile(path).catch(() => null);
    if (!present?.equals(contents)) await writeFile(path, contents);
  }
  const stale = (await readdir(folder)).filter((name) => !names.includes(name));
  await Promise.all(stale.map((name) => rm(join(folder, name))));
}
