/** Tables of any kind while the primary is away: what the standby knows of them, and what it keeps. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../../support/engine.ts';
import { addressOf } from '../../../lib/app/addresses.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { seal } from '../../../lib/sync/sealed.ts';
import { type Cloud, startCloud } from '../../support/clouds.ts';
import { type Instance, startInstance, steppedRuntime } from './instance.ts';

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

function start(machine = 'machine', store = bucket) {
  const runtime = steppedRuntime();
  const environment = { ...store, LOCAL_DB_PATH: join(folder, machine, 'local/school.db') };
  const instance = startInstance({ machine: join(folder, machine), runtime, environment });
  /** A read meets it first: of a write that does, nobody may know what became. */
  const away = async (): Promise<void> => {
    cloud.faults.add(() => true, { kind: 'cut-before' }, Infinity);
    await instance.send('GET', 'students');
  };
  const back = async (): Promise<void> => {
    cloud.faults.clear();
    runtime.advance(60_000);
    await instance.send('GET', 'students');
    await instance.settled();
  };
  return { ...instance, away, back };
}

async function run(instance: Instance, ...statements: string[]): Promise<void> {
  const database = await instance.database();
  for (const sql of statements) await database.write((_queries, { run: runOne }) => runOne(sql));
}

const notes = [
  'CREATE SEQUENCE numbers',
  `CREATE TABLE notes (nr INTEGER DEFAULT nextval('numbers') PRIMARY KEY, text VARCHAR NOT NULL, made TIMESTAMPTZ DEFAULT now(),
    mark UUID DEFAULT uuid(), updated_at TIMESTAMPTZ DEFAULT now())`,
];

test('the row that is answered as pending is the one that the primary gets', async () => {
  const instance = start();
  await run(instance, ...notes);
  await instance.settled();
  await instance.away();
  const first = await instance.send('POST', 'notes', { text: 'one' });
  expect([first.status, first.body]).toMatchObject([202, { text: 'one' }]);
  const second = await instance.send('POST', 'notes', { text: 'two' });
  const changed = await instance.send('PATCH', `notes/${String(second.body['nr'])}`, { text: 'three' });
  expect([changed.status, changed.body['mark']]).toEqual([202, second.body['mark']]);
  await instance.back();
  const after = await instance.send('GET', 'notes?order=nr.asc');
  expect(after.headers.get('db-degraded')).toBeNull();
  expect(after.body['data']).toEqual([first.body, changed.body]);
  expect((await instance.send('POST', 'notes', { text: 'next' })).status).toBe(201);
});

test('writes in the grammar of PostgREST are kept, too, and run as they were answered', async () => {
  const instance = start();
  await run(instance, ...notes);
  await instance.settled();
  await instance.away();
  const shown = { prefer: 'return=representation' };
  const send = (method: string, path: string, json?: object) =>
    instance.send(method, `rest/v1/notes${path}`, json, shown);
  const made = await send('POST', '', [{ text: 'one' }, { text: 'two' }, { text: 'three' }]);
  const [one, two] = made.body as unknown as Record<string, unknown>[];
  expect([made.status, one, two]).toMatchObject([202, { text: 'one' }, { text: 'two' }]);
  const changed = await send('PATCH', `?text=eq.two&select=nr,text`, { text: 'second' });
  expect([changed.status, changed.body]).toEqual([202, [{ nr: two?.['nr'], text: 'second' }]]);
  expect((await send('DELETE', '?text=eq.three')).status).toBe(202);
  const upserted = await send('POST', '?on_conflict=nr', { nr: one?.['nr'], text: 'first' });
  expect(upserted.status).toBe(409);
  const merging = { prefer: 'resolution=merge-duplicates' };
  const merged = await instance.send('POST', 'rest/v1/notes', { nr: one?.['nr'], text: 'first' }, merging);
  expect(merged.status).toBe(202);
  await instance.back();
  const after = await instance.send('GET', 'rest/v1/notes?select=nr,text,mark&order=nr');
  expect(after.headers.get('db-degraded')).toBeNull();
  expect(after.body).toEqual([
    { nr: one?.['nr'], text: 'first', mark: one?.['mark'] },
    { nr: two?.['nr'], text: 'second', mark: two?.['mark'] },
  ]);
});

test('a table that the standby does not have is not "not found"; statements of SQL wait', async () => {
  const [instance, other] = [start(), start('other')];
  await instance.send('GET', 'students');
  await run(other, ...notes);
  await run(other, `INSERT INTO notes (text) VALUES ('one')`);
  await instance.away();
  expect((await instance.send('GET', 'students')).status).toBe(200);
  for (const missed of [
    await instance.send('GET', 'notes'),
    await instance.send('GET', 'notes/1'),
    await instance.send('POST', 'notes', { text: 'two' }),
    await instance.send('PATCH', 'notes/1', { text: 'two' }),
    await instance.send('DELETE', 'notes/1'),
    await instance.send('GET', 'rest/v1/notes'),
    await instance.send('POST', 'rest/v1/notes', { text: 'two' }),
    await instance.send('DELETE', 'rest/v1/notes?nr=eq.1'),
  ])
    expect([missed.status, missed.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
  const database = await instance.database();
  const away = { kind: 'unavailable' };
  await expect(database.read((_queries, scope) => scope.run('SELECT * FROM notes'))).rejects.toMatchObject(away);
  const query = { sql: 'SELECT * FROM notes', parameters: [], maxRows: 1, maxBytes: 1000, timeoutMs: 5000 };
  await expect(database.query(query)).rejects.toMatchObject(away);
  await expect(run(instance, 'DELETE FROM students')).rejects.toMatchObject(away);
  await expect(run(instance, 'CREATE TABLE own (a INTEGER)')).rejects.toMatchObject(away);
  await instance.back();
  expect((await instance.send('GET', 'notes/1')).body['text']).toBe('one');
});

test('writes that the first version kept are run as they were meant', async () => {
  const drive = join(folder, 'drive');
  await mkdir(drive);
  const onDrive = { NETWORK_DB_PATH: join(drive, 'school.db') };
  const instance = start('machine', onDrive);
  const ada = await instance.send('POST', 'students', { name: 'Ada', email: 'ada@example.org' });
  await instance.stop();
  const [at, id] = ['2026-11-24T04:05:06.123000Z', '018f0000-0000-7000-8000-000000000001'];
  const settings = { backend: 'network', directory: drive, name: 'school.db', createDirectory: false } as const;
  const pending = join(folder, 'machine/local', layoutOf('school.db').pendingPrefix);
  await mkdir(pending, { recursive: true });
  const course = (number: number) => ({
    id: `018f0000-0000-7000-8000-00000000010${number}`,
    values: { code: `C${number}`, title: 'Computing', credits: number },
  });
  const credits = (operator: string, value: number, negated = false) => ({
    column: 'credits',
    negated,
    comparison: { operator, value },
  });
  const idempotency = { key: 'a'.repeat(64), fingerprint: 'b'.repeat(64) };
  const commands = [
    { kind: 'create', table: 'students', at, id, values: { name: 'Bob', email: 'bob@example.org' }, idempotency },
    { kind: 'replace', table: 'students', at, id, values: { name: 'Bob B.', email: 'bob@example.org' } },
    { kind: 'update', table: 'students', at, id, values: { name: 'Bob C.' }, precondition: { match: '*' } },
    { kind: 'createMany', table: 'courses', at, rows: [1, 2, 3, 4].map(course) },
    { kind: 'updateMany', table: 'courses', at, filters: [credits('gt', 2)], values: { title: 'More' } },
    { kind: 'deleteMany', table: 'courses', at, filters: [credits('lt', 4), credits('eq', 2, true)] },
    { kind: 'delete', table: 'students', at, id: String(ada.body['id']) },
  ];
  for (const [index, command] of commands.entries()) {
    const name = `00000000000000${index}-018f0000-0000-7000-8000-000000000000`;
    const write = { format: 1, id: name, time: at, writer: 'w', target: addressOf(settings), database: null, command };
    await writeFile(join(pending, `${name}.json`), seal(write));
  }
  const later = start('machine', onDrive);
  const { body } = await later.send('GET', 'students');
  expect(body['data']).toMatchObject([{ id, name: 'Bob C.', created_at: at, updated_at: at }]);
  const courses = (await later.send('GET', 'courses?order=code.asc')).body['data'];
  expect(courses).toMatchObject([
    { code: 'C2', title: 'Computing', updated_at: at },
    { code: 'C4', title: 'More', created_at: at },
  ]);
  expect((await later.send('GET', 'db-status')).body).toMatchObject({ pendingWrites: 0, rejectedWrites: [] });
});

test('SQL that writes is told to come again, and is done when the primary is back', async () => {
  const instance = start();
  await run(instance, ...notes);
  await instance.settled();
  await instance.away();
  const insert = { query: "INSERT INTO notes (text) VALUES ('one')" };
  const away = await instance.send('POST', 'sql', insert);
  expect([away.status, away.body['code'], away.headers.get('retry-after')]).toEqual([
    503,
    '57P03',
    expect.stringMatching(/^\d+$/),
  ]);
  await instance.back();
  expect((await instance.send('POST', 'sql', insert)).status).toBe(200);
  const counted = await instance.send('POST', 'sql', { query: 'SELECT count(*)::int AS n FROM notes' });
  expect(counted.body).toMatchObject({ rows: [{ n: 1 }] });
});
