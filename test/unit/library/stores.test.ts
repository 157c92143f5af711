/** Stores that a program names: what it says counts, what it leaves out comes from the environment. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type EiderDatabase, lazyDatabase, type OpenDatabaseOptions, openDatabase } from '../../../lib/index.ts';
import { blob } from '../../../lib/stores/blob.ts';
import { directory } from '../../../lib/stores/directory.ts';
import { gcs } from '../../../lib/stores/gcs.ts';
import { s3 } from '../../../lib/stores/s3.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';

function environment(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

test('S3: keys and region of the environment, or those that are given', () => {
  environment({
    AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT',
    AWS_SECRET_ACCESS_KEY: 'of-the-environment',
    S3_BUCKET: 'other',
  });
  environment({ AWS_REGION: 'eu-west-1', S3_ENDPOINT: 'https://minio.example', AWS_ROLE_ARN: '' });
  expect(s3({ bucket: 'mine' })).toMatchObject({
    bucket: 'mine',
    region: 'eu-west-1',
    endpoint: 'https://minio.example',
    forcePathStyle: true,
    credentials: { kind: 'keys', accessKeyId: 'AKIAENVIRONMENT' },
  });
  const keys = { accessKeyId: 'AKIAGIVEN', secretAccessKey: 'of-the-program' };
  expect(s3({ bucket: 'mine', endpoint: null, region: 'us-east-1', credentials: keys })).toMatchObject({
    region: 'us-east-1',
    endpoint: null,
    credentials: { kind: 'keys', ...keys, sessionToken: null },
  });
  expect(() => s3({ bucket: 'Not a bucket' })).toThrow(/cannot be used: S3_BUCKET/);
});

test('Vercel Blob: a store that is named is never reached by the token of another', () => {
  environment({ OTHER_READ_WRITE_TOKEN: 'vercel_blob_rw_other_secretsecretsecret' });
  expect(blob()).toMatchObject({ credentials: { kind: 'token', storeId: 'other' }, access: 'private' });
  const token = 'vercel_blob_rw_mine_secretsecretsecret';
  expect(blob({ token })).toMatchObject({ credentials: { kind: 'token', storeId: 'mine' } });
  expect(blob({ storeId: 'store_mine' })).toMatchObject({ credentials: { kind: 'oidc', storeId: 'mine' } });
});

test('Google Cloud Storage: an emulator of the environment is left for the real one when that is asked for', () => {
  environment({ STORAGE_EMULATOR_HOST: 'http://127.0.0.1:9', GOOGLE_APPLICATION_CREDENTIALS: '' });
  expect(gcs({ bucket: 'mine' })).toMatchObject({ endpoint: 'http://127.0.0.1:9', credentials: { kind: 'none' } });
  expect(() => gcs({ bucket: 'mine', endpoint: null })).toThrow(/GOOGLE_APPLICATION_CREDENTIALS is missing/);
});

async function count(database: EiderDatabase): Promise<unknown> {
  onTestFinished(() => database.close());
  await database.execute('CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY)');
  await database.execute('INSERT INTO t SELECT coalesce(max(a), 0) + 1 FROM t');
  return (await database.query('SELECT count(*)::INTEGER AS n FROM t')).rows[0]?.['n'];
}

test('two stores in memory have nothing in common, also when the first is gone', async () => {
  const TMPDIR = await mkdtemp(join(tmpdir(), 'eider-stores-'));
  onTestFinished(() => rm(TMPDIR, { recursive: true, force: true }));
  const open = (store = createMemoryStore()) => openDatabase({ store, name: 'a.db', environment: { TMPDIR } });
  const first = createMemoryStore();
  const one = await open(first);
  expect(await count(one)).toBe(1);
  expect(await count(await open())).toBe(1);
  await one.close();
  expect(await count(await open())).toBe(1);
  expect(await count(await open(first))).toBe(2);
});

test('one folder holds several databases; one that is not there is not made, unless that is asked for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eider-stores-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const environmentOf = { environment: { TMPDIR: folder } };
  const store = directory({ path: join(folder, 'new'), create: true });
  const open = (name: string) => openDatabase({ store, name, ...environmentOf });
  expect([await count(await open('a.db')), await count(await open('b.db')), await count(await open('a.db'))]).toEqual([
    1, 1, 2,
  ]);
  const away = directory({ path: join(folder, 'away') });
  await expect(openDatabase({ store: away, name: 'a.db', ...environmentOf })).rejects.toThrow(/The folder .*away/);
  expect(() => lazyDatabase({ store, name: '../a.db' })).toThrow(/name/);
  expect(() => lazyDatabase({ name: 'a.db' })).toThrow(/without a store/);
});

test('a folder of migrations that is not there is told of, and a lazy database makes nothing before its first use', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eider-stores-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const store = createMemoryStore();
  const migrations = join(folder, 'nowhere');
  const db = lazyDatabase({ store, name: 'a.db', migrations, environment: { TMPDIR: folder } });
  expect((await store.list('')).objects).toEqual([]);
  await expect(db.query('SELECT 1')).rejects.toThrow(/nowhere does not exist/);
});

test.each<[unknown, RegExp]>([
  [{ stor: directory({ path: '.' }) }, /^stor is no option/],
  ['./data', /^\.\/data is no option/],
  [null, /^null is no option/],
  [{ store: './data' }, /store is no store/],
  [{ store: directory }, /store is no store/],
  [{ store: null }, /store is no store/],
])('JavaScript without types: %j is refused, rather than taken for the environment’s', (options, message) => {
  expect(() => lazyDatabase(options as OpenDatabaseOptions)).toThrow(
    expect.objectContaining({ kind: 'invalid', message: expect.stringMatching(message) }),
  );
});
