/** Databases of other versions of the program: older ones are opened, newer ones are refused with the way out. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { globSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createApp } from '../../../lib/app.ts';
import { backendFactories } from '../../../lib/backends.ts';
import type { Database } from '../../../lib/db/database.ts';
import { createEndpoints } from '../../../lib/http/endpoints.ts';
import { systemRuntime } from '../../../lib/runtime.ts';
import { migrations } from '../../support/migrations.ts';
import { createDirectoryStore } from '../../../lib/store/directory.ts';
import type { Store } from '../../../lib/store/store.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { decodeRecord, encodeRecord, type LogRecord, recordFormat } from '../../../lib/sync/record.ts';
import { localRequest } from '../../support/requests.ts';
import { problemType } from '../../support/problems.ts';

const fixtures = globSync('format-*.json.gz', { cwd: import.meta.dirname });
const layout = layoutOf('school.db');

let folder: string;
let store: Store;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-upgrade-'));
  store = createDirectoryStore({ root: join(folder, 'store'), create: true, runtime: systemRuntime });
  return () => rm(folder, { recursive: true });
});

async function restore(fixture: string): Promise<void> {
  const packed = await readFile(join(import.meta.dirname, fixture));
  const objects = JSON.parse(gunzipSync(packed).toString()) as Record<string, string>;
  for (const [key, bytes] of Object.entries(objects)) await store.create(key, Buffer.from(bytes, 'base64'));
}

/** An instance on a machine of its own, with a local file to stand in. */
function start(machine = 'machine') {
  const app = createApp({
    migrations,
    runtime: systemRuntime,
    environment: () => ({
      NETWORK_DB_PATH: join(folder, 'store', 'school.db'),
      LOCAL_DB_PATH: join(folder, machine, 'local.db'),
      TMPDIR: join(folder, machine),
    }),
    factories: backendFactories,
    signals: process,
  });
  onTestFinished(() => app.close());
  const endpoints = createEndpoints({ trustsPeer: true, app, log: () => undefined, waitUntil: () => undefined });
  const ask = async (endpoint: 'list' | 'create' | 'status' | 'sync', path: string, body?: object) => {
    const init = body && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    const response = await endpoints[endpoint](localRequest(path, init));
    return { status: response.status, headers: response.headers, body: (await response.json()) as never };
  };
  const database = async () => (await app.open()).database;
  return { ask, database, close: () => app.close() };
}

const grace = { name: 'Grace Hopper', email: 'grace@example.com' };

test('there is a fixture of the format that this version writes', () => {
  expect(fixtures).toContain(`format-${recordFormat}.json.gz`);
});

test.each(fixtures)('a store as %s has it is opened, written and published', async (fixture) => {
  await restore(fixture);
  const { ask, database } = start();
  const students = await ask('list', '/api/students?limit=500&order=email&count=exact');
  expect(students.body).toMatchObject({ count: 39 });
  const rows = (students.body as { data: { name: string; email: string; created_at: string }[] }).data;
  expect(rows).toContainEqual(expect.objectContaining({ name: 'Ada Lovelace', email: 'student-2@example.com' }));
  expect(rows).toContainEqual(expect.objectContaining({ name: 'Student 3 Ünïcode' }));
  expect(new Set(rows.map(({ created_at }) => created_at))).toEqual(new Set(['2026-11-25T04:05:06.123456Z']));
  expect((await ask('list', '/api/enrollments')).body).toMatchObject({ data: [{ term: '2026-2', grade: null }] });
  expect(await ask('create', '/api/students', grace)).toMatchObject({ status: 201 });
  expect(await ask('create', '/api/students', grace)).toMatchObject({ status: 409 });
  await requireDefaultsAndReferences(await database());
  expect(await ask('sync', '/api/db-sync')).toMatchObject({ status: 200, body: { published: true } });
  const { ask: elsewhere } = start('elsewhere');
  expect((await elsewhere('list', '/api/students?count=exact')).body).toMatchObject({ count: 40 });
  const instance = await DuckDBInstance.create(join(folder, 'store', 'school.db'), { access_mode: 'READ_ONLY' });
  const found = await (await instance.connect()).runAndReadAll('SELECT count(*)::INTEGER FROM students');
  expect(found.getRowsJS()).toEqual([[40]]);
  instance.closeSync();
});

test('rows without a key, and where a sequence stands, are as the second format has them', async () => {
  await restore('format-2.json.gz');
  const database = await start().database();
  const run = (sql: string) => database.write((_queries, scope) => scope.run(sql));
  const { value } = await run('INSERT INTO readings (value) VALUES (2) RETURNING number');
  expect(value.rows).toEqual([['10']]);
  expect((await run('SELECT number, value FROM readings ORDER BY number')).value.rows).toEqual([
    ['7', 0.5],
    ['9', 1.5],
    ['10', 2],
  ]);
});

/** What the first version left to the program is the database's now. */
async function requireDefaultsAndReferences(database: Database): Promise<void> {
  expect((await database.status()).warnings).toEqual([]);
  const run = (sql: string) => database.write((_queries, scope) => scope.run(sql));
  const { value } = await run(
    `INSERT INTO enrollments (student_id, course_id, term) SELECT s.id, c.id, '2027-1' FROM students s, courses c
    WHERE s.name = 'Ada Lovelace' RETURNING status, id IS NOT NULL, created_at > '2026-11-26'`,
  );
  expect(value.rows).toEqual([['enrolled', true, true]]);
  const [student, course] = ['enrollments_student_id_fkey', 'enrollments_course_id_fkey'];
  await expect(run(`UPDATE enrollments SET course_id = uuid()`)).rejects.toMatchObject({
    kind: 'invalid',
    sqlState: '23503',
    constraint: { name: course, table: 'enrollments' },
  });
  await expect(run(`DELETE FROM students WHERE name = 'Ada Lovelace'`)).rejects.toMatchObject({
    sqlState: '23503',
    constraint: { name: student },
  });
  await run(`DELETE FROM enrollments WHERE term = '2027-1'`);
}

describe('of what a newer version wrote', () => {
  beforeEach(() => restore(`format-${recordFormat}.json.gz`));

  /** What a newer version commits next. */
  async function commitNewer(): Promise<string> {
    const { objects } = await store.list(layout.logPrefix);
    const { key } = objects.at(-1)!;
    const last = decodeRecord((await store.get(key))!, key, layout.recordVersion(key)!);
    const next = { ...last, format: recordFormat + 1, version: last.version + 1, id: 'newer', previous: last.id };
    const nextKey = layout.recordKey(next.version);
    expect(await store.create(nextKey, encodeRecord(next as unknown as LogRecord))).toBe('created');
    return nextKey;
  }

  const refusal = { status: 503, body: { type: problemType('outdated'), status: 503 } };

  test('a record that comes while it runs stops an instance from reading, writing and syncing, and nothing else', async () => {
    const { ask } = start();
    expect(await ask('create', '/api/students', grace)).toMatchObject({ status: 201 });
    const key = await commitNewer();
    const written = await store.get(key);
    for (const answer of [
      await ask('list', '/api/students'),
      await ask('create', '/api/students', { name: 'Lost', email: 'lost@example.com' }),
      await ask('sync', '/api/db-sync'),
    ]) {
      expect(answer).toMatchObject(refusal);
      expect(answer.headers.get('retry-after')).toBe('5');
    }
    // Nobody stands in: what was taken as pending here would wait on a machine that goes.
    expect((await store.list(layout.pendingPrefix)).objects).toEqual([]);
    expect(globSync('**/*.pending/**', { cwd: folder })).toEqual([]);
    expect(await store.get(key)).toEqual(written);
    expect(await store.head(layout.recordKey(layout.recordVersion(key)! + 1))).toBeNull();
    expect(await ask('status', '/api/db-status')).toMatchObject({
      status: 503,
      body: {
        status: 'down',
        message: expect.stringMatching(`format ${recordFormat + 1}.*deploy that version everywhere`) as unknown,
      },
    });
  });

  test('a record that is there before it starts does', async () => {
    await commitNewer();
    expect(await start().ask('list', '/api/students')).toMatchObject(refusal);
  });

  /** Replaces the one snapshot by a file that `change` made of it. */
  async function replaceSnapshot(change: (path: string) => Promise<void>): Promise<void> {
    const { objects } = await store.list(layout.snapshotPrefix);
    const { key } = objects.at(-1)!;
    const path = join(folder, 'snapshot.db');
    await writeFile(path, (await store.get(key))!);
    await change(path);
    const bytes = await readFile(path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await store.create(layout.snapshotKey(layout.snapshotName(key)!.version, sha256), bytes);
    await store.delete(objects.map((object) => object.key));
  }

  test('a snapshot is refused, not taken for damaged', async () => {
    await replaceSnapshot(async (path) => {
      const instance = await DuckDBInstance.create(path);
      const connection = await instance.connect();
      await connection.run('UPDATE eider.state SET format = format + 1; CHECKPOINT');
      connection.disconnectSync();
      instance.closeSync();
    });
    const { ask } = start();
    expect(await ask('list', '/api/students')).toMatchObject(refusal);
    expect(await ask('status', '/api/db-status')).toMatchObject({
      body: { message: expect.stringMatching(/The database has format 2; this version reads format 1/) as unknown },
    });
  });

  test('a snapshot of another DuckDB is refused, not taken for damaged', async () => {
    await replaceSnapshot(async (path) => {
      const bytes = await readFile(path);
      bytes.writeBigUInt64LE(999n, storageVersionAt);
      bytes.writeBigUInt64LE(checksumOf(bytes.subarray(8, headerBytes)), 0);
      await writeFile(path, bytes);
    });
    const { ask } = start();
    expect(await ask('list', '/api/students')).toMatchObject(refusal);
    expect(await ask('status', '/api/db-status')).toMatchObject({
      body: { message: expect.stringMatching(/storage version.*deploy that version everywhere/) as unknown },
    });
  });
});

/** DuckDB's main header: a checksum, `DUCK`, the storage version. https://duckdb.org/docs/stable/internals/storage */
const storageVersionAt = 12;
const headerBytes = 4096;

function checksumOf(bytes: Buffer): bigint {
  let sum = 5381n;
  for (let at = 0; at < bytes.length; at += 8)
    sum ^= BigInt.asUintN(64, bytes.readBigUInt64LE(at) * 0xbf58476d1ce4e5b9n);
  return sum;
}
