/** A cold start pays for the chosen backend alone: nothing of another's driver, nor of its SDK, is loaded. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repository } from '../../scripts/deployable.ts';
import { cloudNames, type CloudServer, startCloud } from '../build/cloud-servers.ts';

const program = fileURLToPath(new URL('loaded-modules.ts', import.meta.url));
const bundler = join(repository, 'scripts/bundle-functions.mjs');

interface Loaded {
  readonly status: string;
  readonly backend: string;
  readonly atStart: readonly string[];
  readonly all: readonly string[];
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-imports-'));
  await promisify(execFile)(process.execPath, [bundler]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function load(module: string, environment: Readonly<Record<string, string>>): Promise<Loaded> {
  const TMPDIR = await mkdtemp(join(folder, 'tmp-'));
  const env = { PATH: process.env['PATH'], TMPDIR, ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, [program, join(repository, module)], { env });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Loaded;
}

type Mark = 'blob' | 's3' | 'gcs' | 'directory';

/** What of each driver, its SDK included, is among these files. */
function driversIn(files: readonly string[]): Readonly<Record<Mark, readonly string[]>> {
  const patterns: Readonly<Record<Mark, RegExp>> = {
    blob: /^lib\/store\/blob(\.ts|\/)|^\.packages\/functions\/blob-|vercel-blob|@vercel\/(blob|oidc\/)/,
    s3: /^lib\/store\/s3(\.ts|\/)|^\.packages\/functions\/s3-|aws-s3|@aws-sdk|@smithy|oidc-aws/,
    gcs: /^lib\/store\/gcs(\.ts|\/)|^\.packages\/functions\/gcs-|google-storage|@google-cloud/,
    directory: /^lib\/store\/directory(\.ts|\/)|^\.packages\/functions\/directory-/,
  };
  const of = (mark: Mark) => files.filter((file) => patterns[mark].test(file));
  return { blob: of('blob'), s3: of('s3'), gcs: of('gcs'), directory: of('directory') };
}

const none = { blob: [], s3: [], gcs: [], directory: [] };
const sdks = { blob: '.packages/vercel-blob.js', s3: '.packages/aws-s3.js', gcs: '.packages/google-storage.js' };

const ways = [
  { way: 'the sources', module: 'lib/http/serve.ts', file: (name: string) => `lib/store/${name}.ts` },
  {
    way: 'the bundle',
    module: '.packages/functions/serve.js',
    file: (name: string) => expect.stringMatching(`^\\.packages/functions/${name}-`) as string,
  },
];

describe.each(ways)('$way', ({ module, file }) => {
  test.each(cloudNames)('%s loads its own driver and SDK, and no other', async (backend) => {
    const cloud: CloudServer = await startCloud[backend]();
    try {
      const loaded = await load(module, { ...cloud.environment, ...cloud.redirection });
      expect(loaded).toMatchObject({ status: 'ok', backend });
      expect(driversIn(loaded.atStart)).toEqual(none);
      expect(driversIn(loaded.all)).toEqual({ ...none, [backend]: expect.arrayContaining([sdks[backend]]) });
      expect(driversIn(loaded.all)[backend]).toEqual(expect.arrayContaining([file(backend)]));
    } finally {
      await cloud.close();
    }
  });

  test('a folder loads no SDK', async () => {
    const loaded = await load(module, { LOCAL_DB_PATH: join(folder, 'data/school.db') });
    expect(loaded).toMatchObject({ status: 'ok', backend: 'local' });
    expect(driversIn(loaded.atStart)).toEqual(none);
    expect(driversIn(loaded.all)).toEqual({ ...none, directory: expect.arrayContaining([file('directory')]) });
  });
});

test('the bundle is a few files, and nothing of ours is loaded beside it', async () => {
  const { all } = await load('.packages/functions/serve.js', { LOCAL_DB_PATH: join(folder, 'data/bundled.db') });
  expect(all.filter((file) => file.startsWith('lib/'))).toEqual([]);
  // DuckDB's native library, and what finds it; its JavaScript is in the bundle.
  expect(all.filter((file) => /^node_modules\/(?!@duckdb\/node-bindings|detect-libc)/.test(file))).toEqual([]);
  expect(all.filter((file) => file.startsWith('.packages/functions/')).length).toBeLessThan(40);
});
