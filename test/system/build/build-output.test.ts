import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BuildOutput, BuiltFunction } from '../../../scripts/build-output.ts';
import { describeOutput, faultsOf, readBuildOutput } from '../../../scripts/build-output.ts';

const daily = { path: '/api/x', schedule: '1 1 * * *' };
const sound: BuiltFunction = {
  path: '/',
  folder: '/functions/index.func',
  handler: 'server.js',
  routes: ['/api/x'],
  bytes: 75_000_000,
  files: ['migrations/1.sql', 'node_modules/a/duckdb.node', 'node_modules/a/libduckdb.so', 'server.js'],
};
const output: BuildOutput = { functions: [sound], staticFiles: ['index.html'], crons: [daily] };
const expected = { routes: ['/api/x'], publicFiles: ['index.html'], migrations: ['1.sql'], crons: [daily] };

const faults = (change: Partial<BuildOutput>): readonly string[] => faultsOf({ ...output, ...change }, expected);
const functionFaults = (change: Partial<BuiltFunction>) => faults({ functions: [{ ...sound, ...change }] });
const without = (name: string) => ({ files: sound.files.filter((file) => !file.endsWith(name)) });

test('a sound build has no faults', () => expect(faults({})).toEqual([]));

describe('faults are found', () => {
  const cases: [string, readonly string[], string][] = [
    ['no function', faults({ functions: [] }), 'There are 0 functions instead of one'],
    ['a second function', faults({ functions: [sound, sound] }), 'There are 2 functions instead of one'],
    ['another address', functionFaults({ path: '/api/x' }), '/api/x is not the function that is asked for everything'],
    ['a missing route', functionFaults({ routes: [] }), '/api/x is not served'],
    ['a missing migration', functionFaults(without('1.sql')), '1.sql is missing'],
    ['a missing binding', functionFaults(without('.node')), 'duckdb.node is missing'],
    ['a missing library', functionFaults(without('.so')), 'The library of DuckDB is missing'],
    [
      'a module by itself',
      functionFaults({ files: [...sound.files, 'lib/a.js'] }),
      'Modules are outside of the bundle: lib/a.js',
    ],
    ['size', functionFaults({ bytes: 100_000_001 }), 'It has 100.0 MB, more than 100.0 MB'],
    ['a page that is missing', faults({ staticFiles: [] }), 'index.html is not served'],
    [
      'a source that is served',
      faults({ staticFiles: ['index.html', 'lib/app.ts'] }),
      'lib/app.ts is served to anyone',
    ],
    ['a cron that comes twice', faults({ crons: [daily, daily] }), 'The crons are not those of vercel.json'],
  ];
  test.each(cases)('%s', (_name, found, fault) => expect(found).toEqual([fault]));
});

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
    const handler = 'const routes = [{path:"/api/[table]",methods:x}, { path: "/api/a", methods: y }]';
    await write('config.json', JSON.stringify({ crons: [daily] }));
    await write('functions/index.func/.vc-config.json', '{"handler":"a.js"}');
    await write('functions/index.func/node_modules/x/duckdb.node', '12345');
    await write('functions/index.func/a.js', handler);
    await write('static/a/b.html', '');
    const read = await readBuildOutput(folder);
    expect(read).toEqual({
      functions: [
        {
          path: '/',
          folder: join(folder, 'functions/index.func'),
          handler: 'a.js',
          routes: ['/api/[table]', '/api/a'],
          bytes: 18 + 5 + handler.length,
          files: ['.vc-config.json', 'a.js', 'node_modules/x/duckdb.node'],
        },
      ],
      staticFiles: ['a/b.html'],
      crons: [daily],
    });
    expect(describeOutput(read)).toMatch(/^Function \/, 0\.0 MB\n {2}\/api\/\[table\]\n {2}\/api\/a\n/);
  });

  test('refuses a function that refers to files outside', async () => {
    await write('functions/x.func/.vc-config.json', '{"handler":"a.js","filePathMap":{"node_modules/x":"../x"}}');
    await write('static/index.html', '');
    await expect(readBuildOutput(folder)).rejects.toThrow(/refers to files outside/);
  });
});
