import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BuildOutput, BuiltFunction } from '../../scripts/build-output.ts';
import { describeOutput, faultsOf, readBuildOutput, routeOf } from '../../scripts/build-output.ts';

const sound: BuiltFunction = {
  route: '/api/x',
  folder: '/functions/api/x.func',
  handler: 'api/x.js',
  bytes: 75_000_000,
  natives: ['duckdb.node', 'libduckdb.so'],
  unbundled: [],
  hasBundle: true,
};
const expected = { routes: ['/api/x'], publicFiles: ['index.html'] };

function faults(change: Partial<BuiltFunction>, staticFiles: readonly string[] = ['index.html']): readonly string[] {
  return faultsOf({ functions: [{ ...sound, ...change }], staticFiles }, expected);
}

test('a sound build has no faults', () => expect(faults({})).toEqual([]));

describe('faults are found', () => {
  const cases: [string, readonly string[], string][] = [
    ['a missing function', faults({ route: '/api/y' }), '/api/x was not built'],
    ['a missing binding', faults({ natives: ['libduckdb.so'] }), '/api/x lacks duckdb.node'],
    ['a missing library', faults({ natives: ['duckdb.node'] }), '/api/x lacks the library of DuckDB'],
    ['a missing bundle', faults({ hasBundle: false }), '/api/x lacks .packages/functions/serve.js'],
    ['a module by itself', faults({ unbundled: ['lib/a.js'] }), '/api/x holds modules outside of the bundle: lib/a.js'],
    ['size', faults({ bytes: 100_000_001 }), '/api/x has 100.0 MB, more than 100.0 MB'],
    ['a page that is missing', faults({}, []), 'index.html is not served'],
    ['a source that is served', faults({}, ['index.html', 'lib/app.ts']), 'lib/app.ts is served to anyone'],
  ];
  test.each(cases)('%s', (_name, found, fault) => expect(found).toEqual([fault]));

  test('more functions than Hobby allows', () => {
    const functions = Array.from({ length: 13 }, () => sound);
    expect(faultsOf({ functions, staticFiles: ['index.html'] }, expected)).toEqual([
      "13 functions are more than Hobby's 12",
    ]);
  });
});

test.each([
  ['db-status.ts', '/api/db-status'],
  ['[table]/index.ts', '/api/[table]'],
  ['[table]/[id].ts', '/api/[table]/[id]'],
  ['index.ts', '/api'],
  ['_shared.ts', null],
  ['_shared/x.ts', null],
  ['.hidden.ts', null],
  ['types.d.ts', null],
  ['readme.md', null],
])('the route of %s', (file, route) => expect(routeOf(file)).toBe(route));

describe('reading a build', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eider-output-'));
  });
  afterEach(async () => rm(folder, { recursive: true, force: true }));

  async function write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }

  test('counts what is in it', async () => {
    await write('functions/api/[table]/index.func/.vc-config.json', '{"handler":"a.js"}');
    await write('functions/api/[table]/index.func/node_modules/x/duckdb.node', '12345');
    await write('functions/api/[table]/index.func/lib/a.js', '1');
    await write('functions/api/[table]/index.func/.packages/functions/serve.js', '2');
    await write('static/a/b.html', '');
    const output: BuildOutput = await readBuildOutput(folder);
    expect(output).toEqual({
      functions: [
        {
          route: '/api/[table]',
          folder: join(folder, 'functions/api/[table]/index.func'),
          handler: 'a.js',
          bytes: 25,
          natives: ['duckdb.node'],
          unbundled: ['lib/a.js'],
          hasBundle: true,
        },
      ],
      staticFiles: ['a/b.html'],
    });
    expect(describeOutput(output)).toMatch(/^Functions \(1\)\n {2}\/api\/\[table\] {4}0\.0 MB {2}duckdb\.node\n/);
  });

  test('refuses a function that refers to files outside', async () => {
    await write('functions/api/x.func/.vc-config.json', '{"handler":"a.js","filePathMap":{"node_modules/x":"../x"}}');
    await write('static/index.html', '');
    await expect(readBuildOutput(folder)).rejects.toThrow(/refers to files outside/);
  });
});
