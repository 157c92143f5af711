/**
 * What `vercel build` wrote, and whether it would run: https://vercel.com/docs/build-output-api
 */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';

export interface BuiltFunction {
  /** As a path of the site: `/api/[table]`. */
  readonly route: string;
  /** The folder `….func`. */
  readonly folder: string;
  /** The module that exports the methods, relative to the folder. */
  readonly handler: string;
  /** Bytes of everything in it. */
  readonly bytes: number;
  /** The native libraries of DuckDB that it holds, without their folders. */
  readonly natives: readonly string[];
  /** Modules of lib/ that it would load one by one. */
  readonly unbundled: readonly string[];
  /** Whether our own code is in it as the bundle that it should be. */
  readonly hasBundle: boolean;
}

export interface BuildOutput {
  readonly functions: readonly BuiltFunction[];
  /** Served as they are; relative to the static folder. */
  readonly staticFiles: readonly string[];
}

/** Vercel refuses 250 MB; a cold start that loads half of that would be slow already. */
const maxFunctionBytes = 100_000_000;
/** https://vercel.com/docs/limits: the Hobby plan's functions a deployment. */
const maxFunctions = 12;

/** Reads the folder `.vercel/output`. */
export async function readBuildOutput(output: string): Promise<BuildOutput> {
  const entries = await readdir(join(output, 'functions'), { recursive: true, withFileTypes: true });
  const folders = entries
    .filter((entry) => entry.isDirectory() && entry.name.endsWith('.func'))
    .map((entry) => join(entry.parentPath, entry.name));
  const functions = await Promise.all(folders.map((folder) => readFunction(join(output, 'functions'), folder)));
  return {
    functions: functions.toSorted((a, b) => a.route.localeCompare(b.route)),
    staticFiles: await listFiles(join(output, 'static')),
  };
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
  return {
    route: `/${relative(root, folder)}`.replace(/\.func$/, '').replace(/\/index$/, ''),
    folder,
    handler: config.handler,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    natives: files.map((file) => basename(file)).filter((name) => isBinding(name) || isLibrary(name)),
    unbundled: files.filter((file) => file.startsWith('lib/')),
    hasBundle: files.includes('.packages/functions/serve.js'),
  };
}

/** Files below a folder, sorted; none when it does not exist. */
async function listFiles(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => !entry.isDirectory());
  return files
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted((a, b) => (a < b ? -1 : 1));
}

const isBinding = (name: string): boolean => name === 'duckdb.node';
const isLibrary = (name: string): boolean => /^(libduckdb\.(so|dylib)|duckdb\.dll)$/.test(name);

/** The route that Vercel makes of a file below api/; null for one that is no function. */
export function routeOf(file: string): string | null {
  if (file.split('/').some((segment) => /^[._]/.test(segment)) || !/(?<!\.d)\.ts$/.test(file)) return null;
  return `/api/${file}`.replace(/\.ts$/, '').replace(/\/index$/, '');
}

/** What is wrong with a build, as sentences. `routes` and `publicFiles`: what there should be. */
export function faultsOf(
  { functions, staticFiles }: BuildOutput,
  expected: { readonly routes: readonly string[]; readonly publicFiles: readonly string[] },
): readonly string[] {
  const built = functions.map(({ route }) => route);
  return [
    ...expected.routes.filter((route) => !built.includes(route)).map((route) => `${route} was not built`),
    ...(functions.length > maxFunctions ? [`${functions.length} functions are more than Hobby's ${maxFunctions}`] : []),
    ...functions.flatMap(functionFaults),
    ...expected.publicFiles.filter((file) => !staticFiles.includes(file)).map((file) => `${file} is not served`),
    ...staticFiles.filter((file) => !expected.publicFiles.includes(file)).map((file) => `${file} is served to anyone`),
  ];
}

function functionFaults({ route, bytes, natives, unbundled, hasBundle }: BuiltFunction): readonly string[] {
  return [
    ...(hasBundle ? [] : [`${route} lacks .packages/functions/serve.js`]),
    ...(unbundled.length === 0
      ? []
      : [`${route} holds modules outside of the bundle: ${unbundled.slice(0, 3).join(', ')}`]),
    ...(natives.some(isBinding) ? [] : [`${route} lacks duckdb.node`]),
    ...(natives.some(isLibrary) ? [] : [`${route} lacks the library of DuckDB`]),
    ...(bytes <= maxFunctionBytes
      ? []
      : [`${route} has ${megabytes(bytes)}, more than ${megabytes(maxFunctionBytes)}`]),
  ];
}

/** A table for people. */
export function describeOutput({ functions, staticFiles }: BuildOutput): string {
  const width = Math.max(...functions.map(({ route }) => route.length), 0);
  const lines = functions.map(
    ({ route, bytes, natives }) => `  ${route.padEnd(width)}  ${megabytes(bytes).padStart(8)}  ${natives.join(', ')}`,
  );
  return [`Functions (${functions.length})`, ...lines, `Static files: ${staticFiles.join(', ')}`].join('\n');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
