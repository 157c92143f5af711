/** `eider status` says what is wrong, and ends with another code, for whatever is set wrongly; on the real test servers. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultyCloud, faultyBlob, faultyGcs, faultyS3 } from '../../support/cloud-faults.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { eider } from '../../support/terminal.ts';

async function status(variables: Readonly<Record<string, string>>) {
  const folder = await temporaryFolder();
  const environment = { TMPDIR: folder, LOCAL_DB_PATH: join(folder, 'local.db'), ...variables };
  const words = await eider(['status'], environment);
  const json = await eider(['status', '--json'], environment);
  return { words, json, body: JSON.parse(json.out) as Record<string, unknown> };
}

type Status = Awaited<ReturnType<typeof status>>;

/** Not well, in words and in JSON, with the reason in both; only what is away has something else in its place. */
function expectFault({ words, json, body }: Status, says: RegExp): void {
  const expected = says.source.includes('cannot be reached') ? /^(?:down|degraded)$/ : /^down$/;
  expect([body['status'], words.out]).toEqual([expect.stringMatching(expected), expect.stringMatching(says)]);
  expect(json.out).toMatch(says);
  const code = body['status'] === 'down' ? 1 : 3;
  expect([words.code, json.code]).toEqual([code, code]);
  expect(words.out).not.toContain('Data persists');
}

describe.each([
  ['S3', faultyS3],
  ['GCS', faultyGcs],
  ['Blob', faultyBlob],
] as const)('%s', (_name, open) => {
  let cloud: FaultyCloud;
  beforeAll(async () => {
    cloud = await open();
  });
  afterAll(() => cloud.close());

  it('is well when it is', async () => {
    const { words, body } = await status(cloud.environment);
    expect(words).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^ok: Data persists with external DuckDB storage\n/),
    });
    expect(body).toMatchObject({ status: 'ok', persistent: true, engine: 'duckdb', pendingWrites: 0 });
  });

  it('names each variable that is wrong', async () => {
    const faults = Object.values(cloud.faults).filter((fault) => fault.environment);
    expect(faults.length).toBeGreaterThan(1);
    for (const { environment, begin, says } of faults) {
      const end = begin?.();
      const found = await status({ ...cloud.environment, ...environment });
      end?.();
      expectFault(found, says);
      for (const canary of cloud.canaries)
        expect(found.words.out + found.words.log + found.json.out).not.toContain(canary);
    }
  });
});

describe('PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.close());

  it('is well, or has another password', async () => {
    const DATABASE_URL = await server.createDatabase();
    const well = await status({ DATABASE_URL });
    expect(well.words).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^ok: Data persists with external PostgreSQL\n/),
    });
    const database = new URL(DATABASE_URL).pathname.slice(1);
    const wrong = await status({ DATABASE_URL: server.url(database, server.user, 'canary') });
    expectFault(wrong, /password/i);
    expect(wrong.words.out + wrong.json.out).not.toContain('canary');
  });
});

describe('a folder or a file that is not there', () => {
  it('is named', async () => {
    const folder = await temporaryFolder();
    expectFault(await status({ NETWORK_DB_PATH: join(folder, 'none') }), /none is not there/);
    expectFault(
      await status({ GCS_BUCKET: 'b', GOOGLE_APPLICATION_CREDENTIALS: join(folder, 'key.json') }),
      /key file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read/,
    );
    await mkdir(join(folder, 'drive'));
    expect((await status({ NETWORK_DB_PATH: join(folder, 'drive') })).words.code).toBe(0);
  });
});

it('says which variable is wrong, and which backends there are', async () => {
  const { words, json } = await status({ DB_BACKEND: 'disk' });
  expect([words.code, json.code]).toEqual([1, 1]);
  expect(words.out).toContain('DB_BACKEND must be one of');
  expect(words.out).toContain('network  not-configured NETWORK_DB_PATH is not set.');
});
