/**
 * Finds what the architecture forbids, in one source file at a time, by its syntax tree: comments and texts that merely
 * mention something are no offence, and an alias or a destructuring does not hide one.
 */
import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

export interface SourceFile {
  /** Relative to the repository, with `/`: `lib/sync/log.ts`. */
  readonly path: string;
  readonly text: string;
}

/** A folder or a file of lib/, api/, or eider.ts. */
export type Layer = keyof typeof allowedEdges;

/** What each layer may import besides itself. Whatever is not named here is forbidden. */
export const allowedEdges = {
  errors: [],
  runtime: [],
  values: [],
  folders: ['errors'],
  async: ['runtime'],
  sql: ['values', 'errors'],
  catalog: ['sql', 'values', 'errors', 'runtime'],
  datetime: [],
  rows: ['db', 'catalog', 'sql', 'datetime', 'values', 'errors'],
  rest: ['rows', 'db', 'catalog', 'sql', 'values', 'errors'],
  store: ['values', 'errors', 'runtime'],
  config: ['store', 'values', 'errors'],
  sync: ['async', 'folders', 'store', 'catalog', 'sql', 'datetime', 'values', 'errors', 'runtime'],
  db: ['async', 'folders', 'sync', 'store', 'catalog', 'sql', 'datetime', 'values', 'errors', 'runtime'],
  imports: ['async', 'rows', 'db', 'catalog', 'sql', 'values', 'errors', 'runtime'],
  app: ['async', 'rows', 'db', 'sync', 'store', 'config', 'catalog', 'values', 'errors', 'runtime'],
  http: [
    'async',
    'folders',
    'index',
    'app',
    'imports',
    'rest',
    'rows',
    'db',
    'config',
    'catalog',
    'sql',
    'datetime',
    'values',
    'errors',
    'runtime',
  ],
  cli: ['http', 'app', 'db', 'config', 'catalog', 'sql', 'values', 'errors', 'runtime'],
  server: ['async', 'app', 'http', 'config', 'errors', 'runtime'],
  // They export what eider.ts makes.
  api: ['eider'],
  eider: ['http', 'index'],
  // The faces of the library besides lib/http/api.ts.
  index: ['app', 'db', 'store', 'config', 'catalog', 'sql', 'values', 'errors', 'runtime'],
  stores: ['config'],
  kysely: ['index', 'db', 'values'],
  testing: ['store', 'errors', 'runtime'],
} as const satisfies Record<string, readonly string[]>;

/** Who may import a package: the paths' beginnings. A package that is not named here belongs to nobody. */
const packageOwners: Readonly<Record<string, readonly string[]>> = {
  '@duckdb/node-api': ['lib/db/duckdb/', 'lib/db/move/', 'lib/sync/'],
  'apache-arrow': ['lib/http/formats/'],
  'libpg-query': ['lib/db/postgres/'],
  kysely: ['lib/values.ts', 'lib/rows/idempotency.ts', 'lib/db/', 'lib/kysely.ts'],
  vitest: ['lib/testing/conformance'],
  'fast-check': ['lib/testing/conformance'],
  '@vercel/functions': ['lib/index.ts', 'lib/http/', 'lib/db/postgres/'],
  '@vercel/blob': ['lib/store/blob'],
  '@vercel/oidc': ['lib/store/blob'],
  '@aws-sdk/client-s3': ['lib/store/s3'],
  '@vercel/oidc-aws-credentials-provider': ['lib/store/s3'],
  '@google-cloud/storage': ['lib/store/gcs'],
  pg: ['lib/db/postgres/'],
  '@neondatabase/serverless': ['lib/db/postgres/'],
  commander: ['lib/cli/'],
  'console-table-printer': ['lib/cli/'],
};

/** Imports the files that it finds. */
const discoveringFile = 'lib/server/load-routes.ts';
const runtimeFile = 'lib/runtime.ts';
const configFolder = 'lib/config/';
/** A suite of tests has the clock of its runner. */
const suiteFolder = 'lib/testing/conformance/';

/** The layer of a path; null for a file that belongs to none. */
export function layerOf(path: string): Layer | null {
  if (path.startsWith('api/')) return 'api';
  if (path === 'eider.ts') return 'eider';
  // How the composition root opens each backend.
  if (path === 'lib/backends.ts') return 'app';
  const name = /^lib\/(\w+)(?:\/|\.ts$)/.exec(path)?.[1];
  return name !== undefined && Object.hasOwn(allowedEdges, name) ? (name as Layer) : null;
}

/** Every offence in a file, as sentences. */
export function offences(file: SourceFile): readonly string[] {
  const nodes = [...walk(parseAst(file.text, { lang: 'ts' }))];
  return [
    ...importOffences(file, nodes),
    ...(file.path.startsWith(configFolder) ? [] : environmentOffences(nodes)),
    ...(file.path === runtimeFile || file.path.startsWith(suiteFolder) ? [] : chanceOffences(nodes)),
  ];
}

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, 'type') === 'string';
}

function* walk(node: unknown): Generator<Node> {
  if (Array.isArray(node)) for (const each of node) yield* walk(each);
  if (!isNode(node)) return;
  yield node;
  for (const child of Object.values(node)) yield* walk(child);
}

function importOffences(file: SourceFile, nodes: readonly Node[]): readonly string[] {
  const sources = nodes
    .filter((node) => /^(Import|ExportNamed|ExportAll)(Declaration|Expression)$|^TSImportType$/.test(node.type))
    .map((node) => node['source'])
    .filter((source) => source !== null);
  return sources.flatMap((source) => {
    const specifier = isNode(source) ? source['value'] : null;
    if (typeof specifier !== 'string')
      return file.path === discoveringFile ? [] : ['imports something that only shows when it runs'];
    if (specifier.startsWith('.')) return edgeOffences(file.path, posix.join(posix.dirname(file.path), specifier));
    return specifier.startsWith('node:') ? [] : packageOffences(file.path, specifier);
  });
}

function edgeOffences(from: string, to: string): readonly string[] {
  const [importer, imported] = [layerOf(from), layerOf(to)];
  if (importer === null) return [`belongs to no layer`];
  if (imported === null) return [`imports ${to}, which belongs to no layer`];
  const allowed: readonly string[] = allowedEdges[importer];
  return importer === imported || allowed.includes(imported)
    ? []
    : [`imports ${to}: ${importer} may not know ${imported}`];
}

function packageOffences(path: string, specifier: string): readonly string[] {
  const name = specifier.startsWith('@') ? specifier.split('/').slice(0, 2).join('/') : specifier.split('/')[0];
  const owners = packageOwners[name ?? ''];
  if (owners === undefined) return [`imports the package ${name}, which belongs to nobody`];
  return owners.some((owner) => path.startsWith(owner)) ? [] : [`imports the package ${name}, which is not its own`];
}

/** `process.env` in any spelling, and what the system derives from it. */
function environmentOffences(nodes: readonly Node[]): readonly string[] {
  const reads = [
    ...nodes.filter(
      (node) => isMember(node, 'process', 'env') || isMember(node, 'os', 'tmpdir', 'homedir', 'userInfo'),
    ),
    ...nodes.filter((node) => destructures(node, 'process', 'env') || destructures(node, 'os', 'tmpdir', 'homedir')),
    ...nodes.filter((node) => importsName(node, /^(node:)?process$/, 'env')),
    ...nodes.filter((node) => importsName(node, /^(node:)?os$/, 'tmpdir', 'homedir', 'userInfo')),
    ...nodes.filter((node) => passesWhole(node, 'process')),
  ];
  return reads.map(() => 'reads the environment, which is the business of lib/config');
}

const timers = ['setTimeout', 'setInterval', 'setImmediate'];
const chance = ['randomUUID', 'randomBytes', 'randomInt', 'getRandomValues'];

/** The clock, timers, chance and fresh ids, in any spelling. `new Date(x)` only converts. */
function chanceOffences(nodes: readonly Node[]): readonly string[] {
  const uses = [
    ...nodes.filter((node) => isMember(node, 'Date', 'now') || destructures(node, 'Date', 'now')),
    ...nodes.filter((node) => isMember(node, 'Math', 'random') || destructures(node, 'Math', 'random')),
    ...nodes.filter((node) => isMember(node, 'performance', 'now') || destructures(node, 'performance', 'now')),
    ...nodes.filter((node) => isMember(node, 'process', 'hrtime', 'uptime')),
    ...nodes.filter((node) => isMember(node, 'AbortSignal', 'timeout')),
    ...nodes.filter((node) => importsName(node, /^(node:)?(timers(\/promises)?|perf_hooks)$/)),
    ...nodes.filter((node) => importsName(node, /^(node:)?crypto$/, ...chance)),
    ...nodes.filter((node) => calls(node, ...timers, ...chance) || isMember(node, 'crypto', ...chance)),
    ...nodes.filter((node) => makesCurrentDate(node)),
  ];
  return uses.map(() => 'asks for time, chance or an id, which lib/runtime.ts gives');
}

function isIdentifier(value: unknown, ...names: string[]): boolean {
  return isNode(value) && value.type === 'Identifier' && names.includes(String(value['name']));
}

/** `object` itself, or `globalThis.object`. */
function isGlobal(value: unknown, object: string): boolean {
  return isIdentifier(value, object) || (isNode(value) && isMember(value, 'globalThis', object));
}

/** `object.property`, `object['property']`, `globalThis.object.property`. */
function isMember(node: Node, object: string, ...properties: string[]): boolean {
  if (node.type !== 'MemberExpression') return false;
  const { property } = node;
  const isNamed = node['computed'] === true ? isLiteral(property, properties) : isIdentifier(property, ...properties);
  return isNamed && (object === 'globalThis' ? isIdentifier(node['object'], object) : isGlobal(node['object'], object));
}

function isLiteral(value: unknown, texts: readonly string[]): boolean {
  return isNode(value) && value.type === 'Literal' && texts.includes(String(value['value']));
}

/** `const { property } = object` */
function destructures(node: Node, object: string, ...properties: string[]): boolean {
  if (node.type !== 'VariableDeclarator' || !isGlobal(node['init'], object)) return false;
  return [...walk(node['id'])].some((part) => part.type === 'Property' && isIdentifier(part['key'], ...properties));
}

/** `import { name } from 'module'`; without names, any import of it that is not of types alone. */
function importsName(node: Node, module: RegExp, ...names: string[]): boolean {
  const source = node['source'];
  if (node.type !== 'ImportDeclaration' || node['importKind'] === 'type' || !isNode(source)) return false;
  if (!module.test(String(source['value']))) return false;
  const specifiers = [...walk(node['specifiers'])].filter((part) => part.type === 'ImportSpecifier');
  return names.length === 0 || specifiers.some((specifier) => isIdentifier(specifier['imported'], ...names));
}

/** `const alias = process`: whoever holds it can read the environment. */
function passesWhole(node: Node, object: string): boolean {
  return (
    node.type === 'VariableDeclarator' &&
    isGlobal(node['init'], object) &&
    isNode(node['id']) &&
    node['id'].type === 'Identifier'
  );
}

function calls(node: Node, ...names: string[]): boolean {
  const { callee } = node;
  if (node.type !== 'CallExpression' || !isNode(callee)) return false;
  return isIdentifier(callee, ...names) || isMember(callee, 'globalThis', ...names);
}

/** `new Date()` and `Date()`, not `new Date(value)`. */
function makesCurrentDate(node: Node): boolean {
  if (node.type === 'CallExpression') return isGlobal(node['callee'], 'Date');
  if (node.type !== 'NewExpression' || !isGlobal(node['callee'], 'Date')) return false;
  return Array.isArray(node['arguments']) && node['arguments'].length === 0;
}
