/**
 * Makes one file of each package that consists of hundreds, in `.packages/`, and one of each part that it loads later; the
 * sources import it as `#packages/<name>`. Runs after every `npm install`, on Vercel too. Loading a package file by file is
 * most of what a cold start would take: see docs/decisions.
 *
 * Plain JavaScript: it runs on whatever Node installs the packages.
 */
import { build } from 'esbuild';
import { banner } from './bundle-banner.mjs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** A file of a package, which the package does not export. */
function installed(path) {
  return fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
}

/** By the name under which the sources import it: the package, and what of it when not all. */
const packages = {
  kysely: { from: 'kysely' },
  zod: { from: 'zod' },
  pg: { from: 'pg', names: ['Client', 'Pool'] },
  neon: { from: '@neondatabase/serverless', names: ['Pool', 'neonConfig'] },
  'apache-arrow': {
    from: 'apache-arrow',
    names: [
      'Binary',
      'Bool',
      'DataType',
      'DateDay',
      'Field',
      'Float32',
      'Float64',
      'Int8',
      'Int16',
      'Int32',
      'Int64',
      'RecordBatch',
      'Schema',
      'Struct',
      'Table',
      'Uint8',
      'Uint16',
      'Uint32',
      'Uint64',
      'Utf8',
      'makeData',
      'tableToIPC',
      'vectorFromArray',
    ],
  },
  'libpg-query': { from: 'libpg-query', names: ['parse'], plugins: [{ name: 'wasm', setup: embedParser }] },
  'vercel-blob': {
    from: '@vercel/blob',
    // It has a replacement for undici, the `fetch` that is there already, which Node has of undici, too.
    alias: { undici: installed('@vercel/blob/dist/undici-browser.js') },
    plugins: [{ name: 'oidc', setup: loadOidcLater }],
  },
  'google-storage': { from: '@google-cloud/storage', names: ['Storage'] },
  'aws-s3': {
    from: '@aws-sdk/client-s3',
    names: [
      'AbortMultipartUploadCommand',
      'CompleteMultipartUploadCommand',
      'CopyObjectCommand',
      'CreateMultipartUploadCommand',
      'DeleteObjectsCommand',
      'GetObjectCommand',
      'HeadObjectCommand',
      'ListMultipartUploadsCommand',
      'ListObjectsV2Command',
      'PutObjectCommand',
      'S3Client',
      'UploadPartCommand',
      'UploadPartCopyCommand',
    ],
  },
};

const folder = fileURLToPath(new URL('../.packages/', import.meta.url));
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });

for (const [name, { from, names, alias = {}, plugins = [] }] of Object.entries(packages)) {
  await build({
    stdin: {
      contents: `export ${names ? `{ ${names.join(', ')} }` : '*'} from '${from}';`,
      resolveDir: folder,
      loader: 'js',
    },
    outdir: folder,
    entryNames: name,
    bundle: true,
    // What a package imports when it needs it (of the SDKs: ways to find credentials) is not even read before.
    splitting: true,
    chunkNames: `${name}-[hash]`,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    // Modules where a package has both kinds: what nobody uses of them is left out.
    mainFields: ['module', 'main'],
    // Names stay: errors are told apart by them.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'eof',
    banner,
    // What packages ask for only where it is installed.
    external: ['pg-native', 'pg-cloudflare'],
    alias,
    plugins,
    logLevel: 'warning',
  });
  await writeFile(`${folder}${name}.d.ts`, `export * from '${from}';\n`);
}
// Modules, wherever the folder is copied to.
await writeFile(`${folder}package.json`, '{"type":"module"}\n');

/** Half of what @vercel/blob loads is for who gives it no token of any kind. The store always gives it one. */
function loadOidcLater(esbuild) {
  const later =
    'export const getVercelOidcToken = async (...all) => (await import("@vercel/oidc")).getVercelOidcToken(...all);';
  esbuild.onResolve({ filter: /^@vercel\/oidc$/ }, ({ path, kind }) =>
    kind === 'import-statement' ? { path, namespace: 'later' } : { path, external: true },
  );
  esbuild.onLoad({ filter: /^@vercel\/oidc$/, namespace: 'later' }, () => ({ contents: later }));
}

/** PostgreSQL's parser looks for its WebAssembly in a file beside itself, which would not come along: it gets the bytes. */
function embedParser(esbuild) {
  esbuild.onLoad({ filter: /libpg-query\.js$/ }, async ({ path }) => {
    const source = await readFile(path, 'utf8');
    const bytes = await readFile(path.replace(/js$/, 'wasm'), 'base64');
    const loading = 'async function getWasmBinary(binaryFile){';
    const embedded = source.replace(loading, `${loading}return Buffer.from("${bytes}","base64");`);
    if (embedded === source)
      throw new Error('libpg-query has another way to its WebAssembly: see bundle-packages.mjs.');
    return { contents: embedded };
  });
}
