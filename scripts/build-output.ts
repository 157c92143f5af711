/**
 * What `vercel build` wrote, and whether it would run: https://vercel.com/docs/build-output-api
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';

export interface BuiltFunction {
  /** As a path of the site: `/` is asked for everything that is no file. */
  readonly path: string;
  /** The folder `….func`. */
  readonly folder: string;
  /** The module whose default export answers, relative to the folder. */
  readonly handler: string;
  /** Of api/, those that the handler knows. */
  readonly routes: readonly string[];
  /** Bytes of everything in it. */
  readonly bytes: number;
  /** All files, relative to the folder. */
  readonly files: readonly string[];
}

export interface Cron {
  readonly path: string;
  readonly schedule: string;
}

export interface BuildOutput {
  readonly functions: readonly BuiltFunction[];
  /** Served as they are; relative to the static folder. */
  readonly staticFiles: readonly string[];
  readonly crons: readonly Cron[];
}

/** What there should be: of api/ the routes, of public/ and migrations/ the files, of vercel.json the crons. */
export interface Expected {
  readonly routes: readonly string[];
  readonly publicFiles: readonly string[];
  readonly migrations: readonly string[];
  readonly crons: readonly Cron[];
}

/** Vercel refuses 250 MB; a cold start that loads half of that would be slow already. */
const maxFunctionBytes = 100_000_000;

/** Reads the folder `.vercel/output`. */
export async function readBuildOutput(output: string): Promise<BuildOutput> {
  const entries = await readdir(join(output, 'functions'), { recursive: true, withFileTypes: true });
  const folders = entries
    .filter((entry) => entry.isDirectory() && entry.name.endsWith('.func'))
    .map((entry) => join(entry.parentPath, entry.name));
  const functions = await Promise.all(folders.map((folder) => readFunction(join(output, 'functions'), folder)));
  const config = JSON.parse(await readFile(join(output, 'config.json'), 'utf8')) as Partial<BuildOutput>;
  return { functions, staticFiles: await listFiles(join(output, 'static')), crons: config.crons ?? [] };
}

async function readFunction(root: string, folder: string): Promise<BuiltFunction> {
  const config = JSON.parse(await readFile(join(folder, '.vc-config.json'), 'utf8')) as {
    handler: string;
    filePathMap?: Readonly<Record<string, string>>;
  };
  const mapped = Object.keys(config.filePathMap ?? {});
  if (mapped.length > 0) throw new Error(`${folder} refers to files outside of it: ${mapped.slice(0, 3).join(', ')}`);
  const files = await listFiles(folder);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
  const handler = join(folder, config.handler);
  const code = existsSync(handler) ? await readFile(handler, 'utf8') : '';
  return {
    path: `/${relative(root, folder)}`.replace(/\.func$/, '').replace(/\/index$/, '/'),
    folder,
    handler: config.handler,
    routes: [...code.matchAll(/\bpath: ?"(\/api\/[^"]*)"/g)].map(([, path = '']) => path).toSorted(),
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    files,
  };
}

/** Files below a folder, sorted; none when it does not exist. */
async function listFiles(folder: string): Promise<readonly string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted((a, b) => (a < b ? -1 : 1));
}

/** What is wrong with a build, as sentences. */
export function faultsOf({ functions, staticFiles, crons }: BuildOutput, expected: Expected): readonly string[] {
  return [
    ...(functions.length === 1 ? [] : [`There are ${functions.length} functions instead of one`]),
    ...functions.flatMap((built) => functionFaults(built, expected)),
    ...expected.publicFiles.filter((file) => !staticFiles.includes(file)).map((file) => `${file} is not served`),
    ...staticFiles.filter((file) => !expected.publicFiles.includes(file)).map((file) => `${file} is served to anyone`),
    ...(JSON.stringify(crons) === JSON.stringify(expected.crons) ? [] : ['The crons are not those of vercel.json']),
  ];
}

function functionFaults({ path, routes, bytes, files }: BuiltFunction, expected: Expected): readonly string[] {
  const names = files.map((file) => basename(file));
  const unbundled = files.filter((file) => /\.ts$|^(?:api|lib)\//.test(file));
  return [
    ...(path === '/' ? [] : [`${path} is not the function that is asked for everything`]),
    ...expected.routes.filter((route) => !routes.includes(route)).map((route) => `${route} is not served`),
    ...expected.migrations.filter((file) => !files.includes(`migrations/${file}`)).map((file) => `${file} is missing`),
    ...(unbundled.length === 0 ? [] : [`Modules are outside of the bundle: ${unbundled.slice(0, 3).join(', ')}`]),
    ...(names.includes('duckdb.node') ? [] : ['duckdb.node is missing']),
    ...(names.some(isLibrary) ? [] : ['The library of DuckDB is missing']),
    ...(bytes <= maxFunctionBytes ? [] : [`It has ${megabytes(bytes)}, more than ${megabytes(maxFunctionBytes)}`]),
  ];
}

const isLibrary = (name: string): boolean => /^(libduckdb\.(so|dylib)|duckdb\.dll)$/.test(name);

/** For people. */
export function describeOutput({ functions, staticFiles }: BuildOutput): string {
  const lines = functions.flatMap(({ path, bytes, routes }) => [
    `Function ${path}, ${megabytes(bytes)}`,
    ...routes.map((route) => `  ${route}`),
  ]);
  return [...lines, `Static files: ${staticFiles.join(', ')}`].join('\n');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
