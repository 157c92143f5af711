/**
 * Wrong credentials, a place that does not exist, a missing right: somebody has to correct that, and until then nobody
 * else's data take the database's place, and nothing is accepted for it.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../support/engine.ts';
import { faultyBlob, type FaultyCloud, faultyGcs, faultyS3 } from '../../support/cloud-faults.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { type Instance, startInstance, steppedRuntime } from './instance.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});

const student = (name: string) => ({ name, email: `${name.toLowerCase()}@example.org` });

function start(environment: Readonly<Record<string, string>>) {
  const runtime = steppedRuntime();
  const LOCAL_DB_PATH = join(folder, 'local/school.db');
  const instance = startInstance({ machine: folder, runtime, environment: { LOCAL_DB_PATH, ...environment } });
  return { ...instance, advance: runtime.advance };
}

/** Rows that nobody may take for those of the database that was meant. */
async function fillLocalFile(): Promise<void> {
  const local = start({});
  expect((await local.send('POST', 'students', student('Local'))).status).toBe(201);
  await local.stop();
}

async function kept(): Promise<readonly string[]> {
  return readdir(join(folder, 'local/school.db.pending')).catch(() => []);
}

/** The start of a process that has never reached the database. */
async function expectClosed(instance: Instance, says: RegExp): Promise<void> {
  for (const said of [
    await instance.send('GET', 'students'),
    await instance.send('POST', 'students', student('Bob')),
    await instance.send('POST', 'db-sync'),
  ])
    expect([said.status, said.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
  const status = await instance.send('GET', 'db-status');
  expect([status.status, status.body]).toMatchObject([503, { status: 'down' }]);
  expect(status.body['message']).toMatch(says);
  expect(await kept()).toEqual([]);
}

/** An instance that had the database, and has one student, Ada. */
async function expectReadsAlone(instance: Instance, says: RegExp): Promise<void> {
  const read = await instance.send('GET', 'students');
  expect([read.status, read.body['data']]).toMatchObject([200, [{ name: 'Ada' }]]);
  expect(read.headers.get('db-durability')).toBe('standby');
  expect(read.headers.get('db-degraded')).toContain('refuses this server');
  const write = await instance.send('POST', 'students', student('Bob'));
  expect([write.status, write.body['type']]).toEqual([503, expect.stringContaining('backend-denied')]);
  const status = await instance.send('GET', 'db-status');
  expect([status.status, status.body]).toMatchObject([
    200,
    { status: 'degraded', pendingWrites: 0, outage: { writes: 'are refused' } },
  ]);
  expect((status.body['outage'] as { reason: string }).reason).toMatch(says);
  expect(await kept()).toEqual([]);
}

/** Time passes, and somebody asks. */
async function expectWell(instance: ReturnType<typeof start>): Promise<void> {
  instance.advance(60_000);
  await instance.send('GET', 'students');
  await instance.settled();
  expect((await instance.send('POST', 'students', student('Eve'))).status).toBe(201);
  const list = await instance.send('GET', 'students?order=name.asc');
  expect([list.headers.get('db-degraded'), list.body['data']]).toMatchObject([
    null,
    [{ name: 'Ada' }, { name: 'Eve' }],
  ]);
}

/** The lines of the log that no request made. */
const notices = ({ log }: Instance): string[] => log.filter(({ path }) => !path).map(({ message }) => message);

describe.each([
  ['S3_KEY', faultyS3, ['no permission to write']],
  ['GCS_KEY', faultyGcs, ['a token that has expired']],
  ['BLOB_NAME', faultyBlob, ['a token that may not do this', 'a token that has expired']],
] as const)('the cloud of %s', (key, open, refusals) => {
  let cloud: FaultyCloud;
  beforeAll(async () => {
    cloud = await open();
  });
  afterAll(() => cloud?.close());

  test('what is set wrongly closes the database', { timeout: 60_000 }, async () => {
    await fillLocalFile();
    const wrong = Object.entries(cloud.faults).filter(
      ([name, { begin, environment }]) => environment && !begin && !/away/.test(name),
    );
    expect(wrong.length).toBeGreaterThan(1);
    for (const [, { environment, says }] of wrong) {
      const instance = start({ ...cloud.environment, ...environment });
      await expectClosed(instance, says);
      await instance.stop();
    }
  });

  test.each(refusals)('%s stops the writes of an open database, and reads go on', async (name) => {
    const { begin, says } = cloud.faults[name]!;
    const instance = start({ ...cloud.environment, [key]: `${name.replaceAll(' ', '-')}.db` });
    expect((await instance.send('POST', 'students', student('Ada'))).status).toBe(201);
    await instance.settled();
    const mend = begin!();
    try {
      // A right to write shows when somebody writes.
      expect((await instance.send('POST', 'students', student('Bob'))).status).toBe(503);
      await expectReadsAlone(instance, says);
    } finally {
      mend();
    }
    await expectWell(instance);
    expect(notices(instance)).toEqual([
      expect.stringContaining('refuses this server'),
      expect.stringContaining('serves again'),
    ]);
  });
});

test.each(['NETWORK_DB_PATH', 'VERCEL_VOLUME_PATH'])('%s: a folder that is not there', async (variable) => {
  await fillLocalFile();
  const drive = join(folder, 'drive');
  const environment = { [variable]: join(drive, 'school.db') };
  const early = start(environment);
  await expectClosed(early, /The folder .* is not there.*correct the path/);
  await mkdir(drive);
  expect((await early.send('POST', 'students', student('Ada'))).status).toBe(201);
  await early.settled();
  await rename(drive, `${drive}-away`);
  await expectReadsAlone(early, /is not there/);
  await mkdir(drive);
  early.advance(60_000);
  await expectReadsAlone(early, /has another folder in its place/);
  await rm(drive, { recursive: true });
  await rename(`${drive}-away`, drive);
  await expectWell(early);
});

describe('PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.close());

  test('a wrong password, user, database or host closes it, and no secret is told', async () => {
    await fillLocalFile();
    const url = new URL(await server.createDatabase());
    const canary = 'zqCanary7';
    const changed = (change: (other: URL) => void): string => {
      const other = new URL(url);
      change(other);
      return other.href;
    };
    const wrong: [string, RegExp][] = [
      [changed((other) => (other.password = canary)), /refuses the user or the password/],
      [changed((other) => (other.username = 'nobody')), /refuses the user or the password/],
      [changed((other) => (other.pathname = '/no_such_database')), /has no database of this name/],
      [changed((other) => (other.hostname = 'no-such-host.invalid')), /host .*does not exist/],
    ];
    for (const [DATABASE_URL, says] of wrong) {
      const instance = start({ DATABASE_URL });
      await expectClosed(instance, says);
      expect(JSON.stringify([instance.log])).not.toContain(canary);
      await instance.stop();
    }
  });

  test('a right that is taken away stops writes, and its mirror is read', async () => {
    const url = await server.createDatabase();
    const name = new URL(url).pathname.slice(1);
    await server.run(
      `CREATE ROLE "owner_${name}" LOGIN PASSWORD 'one'; ALTER DATABASE "${name}" OWNER TO "owner_${name}"`,
    );
    await server.run(`ALTER SCHEMA public OWNER TO "owner_${name}"`, name);
    const mine = new URL(url);
    Object.assign(mine, { username: `owner_${name}`, password: 'one' });
    const instance = start({ DATABASE_URL: mine.href });
    expect((await instance.send('POST', 'students', student('Ada'))).status).toBe(201);
    expect((await instance.send('POST', 'db-sync')).body['mirror']).toMatchObject({ how: 'copied' });
    await server.run(
      `ALTER ROLE "owner_${name}" NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    );
    await expectReadsAlone(instance, /refuses the user or the password/);
    await server.run(`ALTER ROLE "owner_${name}" LOGIN`);
    await expectWell(instance);
  });
});
