/** The DuckDB copy behind PostgreSQL, as instances of the service make and use it. Real servers. */
import { DuckDBInstance } from '@duckdb/node-api';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Instance, startInstance, steppedRuntime } from '../fallback/instance.ts';
import { type Cloud, startCloud } from '../../support/clouds.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
let s3: Cloud;
beforeAll(async () => {
  [server, s3] = await Promise.all([startPostgres(), startCloud('s3')]);
});
afterAll(() => Promise.all([server.close(), s3.close()]));

let folder: string;
let url: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-mirror-'));
  await Promise.all([mkdir(join(folder, 'drive')), mkdir(join(folder, 'tmp'))]);
  url = await server.createDatabase();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (sql: string): Promise<Record<string, unknown>[]> => server.run(sql, new URL(url).pathname.slice(1));
const inFolder = (): Record<string, string> => ({ DATABASE_URL: url, NETWORK_DB_PATH: join(folder, 'drive') });
const publishedFile = (): string => join(folder, 'drive', 'student_courses.db');

function start(environment: Record<string, string>): Instance & { readonly advance: (ms: number) => void } {
  const runtime = steppedRuntime();
  return { ...startInstance({ machine: folder, runtime, environment }), advance: runtime.advance };
}

const student = (name: string) => ({ name, email: `${name.toLowerCase()}@example.org` });

async function addStudents(instance: Instance, ...names: string[]): Promise<void> {
  for (const name of names) {
    expect(await instance.send('POST', 'students', student(name))).toMatchObject({ status: 201 });
  }
}

async function refresh(instance: Instance): Promise<Record<string, unknown>> {
  const { status, body } = await instance.send('POST', 'db-sync');
  expect(status).toBe(200);
  return body['mirror'] as Record<string, unknown>;
}

/** Rows of the published file, by a plain DuckDB client. */
async function published(sql = 'SELECT name FROM students ORDER BY name'): Promise<unknown[]> {
  const copy = join(folder, 'copy.db');
  await copyFile(publishedFile(), copy);
  const instance = await DuckDBInstance.create(copy, { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRows();
  connection.disconnectSync();
  instance.closeSync();
  return rows.map(([value]) => (typeof value === 'bigint' ? Number(value) : value));
}

describe('the mirror', { timeout: 60_000 }, () => {
  it('is copied once, then follows the changes, and opens in a plain client', async () => {
    const instance = start(inFolder());
    await addStudents(instance, 'Ada', 'Bob');
    expect(await refresh(instance)).toMatchObject({ how: 'copied', rows: 2 });
    expect(await published()).toEqual(['Ada', 'Bob']);
    expect(await refresh(instance)).toMatchObject({ how: 'current', rows: 0 });
    await addStudents(instance, 'Cleo');
    await run(`UPDATE students SET name = 'Ada L.' WHERE name = 'Ada'; DELETE FROM students WHERE name = 'Bob'`);
    expect(await refresh(instance)).toMatchObject({ how: 'replayed', rows: 3 });
    expect(await published()).toEqual(['Ada L.', 'Cleo']);
    const { body } = await instance.send('GET', 'db-status');
    expect(body).toMatchObject({
      backend: 'postgres',
      mirror: { backend: 'network', ageSeconds: expect.any(Number) as number, trouble: null },
    });
    expect(await published('SELECT version FROM eider.mirror')).toEqual([
      (body['mirror'] as { version: number }).version,
    ]);
  });

  it('and the feed are whole, or say that they are not, where the triggers of a table cannot be made again', async () => {
    const mine = new URL(url);
    const role = `tenant_${mine.pathname.slice(1)}`;
    await run(`CREATE ROLE "${role}" LOGIN PASSWORD 'word'; GRANT CREATE ON DATABASE "${mine.pathname.slice(1)}" TO "${role}";
      GRANT CREATE ON SCHEMA public TO "${role}"; CREATE TABLE theirs (a int PRIMARY KEY, b int); INSERT INTO theirs VALUES (1, 1); CREATE TABLE others (a int); GRANT SELECT, TRIGGER ON others TO "${role}";
      GRANT SELECT, INSERT, UPDATE, TRIGGER ON theirs TO "${role}"`);
    Object.assign(mine, { username: role, password: 'word' });
    const instance = start({ ...inFolder(), DATABASE_URL: mine.href });
    expect((await instance.send('POST', 'theirs', { a: 2, b: 2 })).status).toBe(201);
    expect(await refresh(instance)).toMatchObject({ how: 'copied' });
    const after = Number((await instance.send('GET', 'theirs')).headers.get('db-bookmark'));
    expect((await instance.send('GET', `changes?after=${after}`)).body).toMatchObject({ data: [] });

    await run('ALTER TABLE theirs DISABLE TRIGGER eider_update; UPDATE theirs SET b = 7');
    for (const query of ['', '&table=theirs', '&table=public.theirs']) {
      expect(await instance.send('GET', `changes?after=${after}${query}`)).toMatchObject({
        status: 409,
        body: { detail: 'The change feed is not complete: it does not cover public.theirs.' },
      });
    }
    expect((await instance.send('GET', `changes?after=${after}&table=others`)).status).toBe(200);
    expect(await refresh(instance)).toMatchObject({ how: 'copied' });
    expect(await published('SELECT b FROM theirs ORDER BY a')).toEqual([7, 7]);
    expect(await refresh(instance)).toMatchObject({ how: 'current' });
    await run('UPDATE theirs SET b = 8');
    expect(await refresh(instance)).toMatchObject({ how: 'copied' });
    expect(await published('SELECT b FROM theirs ORDER BY a')).toEqual([8, 8]);
    expect((await instance.send('GET', 'db-status')).body['warnings']).toContainEqual(
      expect.stringMatching(/nothing of the table public\.theirs: its triggers are switched off.*ENABLE TRIGGER USER/),
    );

    await run('ALTER TABLE theirs ENABLE TRIGGER USER');
    expect((await instance.send('GET', `changes?after=${after}`)).status).toBe(200);
  });

  it('follows tables without a key, of other schemas, and sequences', async () => {
    const instance = start(inFolder());
    await run(`CREATE TABLE notes (text varchar, half real); INSERT INTO notes VALUES (1, 1.5), (1, 1.5), (2, '-0');
      CREATE SCHEMA shop; CREATE TABLE shop.orders (id serial PRIMARY KEY, what text); INSERT INTO shop.orders (what) VALUES ('a')`);
    expect(await refresh(instance)).toMatchObject({ how: 'copied', rows: 4 });
    await run(
      'UPDATE notes SET text = 3 WHERE ctid = (SELECT min(ctid) FROM notes); DELETE FROM notes WHERE text = 2::text',
    );
    await run(`INSERT INTO notes VALUES (1, NULL); INSERT INTO shop.orders (what) VALUES ('b'), ('c')`);
    expect(await refresh(instance)).toMatchObject({ how: 'replayed', rows: 6 });
    expect(await published('SELECT text FROM notes ORDER BY ALL')).toEqual(['1', '1', '3']);
    expect(await published('SELECT what FROM shop.orders ORDER BY id')).toEqual(['a', 'b', 'c']);
    const next = `SELECT nextval('shop.orders_id_seq')`;
    await run(next);
    expect(await refresh(instance)).toMatchObject({ how: 'current', rows: 0 });
    await run('DELETE FROM notes WHERE half IS NULL');
    expect(await refresh(instance)).toMatchObject({ how: 'replayed', rows: 1 });
    expect(await published(`SELECT regexp_extract(sql, 'START (\\d+)', 1) FROM duckdb_sequences()`)).toEqual(['5']);
    await run(`SELECT setval('shop.orders_id_seq', 100000000)`);
    expect(await refresh(instance)).toMatchObject({ how: 'copied' });
    await run(`ALTER TABLE notes ALTER text SET DEFAULT 'new'`);
    expect(await refresh(instance)).toMatchObject({ how: 'copied' });
    expect(await refresh(instance)).toMatchObject({ how: 'current' });
  });

  it('is copied anew when changes are gone', async () => {
    const instance = start(inFolder());
    await addStudents(instance, 'Ada');
    await run('CREATE TABLE notes (text varchar)');
    expect(await refresh(instance)).toMatchObject({ how: 'copied', rows: 1 });
    await addStudents(instance, 'Bob');
    await run(
      'UPDATE eider.state SET dropped = (SELECT max(version) FROM eider.changes); DELETE FROM eider.changes; DROP TABLE notes',
    );
    expect(await refresh(instance)).toMatchObject({ how: 'copied' });
    expect(await published()).toEqual(['Ada', 'Bob']);
    expect(await published(`SELECT count(*) FROM duckdb_tables() WHERE table_name = 'notes'`)).toEqual([0]);
  });

  it('misses nothing of a transaction that was open while it was copied', async () => {
    const instance = start(inFolder());
    await addStudents(instance, 'Ada');
    const open = run(`BEGIN; INSERT INTO students SELECT gen_random_uuid(), 'Late', 'late@example.org', now(), now();
      SELECT pg_sleep(3); COMMIT`);
    await expect
      .poll(async () =>
        run(`SELECT 1 FROM pg_stat_activity WHERE query LIKE 'BEGIN; INSERT%' AND wait_event = 'PgSleep'`),
      )
      .toHaveLength(1);
    await addStudents(instance, 'Bob');
    expect(await refresh(instance)).toMatchObject({ how: 'copied' });
    await addStudents(instance, 'Cleo');
    await open;
    await refresh(instance);
    expect(await published()).toEqual(['Ada', 'Bob', 'Cleo', 'Late']);
  });

  it('is one database when several instances refresh it at once', async () => {
    const instances = [start(inFolder()), start(inFolder())];
    await addStudents(instances[0]!, 'Ada', 'Bob');
    for (const round of ['Cleo', 'Dora']) {
      const outcomes = await Promise.all(instances.map(refresh));
      expect(outcomes.map(({ how }) => how)).not.toContain('failed');
      await addStudents(instances[0]!, round);
    }
    await refresh(instances[1]!);
    expect(await published()).toEqual(['Ada', 'Bob', 'Cleo', 'Dora']);
  });

  it('never replaces a database of its own, and says so', async () => {
    const own = start({ NETWORK_DB_PATH: join(folder, 'drive') });
    await addStudents(own, 'Own');
    await own.send('POST', 'db-sync');
    await own.stop();
    const instance = start(inFolder());
    await addStudents(instance, 'Ada');
    expect(await refresh(instance)).toMatchObject({
      how: 'failed',
      reason: expect.stringContaining('has rows of its own (students)') as string,
    });
    expect(await published()).toEqual(['Own']);
    const { body } = await instance.send('GET', 'db-status');
    expect(body['warnings']).toEqual([expect.stringContaining('is not refreshed as its mirror')]);
  });

  it('is the same whatever the address of PostgreSQL, and not that of another database on the server', async () => {
    const instance = start(inFolder());
    await addStudents(instance, 'Ada');
    expect(await refresh(instance)).toMatchObject({ how: 'copied' });
    await instance.stop();
    const { username, password, port, pathname } = new URL(url);
    const renamed = `postgres://localhost/?user=${username}&password=${password}&port=${port}&dbname=${pathname.slice(1)}`;
    const later = start({ ...inFolder(), DATABASE_URL: renamed });
    await addStudents(later, 'Bob');
    expect(await refresh(later)).toMatchObject({ how: 'replayed', rows: 1 });
    await later.stop();
    const other = new URL(await server.createDatabase()).pathname.slice(1);
    const stranger = start({ ...inFolder(), DATABASE_URL: `${url}?dbname=${other}` });
    expect(await refresh(stranger)).toMatchObject({
      how: 'failed',
      reason: expect.stringContaining('of another') as string,
    });
    expect(await published()).toEqual(['Ada', 'Bob']);
  });

  it('stops being one when somebody else writes to it', async () => {
    const instance = start(inFolder());
    await addStudents(instance, 'Ada');
    await refresh(instance);
    await instance.stop();
    const alone = start({ NETWORK_DB_PATH: join(folder, 'drive') });
    await addStudents(alone, 'Bob');
    await alone.stop();
    const later = start(inFolder());
    expect(await refresh(later)).toMatchObject({
      how: 'failed',
      reason: expect.stringContaining('it was written since') as string,
    });
    await later.stop();
  });

  it('answers while PostgreSQL is away, says how old it is, and converges afterwards', async () => {
    const { environment } = s3.fresh();
    const instance = start({ DATABASE_URL: url, ...environment });
    await addStudents(instance, 'Ada', 'Bob');
    expect(await refresh(instance)).toMatchObject({ how: 'copied' });
    await addStudents(instance, 'NotYet');
    await server.stop('fast');
    try {
      const read = await instance.send('GET', 'students?order=name.asc');
      expect(read.status).toBe(200);
      expect((read.body['data'] as { name: string }[]).map(({ name }) => name)).toEqual(['Ada', 'Bob']);
      expect(read.headers.get('db-degraded')).toMatch(/copy|mirror/i);
      expect(Number(read.headers.get('age'))).toBeGreaterThanOrEqual(0);
      expect(await instance.send('POST', 'students', student('Kept'))).toMatchObject({ status: 202 });
    } finally {
      await server.start();
    }
    instance.advance(60_000);
    await instance.send('GET', 'students');
    await instance.settled();
    expect(await refresh(instance)).toMatchObject({ how: 'replayed' });
    expect(await refresh(instance)).toMatchObject({ how: 'current' });
    expect((await run('SELECT name FROM students ORDER BY name')).map(({ name }) => name)).toEqual([
      'Ada',
      'Bob',
      'Kept',
      'NotYet',
    ]);
  });

  it('stays as it was when a refresh is killed half-way', async () => {
    const instance = start(inFolder());
    await addStudents(instance, 'Ada');
    await refresh(instance);
    await run(
      `INSERT INTO students SELECT gen_random_uuid(), 'S' || i, i || '@example.org', now(), now() FROM generate_series(1, 21000) i`,
    );
    expect(await killedRefresh()).toBe('SIGKILL');
    expect(await published()).toEqual(['Ada']);
    expect(await refresh(instance)).toMatchObject({ how: 'copied' });
    expect(await published('SELECT count(*) FROM students')).toEqual([21_001]);
  });
});

const program = fileURLToPath(new URL('../../../scripts/db.ts', import.meta.url));

/** A process that refreshes the mirror and is killed once the new state is on its way to the store. */
function killedRefresh(): Promise<string> {
  const environment = { PATH: process.env['PATH'], TMPDIR: join(folder, 'tmp'), ...inFolder() };
  const child = spawn(process.execPath, [program, 'sync'], { env: environment, stdio: 'ignore' });
  const drafts = join(folder, 'drive', '.eider~tmp');
  const watch = setInterval(() => {
    if (existsSync(drafts) && readdirSync(drafts).length > 0) child.kill('SIGKILL');
  }, 2);
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      clearInterval(watch);
      resolve(signal ?? `code ${code}`);
    });
  });
}
