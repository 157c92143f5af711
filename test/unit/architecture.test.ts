import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Layer } from '../support/architecture.ts';
import { allowedEdges, layerOf, offences } from '../support/architecture.ts';

const root = new URL('../../', import.meta.url);
const files = globSync(['lib/**/*.ts', 'api/**/*.ts', 'eider.ts'], { cwd: root }).map((path) =>
  path.replaceAll('\\', '/'),
);

describe('the sources', () => {
  test('are there, in every layer', () => {
    expect(new Set(files.map((path) => layerOf(path)))).toEqual(new Set(Object.keys(allowedEdges)));
  });

  test.each(files)('%s', (path) => {
    expect(offences({ path, text: readFileSync(new URL(path, root), 'utf8') })).toEqual([]);
  });
});

test('the arrows between layers point down only', () => {
  const reaches = (from: Layer): readonly Layer[] => allowedEdges[from].flatMap((to) => [to, ...reaches(to)]);
  for (const layer of Object.keys(allowedEdges) as Layer[]) expect(reaches(layer)).not.toContain(layer);
});

test('what is deployed imports nothing of lib/ that a program which installs the package could not', () => {
  const { exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    exports: Record<string, { types?: string }>;
  };
  const faces = Object.values(exports).flatMap(
    ({ types }) => types?.replace(/^\.\/dist\/types(.*)\.d\.ts$/, './lib$1.ts') ?? [],
  );
  const imported = readFileSync(new URL('eider.ts', root), 'utf8').matchAll(/ from '([^']+)'/g);
  const paths = [...imported].map(([, path]) => path);
  expect(faces).toContain('./lib/index.ts');
  expect(paths.length).toBeGreaterThan(1);
  expect(paths.filter((path) => !faces.includes(path ?? ''))).toEqual([]);
});

test('a name of a type means one thing', () => {
  const named = files.flatMap((path) => {
    const text = readFileSync(new URL(path, root), 'utf8');
    return [...text.matchAll(/^(?:export )?(?:abstract )?(?:interface|type|class) (\w+)/gm)].map(([, name]) => ({
      name,
      path,
    }));
  });
  const twice = [...Map.groupBy(named, ({ name }) => name)].filter(([, each]) => each.length > 1);
  expect(twice.map(([name, each]) => `${name}: ${each.map(({ path }) => path).join(', ')}`)).toEqual([]);
});

/** The offences of `code` in a file at `path`. */
function found(path: string, code: string): readonly string[] {
  return offences({ path, text: code });
}

describe('the detectors', () => {
  const imports: [string, string][] = [
    ['lib/store/s3.ts', "import type { Log } from '../sync/log.ts';"],
    ['lib/store/s3.ts', "import { type Log } from '../sync/log.ts';"],
    ['lib/sync/log.ts', "import '../http/rows.ts';"],
    ['lib/sync/log.ts', "export * from '../db/database.ts';"],
    ['lib/sync/log.ts', "export { x } from '../db/database.ts';"],
    ['lib/sync/log.ts', "const x = await import('../config/config.ts');"],
    ['lib/sync/log.ts', "type X = import('../config/config.ts').Config;"],
    ['lib/errors.ts', "import './runtime.ts';"],
    ['lib/db/duckdb/a.ts', "import '../../app.ts';"],
    ['lib/http/rows.ts', "import '../store/store.ts';"],
    ['lib/http/rows.ts', "import '../../api/db-sync.ts';"],
    ['lib/app.ts', "import './http/api.ts';"],
    ['lib/http/api.ts', "import '../../eider.ts';"],
    ['lib/utils.ts', "import './errors.ts';"],
    ['lib/app.ts', "import './utils.ts';"],
    ['lib/app.ts', "import '../test/support/x.ts';"],
    ['api/x/[id].ts', "import '../../lib/app.ts';"],
    ['api/x/[id].ts', "import '../../lib/http/api.ts';"],
    ['lib/http/rows.ts', "import '../server/router.ts';"],
    ['lib/store/s3.ts', 'const x = await import(name);'],
    ['lib/store/directory.ts', "import { S3Client } from '@aws-sdk/client-s3';"],
    ['lib/store/s3.ts', "import { put } from '@vercel/blob';"],
    ['lib/backends.ts', "const x = await import('@google-cloud/storage');"],
    ['lib/store/memory.ts', "import { DuckDBInstance } from '@duckdb/node-api';"],
    ['lib/http/rows.ts', "import type { DuckDBInstance } from '@duckdb/node-api';"],
    ['lib/db/duckdb/a.ts', "import pg from 'pg';"],
    ['lib/sync/log.ts', "import { sql } from 'kysely';"],
    ['lib/sync/log.ts', "import leftPad from 'left-pad';"],
    ['lib/sync/log.ts', "import fs from 'fs';"],
  ];
  test.each(imports)('an import that is forbidden, in %s: %s', (path, code) => {
    expect(found(path, code)).toEqual([expect.stringMatching(/^(imports|belongs to)/)]);
  });

  const allowed: [string, string][] = [
    ['lib/sync/log.ts', "import type { Store } from '../store/store.ts';"],
    ['lib/sync/log.ts', "import { DuckDBInstance } from '@duckdb/node-api';\nimport './layout.ts';\nimport 'node:fs';"],
    ['lib/store/s3.ts', "const { S3Client } = await import('@aws-sdk/client-s3');"],
    ['lib/store/s3/client.ts', "import { S3Client } from '@aws-sdk/client-s3';"],
    ['lib/db/postgres/pool.ts', "import pg from 'pg';"],
    ['api/[table]/index.ts', "import { api } from '../../eider.ts';"],
    ['lib/server/load-routes.ts', 'const x = await import(name);'],
    ['lib/sync/log.ts', '// process.env, Date.now()\nexport const text = `Math.random() ${1}`;'],
    ['lib/sync/log.ts', 'const at = new Date(1), start = Date.parse(text), max = Math.max(1, 2), env = options.env;'],
    ['lib/sync/log.ts', 'process.once("SIGTERM", end); runtime.now(); runtime.sleep(1); context.setTimeout(1);'],
    ['lib/sync/log.ts', "import { createHash } from 'node:crypto';"],
    ['lib/config/process.ts', 'export const copy = { ...process.env };'],
    ['lib/runtime.ts', "import { randomUUID } from 'node:crypto';\nexport const now = () => Date.now();"],
  ];
  test.each(allowed)('what is allowed, in %s: %s', (path, code) => expect(found(path, code)).toEqual([]));

  test.each([
    "process.env['A']",
    'process.env.A',
    "process['env']",
    'globalThis.process.env',
    'const { env } = process',
    'const { env: { A } } = process',
    'const p = process',
    "import { env } from 'node:process'",
    "import { env as e } from 'process'",
    "import { tmpdir } from 'node:os'",
    'os.tmpdir()',
  ])('the environment: %s', (code) => {
    expect(found('lib/app.ts', code)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^reads the environment/)]),
    );
    expect(found('api/db-sync.ts', code)).not.toEqual([]);
  });

  test.each([
    'Date.now()',
    'const now = Date.now',
    "Date['now']()",
    'const { now } = Date',
    'new Date()',
    'new Date',
    'Date()',
    'new globalThis.Date()',
    'setTimeout(f, 1)',
    'globalThis.setTimeout(f, 1)',
    'setInterval(f, 1)',
    'setImmediate(f)',
    "import { setTimeout as delay } from 'node:timers/promises'",
    "import timers from 'node:timers'",
    'Math.random()',
    'const { random } = Math',
    'performance.now()',
    "import { performance } from 'node:perf_hooks'",
    'process.hrtime.bigint()',
    'AbortSignal.timeout(5)',
    'crypto.randomUUID()',
    "import { randomUUID } from 'node:crypto'",
    "import { createHash, randomBytes as r } from 'node:crypto'",
    'crypto.getRandomValues(a)',
  ])('time, chance and ids: %s', (code) => {
    expect(found('lib/sync/log.ts', code)).toEqual(expect.arrayContaining([expect.stringMatching(/^asks for time/)]));
    expect(found('lib/config/config.ts', code)).not.toEqual([]);
  });
});
