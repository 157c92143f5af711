/** A cold start pays for the chosen backend alone: nothing of another's driver, nor of its SDK, is loaded. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundle } from '../../../scripts/bundle.ts';
import { repository } from '../../../scripts/deployable.ts';
import { cloudNames, type CloudServer, startCloud } from '../../support/cloud-servers.ts';

const program = fileURLToPath(new URL('../../support/loaded-modules.ts', import.meta.url));

interface Loaded {
  readonly status: string;
  readonly backend: string;
  readonly atStart: readonly string[];
  readonly all: readonly string[];
}

let folder: string;
/** Of each file of the bundle: the sources and packages' files that it is made of. */
let madeOf: (file: string) => readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-imports-'));
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  const { outputs } = await bundle(join(folder, 'dist'));
  const byName = new Map(Object.entries(outputs).map(([path, { inputs }]) => [path.split('/dist/')[1], inputs]));
  madeOf = (file) => Object.keys(byName.get(file) ?? { [file]: {} });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function load(module: string, root: string, environment: Readonly<Record<string, string>>): Promise<Loaded> {
  const TMPDIR = await mkdtemp(join(folder, 'tmp-'));
  const env = { PATH: process.env['PATH'], TMPDIR, ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, [program, join(root, module), root], { env });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Loaded;
}

async function loadBundle(environment: Readonly<Record<string, string>>): Promise<Loaded> {
  const loaded = await load('server.js', join(folder, 'dist'), environment);
  return { ...loaded, atStart: loaded.atStart.flatMap(madeOf), all: loaded.all.flatMap(madeOf) };
}

type Mark = 'blob' | 's3' | 'gcs' | 'directory';

/** What of each driver, its SDK included, is among these files. */
function driversIn(files: readonly string[]): Readonly<Record<Mark, readonly string[]>> {
  const patterns: Readonly<Record<Mark, RegExp>> = {
    blob: /^lib\/store\/blob(\.ts|\/)|@vercel\/(blob|oidc)\//,
    s3: /^lib\/store\/s3(\.ts|\/)|@aws-sdk\/client-s3|oidc-aws/,
    gcs: /^lib\/store\/gcs(\.ts|\/)|@google-cloud/,
    directory: /^lib\/store\/directory(\.ts|\/)/,
  };
  const of = (mark: Mark) => files.filter((file) => patterns[mark].test(file));
  return { blob: of('blob'), s3: of('s3'), gcs: of('gcs'), directory: of('directory') };
}

const none = { blob: [], s3: [], gcs: [], directory: [] };
const sdks = { blob: '@vercel/blob', s3: '@aws-sdk/client-s3', gcs: '@google-cloud/storage' };

const ways = [
  { way: 'the sources', ask: (env: Readonly<Record<string, string>>) => load('server.ts', repository, env) },
  { way: 'the bundle', ask: loadBundle },
];

describe.each(ways)('$way', ({ ask }) => {
  test.each(cloudNames)('%s loads its own driver and SDK, and no other', async (backend) => {
    const cloud: CloudServer = await startCloud[backend]();
    try {
      const loaded = await ask({ ...cloud.environment, ...cloud.redirection });
      expect(loaded).toMatchObject({ status: 'ok', backend });
      expect(driversIn(loaded.atStart)).toEqual(none);
      expect(driversIn(loaded.all)).toEqual({ ...none, [backend]: expect.anything() });
      expect(driversIn(loaded.all)[backend]).toEqual(
        expect.arrayContaining([`lib/store/${backend}.ts`, expect.stringContaining(`node_modules/${sdks[backend]}/`)]),
      );
    } finally {
      await cloud.close();
    }
  });

  test('a folder loads no SDK', async () => {
    const loaded = await ask({ LOCAL_DB_PATH: join(folder, 'data/school.db') });
    expect(loaded).toMatchObject({ status: 'ok', backend: 'local' });
    expect(driversIn(loaded.atStart)).toEqual(none);
    expect(driversIn(loaded.all)).toEqual({ ...none, directory: expect.arrayContaining(['lib/store/directory.ts']) });
  });
});

test('the bundle is a few files, and of packages DuckDB alone is loaded beside it', async () => {
  const { all } = await load('dist/server.js', folder, { LOCAL_DB_PATH: join(folder, 'data/bundled.db') });
  expect(all.filter((file) => file.startsWith('dist/')).length).toBeLessThan(50);
  expect(all.filter((file) => !/^(?:dist|node_modules\/(?:@duckdb\/node-bindings|detect-libc))/.test(file))).toEqual(
    [],
  );
});
