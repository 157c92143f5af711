/** PostgreSQL in each way of being away, with DuckDB in a folder and on the local disk behind it. Real servers. */
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { type Instance, startInstance, steppedRuntime } from './instance.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.close());

let folder: string;
let drive: string;
let url: string;
beforeEach(async () => {
  folder = await temporaryFolder();
  drive = join(folder, 'drive');
  await mkdir(drive);
  url = await server.createDatabase();
});

/** An answer comes within ten seconds; a busy machine gets twice that, and what hangs takes longer still. */
const hangMs = 20_000;
const student = (name: string) => ({ name, email: `${name.toLowerCase()}@example.org` });

function start(environment: Record<string, string> = {}): Instance & { readonly advance: (ms: number) => void } {
  const runtime = steppedRuntime();
  const instance = startInstance({
    machine: folder,
    runtime,
    environment: {
      DATABASE_URL: url,
      NETWORK_DB_PATH: join(drive, 'school.db'),
      LOCAL_DB_PATH: join(folder, 'local/school.db'),
      ...environment,
    },
  });
  return { ...instance, advance: runtime.advance };
}

async function keptIn(place: string): Promise<number> {
  const names = await readdir(join(folder, place, 'school.db.pending')).catch(() => []);
  return names.filter((name) => name.endsWith('.json')).length;
}

async function namesIn(instance: Instance): Promise<string[]> {
  const { body } = await instance.send('GET', 'students?order=name.asc&limit=500');
  return (body['data'] as { name: string }[]).map(({ name }) => name);
}

/** Time passes, and somebody asks. */
async function recovered(instance: ReturnType<typeof start>): Promise<void> {
  instance.advance(60_000);
  await instance.send('GET', 'students');
  await instance.settled();
}

interface Outage {
  begin(): Promise<void>;
  mend(): Promise<void>;
}

const outages: Readonly<Record<string, Outage>> = {
  'shut down': { begin: () => server.stop('fast'), mend: () => server.start() },
  killed: { begin: () => server.kill(), mend: () => server.start() },
  'one that accepts and never answers': { begin: () => server.pause(), mend: () => server.resume() },
};

describe.each(Object.keys(outages))('a server that is %s', (name) => {
  const outage = outages[name]!;
  let isAway = false;
  const begin = async (): Promise<void> => {
    isAway = true;
    await outage.begin();
  };
  const mend = async (): Promise<void> => {
    await outage.mend();
    isAway = false;
  };
  afterEach(async () => {
    if (isAway) await mend();
  });

  test('while it is open: answers in time, writes kept in the next backend, all of them there afterwards', async () => {
    const instance = start();
    expect((await instance.send('POST', 'students', student('Ada'))).status).toBe(201);
    await begin();
    const answers = await Promise.all([
      instance.send('GET', 'students'),
      instance.send('GET', 'db-status'),
      instance.send('POST', 'students', student('Bob')),
    ]);
    const [list, status, bob] = answers;
    expect(answers.map(({ ms }) => ms < hangMs)).toEqual([true, true, true]);
    expect([list.status, list.headers.get('db-backend')]).toEqual([200, 'network']);
    expect(list.headers.get('db-degraded')).toMatch(/^PostgreSQL cannot be reached; the network drive/);
    expect([status.status, status.body]).toMatchObject([200, { status: 'degraded', backend: 'postgres' }]);
    // One whose COMMIT may have been on its way when the server stood still is not known.
    expect([202, 500]).toContain(bob.status);
    const eve = await instance.send('POST', 'students', student('Eve'));
    expect([eve.status, eve.headers.get('db-durability')]).toEqual([202, 'pending']);
    expect(eve.headers.get('db-degraded')).toContain('kept in the network drive');
    expect(eve.headers.get('db-degraded')).not.toContain('lost');
    expect(await namesIn(instance)).toContain('Eve');
    expect(await keptIn('drive')).toBeGreaterThan(0);

    await mend();
    await recovered(instance);
    const after = await instance.send('GET', 'students?order=name.asc');
    expect([after.headers.get('db-degraded'), after.headers.get('db-backend')]).toEqual([null, 'postgres']);
    const names = await namesIn(instance);
    expect(names).toEqual(expect.arrayContaining(bob.status === 202 ? ['Ada', 'Bob', 'Eve'] : ['Ada', 'Eve']));
    expect(new Set(names).size).toBe(names.length);
    expect(await keptIn('drive')).toBe(0);
  });

  test('from the start, the store behind it too: the local disk keeps writes, and says that it may lose them', async () => {
    await begin();
    await rename(drive, `${drive}-away`);
    const instance = start();
    const bob = await instance.send('POST', 'students', student('Bob'));
    expect([bob.status, bob.ms < hangMs]).toEqual([202, true]);
    expect(bob.headers.get('db-degraded')).toContain('lost if this machine is');
    expect((await instance.send('GET', 'db-status')).body).toMatchObject({
      outage: { servedBy: 'local', atRisk: expect.stringContaining('lost') as unknown },
    });
    // The store comes back first, and takes what is written next.
    await rename(`${drive}-away`, drive);
    instance.advance(6000);
    expect((await instance.send('POST', 'students', student('Eve'))).status).toBe(202);
    expect([await keptIn('local'), await keptIn('drive')]).toEqual([1, 1]);
    expect(await namesIn(instance)).toEqual(['Bob', 'Eve']);
    await mend();
    await recovered(instance);
    expect(await namesIn(instance)).toEqual(['Bob', 'Eve']);
    expect([await keptIn('local'), await keptIn('drive')]).toEqual([0, 0]);
    expect((await instance.send('GET', 'db-status')).body).toMatchObject({ status: 'ok', backend: 'postgres' });
  });
});

test('numbers that the mirror gives are those of the rows, and are not given again', async () => {
  const kinds = ['bigserial', 'bigint GENERATED BY DEFAULT AS IDENTITY', 'bigint GENERATED ALWAYS AS IDENTITY'];
  const tables = kinds.map((_, index) => `notes${index}`);
  const instance = start();
  await instance.send('GET', 'students');
  const sql = kinds.map(
    (kind, index) => `CREATE TABLE notes${index} (nr ${kind} UNIQUE, id int PRIMARY KEY, text text);
      INSERT INTO notes${index} (id, text) VALUES (10, 'one')`,
  );
  await server.run(sql.join(';'), new URL(url).pathname.slice(1));
  expect((await instance.send('POST', 'db-sync')).body['mirror']).toMatchObject({ how: 'copied' });
  await server.stop('fast');
  try {
    for (const table of tables) {
      const kept = [
        await instance.send('POST', table, { id: 20, text: 'two' }),
        await instance.send('POST', table, { id: 30 }),
        await instance.send('PUT', `${table}/10`, { text: 'first' }),
      ];
      expect(kept.map(({ status, body }) => [status, body['nr']])).toEqual([
        [202, '2'],
        [202, '3'],
        [202, expect.any(String) as unknown],
      ]);
    }
  } finally {
    await server.start();
  }
  await recovered(instance);
  for (const table of tables) {
    const next = await instance.send('POST', table, { id: 40, text: 'four' });
    const { body } = await instance.send('GET', `${table}?order=id.asc&select=nr,text`);
    expect([table, next.status, body['data']]).toEqual([
      table,
      201,
      [
        { nr: expect.stringMatching(table === tables[2] ? /^1$/ : /./) as unknown, text: 'first' },
        { nr: '2', text: 'two' },
        { nr: '3', text: null },
        { nr: next.body['nr'], text: 'four' },
      ],
    ]);
    expect(Number(next.body['nr'])).toBeGreaterThan(3);
  }
});

test('all of them away: 503 with the time to come back, never "not found"', async () => {
  const file = join(folder, 'a file');
  await mkdir(join(folder, 'tmp'));
  await writeFile(file, '');
  await rename(drive, `${drive}-away`);
  const instance = start({
    DATABASE_URL: 'postgres://user:secret@127.0.0.1:1/none',
    LOCAL_DB_PATH: join(file, 'school.db'),
  });
  for (const path of ['students', 'students/01890000-0000-7000-8000-000000000000', 'db-status']) {
    const said = await instance.send('GET', path);
    expect([path, said.status, said.headers.get('retry-after')]).toEqual([path, 503, expect.stringMatching(/^\d+$/)]);
    expect(said.ms).toBeLessThan(hangMs);
  }
  expect((await instance.send('POST', 'students', student('Bob'))).status).toBe(503);
});

test('a write is run on the database that it was meant for, whatever its address, and on no other of the server', async () => {
  const { username, password, port, pathname } = new URL(url);
  const otherName = new URL(await server.createDatabase()).pathname.slice(1);
  const instance = start();
  const other = start({ DATABASE_URL: `${url}?dbname=${otherName}` });
  for (const each of [instance, other]) {
    expect((await each.send('POST', 'students', student('Ada'))).status).toBe(201);
    await each.settled();
  }
  await server.stop('fast');
  try {
    expect((await instance.send('POST', 'students', student('Bob'))).status).toBe(202);
    await instance.stop();
  } finally {
    await server.start();
  }
  await recovered(other);
  expect(await namesIn(other)).toEqual(['Ada']);
  expect(await keptIn('drive')).toBe(1);
  const renamed = `postgres://localhost/${pathname.slice(1)}?user=${username}&password=${password}&port=${port}`;
  const later = start({ DATABASE_URL: renamed });
  expect((await later.send('POST', 'db-sync')).status).toBe(200);
  expect([await namesIn(later), await keptIn('drive')]).toEqual([['Ada', 'Bob'], 0]);
});
