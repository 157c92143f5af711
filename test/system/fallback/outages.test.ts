/** A bucket that does not answer, with the local disk behind it: the whole chain. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../support/engine.ts';
import { type Cloud, startCloud } from '../../support/clouds.ts';
import { startInstance, steppedRuntime } from './instance.ts';

let cloud: Cloud;
beforeAll(async () => {
  cloud = await startCloud('s3');
});
afterAll(() => cloud?.close());

let folder: string;
let bucket: Readonly<Record<string, string>>;
beforeEach(async () => {
  folder = await temporaryFolder();
  bucket = cloud.fresh().environment;
});

const goAway = (): void => cloud.faults.add(() => true, { kind: 'cut-before' }, Infinity);
const comeBack = (): void => cloud.faults.clear();

function start(options: { readonly machine?: string; readonly environment?: Record<string, string> } = {}) {
  const runtime = steppedRuntime();
  const { machine = 'machine', environment = {} } = options;
  const instance = startInstance({
    machine: join(folder, machine),
    runtime,
    environment: {
      ...bucket,
      LOCAL_DB_PATH: join(folder, machine, 'local/school.db'),
      ...environment,
    },
  });
  return { ...instance, advance: runtime.advance };
}

const student = (name: string) => ({ name, email: `${name.toLowerCase()}@example.org` });

async function pendingFiles(machine = 'machine'): Promise<string[]> {
  return (await readdir(join(folder, machine, 'local/school.db.pending')).catch(() => [])).filter((name) =>
    name.endsWith('.json'),
  );
}

test('reads go on from the replica, writes are kept and shown, and run when the bucket is back', async () => {
  const instance = start();
  const ada = await instance.send('POST', 'students', student('Ada'));
  expect([ada.status, ada.headers.get('db-durability')]).toEqual([201, 'durable']);
  await instance.settled();
  goAway();

  const read = await instance.send('GET', `students/${String(ada.body['id'])}`);
  expect([read.status, read.body['name']]).toEqual([200, 'Ada']);
  expect(read.headers.get('db-degraded')).toMatch(/S3 cannot be reached.*this instance's replica/);
  expect(Number(read.headers.get('age'))).toBeLessThan(60);

  const bob = await instance.send('POST', 'students', student('Bob'));
  expect([bob.status, bob.headers.get('db-durability'), bob.body['name']]).toEqual([202, 'pending', 'Bob']);
  expect(bob.headers.get('db-degraded')).toMatch(/kept in the local disk.*lost if this machine is/);
  expect(await pendingFiles()).toHaveLength(1);
  const again = await instance.send('POST', 'students', student('Bob'));
  expect(again.status).toBe(409);
  const list = await instance.send('GET', 'students?order=name.asc');
  expect((list.body['data'] as { name: string }[]).map(({ name }) => name)).toEqual(['Ada', 'Bob']);
  const changed = await instance.send('PATCH', `students/${String(ada.body['id'])}`, { name: 'Ada L.' });
  expect([changed.status, changed.body['name']]).toEqual([202, 'Ada L.']);
  const status = await instance.send('GET', 'db-status');
  expect([status.status, status.body]).toMatchObject([
    200,
    { status: 'degraded', backend: 's3', pendingWrites: 2, outage: { servedBy: 's3' } },
  ]);

  comeBack();
  instance.advance(60_000);
  await instance.send('GET', 'students');
  await instance.settled();
  const after = await instance.send('GET', 'students?order=name.asc');
  expect(after.headers.get('db-degraded')).toBeNull();
  expect((after.body['data'] as { name: string }[]).map(({ name }) => name)).toEqual(['Ada L.', 'Bob']);
  expect(await pendingFiles()).toEqual([]);
  expect((await instance.send('GET', 'db-status')).body).toMatchObject({
    status: 'ok',
    pendingWrites: 0,
    outage: null,
  });
});

describe('a start while the bucket is away', () => {
  test('with a replica of an earlier process on this machine: its data, and their age', async () => {
    const first = start();
    const ada = await first.send('POST', 'students', student('Ada'));
    await first.settled();
    await first.stop();
    goAway();
    const second = start();
    const read = await second.send('GET', `students/${String(ada.body['id'])}`);
    expect([read.status, read.body['name']]).toEqual([200, 'Ada']);
    expect(read.headers.get('db-degraded')).toContain('a replica left on this machine');
    expect(Number(read.headers.get('age'))).toBeLessThan(60);
    expect((await second.send('POST', 'students', student('Bob'))).status).toBe(202);
    await second.stop();

    // The next process remembers the outage, and shows what the one before it kept.
    const third = start();
    const list = await third.send('GET', 'students?order=name.asc');
    expect((list.body['data'] as { name: string }[]).map(({ name }) => name)).toEqual(['Ada', 'Bob']);
    await third.stop();
    comeBack();

    // One that comes when the bucket is back runs them before it answers, or shows them still.
    const fourth = start();
    fourth.advance(60_000);
    expect((await fourth.send('GET', 'students')).body['data']).toHaveLength(2);
    await fourth.settled();
    const after = await fourth.send('GET', 'students');
    expect([after.headers.get('db-degraded'), after.body['data']]).toMatchObject([null, [{}, {}]]);
    expect(await pendingFiles()).toEqual([]);
  });

  test('without any: what is on the local disk, which is said; nothing is "not found"', async () => {
    const first = start();
    const ada = await first.send('POST', 'students', student('Ada'));
    await first.stop();
    goAway();
    const other = start({ machine: 'other' });
    const list = await other.send('GET', 'students');
    expect([list.status, list.body['data']]).toEqual([200, []]);
    expect(list.headers.get('db-degraded')).toContain('the local disk, which is not known to have a copy of its data');
    expect([list.headers.get('db-backend'), list.headers.get('db-bookmark')]).toEqual(['local', null]);
    const path = `students/${String(ada.body['id'])}`;
    for (const missed of [
      await other.send('GET', path),
      await other.send('PATCH', path, { name: 'A' }),
      await other.send('DELETE', path),
    ])
      expect([missed.status, missed.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    const bob = await other.send('POST', 'students', student('Bob'));
    expect(bob.status).toBe(202);
    const bobs = `students/${String(bob.body['id'])}`;
    expect((await other.send('GET', bobs)).body['name']).toBe('Bob');

    comeBack();
    other.advance(60_000);
    await other.send('GET', 'students');
    await other.settled();
    expect((await other.send('GET', path)).body['name']).toBe('Ada');
    expect((await other.send('GET', bobs)).body['name']).toBe('Bob');
  });
});

test('what no longer fits is listed with its reason until it is dismissed; what others wrote meanwhile stays', async () => {
  const [here, there] = [start(), start({ machine: 'other' })];
  const ada = await here.send('POST', 'students', student('Ada'));
  await there.send('GET', 'students');
  goAway();
  await here.send('GET', 'students');
  for (const name of ['Bob', 'Eve']) expect((await here.send('POST', 'students', student(name))).status).toBe(202);
  const gone = await here.send('PATCH', `students/${String(ada.body['id'])}`, { name: 'Ada L.' });
  expect(gone.status).toBe(202);
  // To the other machine the bucket is still there.
  comeBack();
  const taken = await there.send('POST', 'students', { ...student('Bob'), name: 'Another Bob' });
  expect(taken.status).toBe(201);
  expect((await there.send('DELETE', `students/${String(ada.body['id'])}`)).status).toBe(204);

  here.advance(60_000);
  const sync = await here.send('POST', 'db-sync');
  expect([sync.status, sync.body]).toMatchObject([200, { pendingDrained: 1, pendingRejected: 2 }]);
  const names = (await here.send('GET', 'students?order=name.asc')).body['data'] as { name: string }[];
  expect(names.map(({ name }) => name)).toEqual(['Another Bob', 'Eve']);
  const { rejectedWrites } = (await there.send('GET', 'db-status')).body as {
    rejectedWrites: { id: string; reason: string; command: { kind: string; values: object } }[];
  };
  expect(rejectedWrites).toMatchObject([
    {
      reason: expect.stringContaining('There is no row of students'),
      command: { kind: 'update', values: { name: 'Ada L.' } },
    },
    { reason: expect.stringContaining('email'), command: { kind: 'create', values: student('Bob') } },
  ]);
  const unknown = await there.send('POST', 'db-sync', { dismiss: ['nobody'] });
  expect(unknown.status).toBe(404);
  expect((await there.send('POST', 'db-sync', { dismiss: 'some' })).status).toBe(422);
  const one = await there.send('POST', 'db-sync', { dismiss: [rejectedWrites[0]!.id] });
  expect([one.status, one.body]).toEqual([200, { dismissed: 1 }]);
  expect((await there.send('POST', 'db-sync', { dismiss: 'all' })).body).toEqual({ dismissed: 1 });
  expect((await here.send('GET', 'db-status')).body['rejectedWrites']).toEqual([]);
});

test('DB_FALLBACK_WRITES=reject: reads go on, writes are refused', async () => {
  const instance = start({ environment: { DB_FALLBACK_WRITES: 'reject' } });
  await instance.send('POST', 'students', student('Ada'));
  goAway();
  expect((await instance.send('GET', 'students')).body['data']).toHaveLength(1);
  const refused = await instance.send('POST', 'students', student('Bob'));
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
  expect(await pendingFiles()).toEqual([]);
});

test('an outage makes one request wait, not each', async () => {
  const instance = start();
  await instance.send('POST', 'students', student('Ada'));
  goAway();
  await Promise.all(Array.from({ length: 20 }, () => instance.send('GET', 'students')));
  const writes = await Promise.all(
    Array.from({ length: 40 }, (_, index) => instance.send('POST', 'students', student(`S${index}`))),
  );
  expect(writes.map(({ status }) => status)).toEqual(writes.map(() => 202));
  expect(await pendingFiles()).toHaveLength(40);
  const list = await instance.send('GET', 'students?limit=100');
  expect(list.body['data']).toHaveLength(41);
});

test('two that run the same pending writes at once run each of them once', async () => {
  const [one, two] = [start(), start()];
  for (const instance of [one, two]) await instance.send('GET', 'students');
  goAway();
  await one.send('GET', 'students');
  const kept = await Promise.all(
    Array.from({ length: 30 }, (_, index) => one.send('POST', 'students', student(`S${index}`))),
  );
  expect(kept.map(({ status }) => status)).toEqual(kept.map(() => 202));
  expect((await two.send('GET', 'students?limit=100')).body['data']).toHaveLength(30);
  comeBack();
  for (const instance of [one, two]) instance.advance(60_000);
  const synced = await Promise.all([one.send('POST', 'db-sync'), two.send('POST', 'db-sync')]);
  const drained = synced.map(({ body }) => Number(body['pendingDrained']));
  expect(drained[0]! + drained[1]!).toBe(30);
  expect(synced.map(({ body }) => body['pendingRejected'])).toEqual([0, 0]);
  for (const instance of [one, two])
    expect((await instance.send('GET', 'students?limit=100')).body['data']).toHaveLength(30);
  expect((await one.send('GET', 'db-status')).body['rejectedWrites']).toEqual([]);
  expect(await pendingFiles()).toEqual([]);
});

test('a file in parts waits for the bucket: a standby takes none', async () => {
  const instance = start();
  const begun = await instance.send('POST', 'import?table=courses&format=jsonl&upload=begin');
  const upload = String(begun.body['upload']);
  const row = { code: 'A1', title: 'Alpha', credits: 1 };
  expect((await instance.send('PUT', `import?upload=${upload}&part=1`, row)).status).toBe(204);
  await instance.settled();
  goAway();
  const away = [
    await instance.send('PUT', `import?upload=${upload}&part=2`, row),
    await instance.send('POST', `import?upload=${upload}`),
    await instance.send('POST', 'import?table=courses&format=jsonl&upload=begin'),
  ];
  expect(away.map(({ status }) => status)).toEqual([503, 503, 503]);
  comeBack();
  instance.advance(60_000);
  await instance.send('GET', 'courses');
  await instance.settled();
  const imported = await instance.send('POST', `import?upload=${upload}`);
  expect([imported.status, imported.body]).toEqual([201, { table: 'courses', rows: 1 }]);
});

test('what was accepted for a database by a wrong address is listed, and goes when it is dismissed', async () => {
  const wrong = start({ environment: { S3_ENDPOINT: 'http://127.0.0.1:1' } });
  const bob = await wrong.send('POST', 'students', student('Bob'));
  expect([bob.status, bob.headers.get('db-durability')]).toEqual([202, 'pending']);
  await wrong.stop();
  const right = start();
  expect((await right.send('GET', 'students')).body['data']).toEqual([]);
  // Also where the store that keeps it is the database's own by now.
  const local = startInstance({
    machine: join(folder, 'machine'),
    environment: { LOCAL_DB_PATH: join(folder, 'machine/local/school.db') },
  });
  for (const instance of [local, right]) {
    const { body } = await instance.send('GET', 'db-status');
    expect(body).toMatchObject({
      pendingWrites: 0,
      strandedWrites: [{ keptIn: 'local', database: null, command: { kind: 'create', values: student('Bob') } }],
    });
    const [{ id } = { id: '' }] = body['strandedWrites'] as { id: string }[];
    if (instance === local) continue;
    expect((await instance.send('POST', 'db-sync', { dismiss: [id] })).body).toEqual({ dismissed: 1 });
    expect((await instance.send('GET', 'db-status')).body['strandedWrites']).toEqual([]);
  }
  expect(await pendingFiles()).toEqual([]);
});

test('what waits is told while the database is closed', async () => {
  const away = start();
  goAway();
  expect((await away.send('POST', 'students', student('Bob'))).status).toBe(202);
  await away.stop();
  comeBack();
  const command = { kind: 'create', values: student('Bob') };
  for (const [environment, waiting] of [
    [{ AWS_ACCESS_KEY_ID: 'AKIAOTHER' }, { pendingWrites: 1, strandedWrites: [] }],
    [{ S3_BUCKET: 'another-bucket' }, { pendingWrites: 0, strandedWrites: [{ keptIn: 'local', command }] }],
  ]) {
    const closed = start({ environment: environment as Record<string, string> });
    expect((await closed.send('GET', 'students')).status).toBe(503);
    expect((await closed.send('GET', 'db-status')).body).toMatchObject({ status: 'down', ...waiting });
    await closed.stop();
  }
  const right = start();
  expect((await right.send('GET', 'students')).body['data']).toMatchObject([{ name: 'Bob' }]);
});

test(
  'a bucket that is full is no outage: it refuses writes, and db-status says so until one is taken',
  { timeout: 90_000 },
  async () => {
    const instance = start();
    expect((await instance.send('POST', 'students', student('Ada'))).status).toBe(201);
    await instance.settled();
    const body = '<Error><Code>XMinioStorageFull</Code><Message>full</Message></Error>';
    const full = { kind: 'answer', status: 507, headers: { 'content-type': 'application/xml' }, body } as const;
    for (const [path, sent] of [
      ['students', student('Bob')],
      ['sql', { query: `INSERT INTO students (name, email) VALUES ('Eve', 'eve@example.org')` }],
      ['import?table=students&format=jsonl', student('Ken')],
    ] as const) {
      cloud.faults.add((request) => cloud.describe(request).operation === 'create', full, Infinity);
      expect([path, (await instance.send('POST', path, sent)).status]).toEqual([path, 503]);
      expect(await pendingFiles()).toEqual([]);
      const status = await instance.send('GET', 'db-status');
      expect(status.body).toMatchObject({ status: 'degraded', outage: null });
      expect(status.body['message']).toMatch(/The last write failed.* is full.*raise its quota/);
      expect((await instance.send('GET', 'students')).headers.get('db-durability')).toBe('durable');
      comeBack();
      expect((await instance.send('POST', path, sent)).status).toBeOneOf([200, 201]);
      expect((await instance.send('GET', 'db-status')).body).toMatchObject({ status: 'ok' });
    }
  },
);
