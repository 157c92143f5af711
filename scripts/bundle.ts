/**
 * `node scripts/bundle.ts`: makes a few files of server.ts and all that it needs, packages too, in dist/: what a deployment
 * runs. Loading hundreds of modules one by one was half of a cold start: see docs/decisions. Each driver, backend and SDK
 * is in files of its own, which are loaded when it is chosen.
 *
 * The build command of vercel.json. `npm start`, `vercel dev` and tests run the sources.
 */
import { build, type Metafile, type Plugin } from 'esbuild';
import { existsSync, globSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { copyFile, cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { routePath } from '../lib/http/router.ts';
import { freshConsole } from './console.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const installed = (path: string): string => join(root, 'node_modules', path);

/** What packages take for given where modules are CommonJS, at the head of each file. */
const banner = [
  "import { createRequire as makeRequire } from 'node:module';",
  'const require = makeRequire(import.meta.url);',
  'const __dirname = import.meta.dirname, __filename = import.meta.filename;',
].join(' ');

/** The files under api/ as a list that is known when the bundle is made, in the place of a look into the folder. */
const routes: Plugin = {
  name: 'routes',
  setup(esbuild) {
    esbuild.onLoad({ filter: /[/\\]lib[/\\]server[/\\]load-routes\.ts$/ }, () => {
      const files = globSync('**/*.ts', { cwd: join(root, 'api') }).map((file) => file.replaceAll('\\', '/'));
      const served = files.toSorted().filter((file) => routePath(file) !== null);
      const imports = served.map((file, index) => `import * as route${index} from '../../api/${file}';`);
      const list = served.map((file, index) => `{ path: '${routePath(file)}', methods: route${index} }`);
      const contents = `${imports.join('\n')}\nexport const loadRoutes = () => [${list.join(', ')}];`;
      return { contents, loader: 'js', resolveDir: join(root, 'lib/server') };
    });
  },
};

/** Of this package only one module is needed; its index loads the others. */
const waitUntilAlone: Plugin = {
  name: 'waitUntil alone',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^@vercel\/functions$/ }, () => ({
      path: installed('@vercel/functions/wait-until.js'),
    }));
  },
};

/** Half of what @vercel/blob loads is for who gives it no token of any kind. The store always gives it one. */
const laterOidc: Plugin = {
  name: 'OIDC later',
  setup(esbuild) {
    const filter = /^@vercel\/oidc$/;
    const contents =
      'export const getVercelOidcToken = async (...all) => (await import("@vercel/oidc")).getVercelOidcToken(...all);';
    esbuild.onResolve({ filter }, ({ path, kind, importer }) =>
      kind === 'import-statement' && importer.includes('blob') ? { path, namespace: 'later' } : null,
    );
    esbuild.onLoad({ filter, namespace: 'later' }, () => ({ contents, resolveDir: root }));
  },
};

/**
 * What is CommonJS and loaded by `import()` would lose the names of its exports, as esbuild splits it: a module that names them
 * stands before it. https://github.com/evanw/esbuild/issues/3245
 */
const namesOfLaterModules: Plugin = {
  name: 'names of later modules',
  setup(esbuild) {
    esbuild.onResolve({ filter: /./ }, async ({ path, kind, pluginData, ...from }) => {
      if (kind !== 'dynamic-import' || pluginData === 'resolving' || isBuiltin(path)) return null;
      const found = await esbuild.resolve(path, { ...from, kind, pluginData: 'resolving' });
      const isFile = found.namespace === 'file' && !found.external;
      return isFile && (await isCommonJs(found.path)) ? { path: found.path, namespace: 'named' } : found;
    });
    esbuild.onLoad({ filter: /./, namespace: 'named' }, async ({ path }) => {
      const names = Object.keys((await import(pathToFileURL(path).href)) as object).filter((name) =>
        /^[\w$]+$/.test(name),
      );
      return { contents: `export { ${names.join(', ')} } from ${JSON.stringify(path)};`, resolveDir: root };
    });
  },
};

/**
 * The package of the native library stays a package: it finds its file by itself. What `require`s it gets it by an `import`,
 * since the tracing of Vercel does not see what a bundle requires.
 */
const nativeLibrary: Plugin = {
  name: 'native library',
  setup(esbuild) {
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
  },
};

async function isCommonJs(path: string): Promise<boolean> {
  const code = await readFile(path, 'utf8');
  return /\bexports\b/.test(code) && !/^(?:import|export)\b/m.test(code);
}

/** Fills the folder, of which nothing that was there stays. Answers which sources each file is made of. */
export async function bundle(folder: string = join(root, 'dist')): Promise<Metafile> {
  await rm(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    metafile: true,
    entryPoints: ['server.ts'],
    outdir: folder,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // ES modules where a package has both kinds: unused exports are left out.
    mainFields: ['module', 'main'],
    // Names are kept: errors are recognised by them.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    banner: { js: banner },
    external: [
      // What packages ask for only where it is installed.
      'pg-native',
      'pg-cloudflare',
      // For roles alone: it shares the SDK's parts, and everyone who uses S3 would load more of these.
      '@vercel/oidc-aws-credentials-provider',
    ],
    // @vercel/blob has a replacement for undici, the `fetch` that is there already, which Node has of undici, too.
    alias: { undici: installed('@vercel/blob/dist/undici-browser.js') },
    plugins: [routes, waitUntilAlone, laterOidc, namesOfLaterModules, nativeLibrary],
    logLevel: 'warning',
  });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}\n');
  // PostgreSQL's parser looks for its WebAssembly beside itself.
  await copyFile(installed('libpg-query/wasm/libpg-query.wasm'), join(folder, 'libpg-query.wasm'));
  // Read when it runs: the pages in case the platform asks the function for `/`, which a file of public/ answers, too.
  for (const name of ['migrations', 'public'].filter((each) => existsSync(join(root, each)))) {
    await cp(join(root, name), join(folder, name), { recursive: true });
  }
  return metafile;
}

if (import.meta.main) {
  await freshConsole();
  await bundle();
}
