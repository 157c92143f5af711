/** How many statements and round trips a request costs on PostgreSQL: they do not grow unseen. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Database } from '../../../../lib/db/database.ts';
import { openPostgresDatabase } from '../../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime } from '../../../../lib/runtime.ts';
import { type Command, executeOnly } from '../../../../lib/rows/commands.ts';
import { findRow } from '../../../../lib/rows/key.ts';
import { parseListQuery, selectPage } from '../../../../lib/rows/list.ts';
import { rowVersion } from '../../../../lib/rows/version.ts';
import { findRelation, type Relation } from '../../../../lib/catalog/catalog.ts';
import { migrations } from '../../../support/migrations.ts';
import { type CountedServer, countTraffic, type Traffic } from '../../../support/servers/postgres-traffic.ts';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';

let server: PostgresServer;
let wire: CountedServer;
let database: Database;
let students: Relation;

/** Definitions are compared once a second, which is none of these requests' doing. */
let isFrozen = false;
let frozenMs = 0;
const runtime = { ...systemRuntime, monotonicMs: () => (isFrozen ? frozenMs : systemRuntime.monotonicMs()) };

beforeAll(async () => {
  server = await startPostgres();
  wire = await countTraffic(server);
  const connectionString = Object.assign(new URL(await server.createDatabase()), { port: String(wire.port) }).href;
  const limits = { maxConnections: 1 };
  database = await openPostgresDatabase({ connectionString, driver: 'pg', migrations, runtime, limits });
  const catalog = await database.catalog({ maxStalenessMs: 0 });
  students = findRelation(catalog, 'students')!;
});
afterAll(async () => {
  await database.close();
  await wire.close();
  await server.close();
});
beforeEach(async () => {
  isFrozen = false;
  await database.catalog({ maxStalenessMs: 0 });
  frozenMs = systemRuntime.monotonicMs();
  isFrozen = true;
});

const execute = async <C extends Command>(command: C) =>
  (await database.write((queries, scope) => executeOnly(queries, scope, command))).value.value;

let made = 0;
const create = () =>
  execute({ kind: 'create', table: 'students', values: { name: 'Ada', email: `ada${made++}@x.org` } });

async function costOf(work: () => Promise<unknown>): Promise<Traffic> {
  // There is one connection, so that this follows the end of what ran before.
  await database.read((_, scope) => findRow(scope, students, ['00000000-0000-0000-0000-000000000000']));
  await wire.settled();
  wire.reset();
  await work();
  return wire.settled();
}

const one: Traffic = { statements: 1, roundTrips: 1 };

it('a read by key is one', async () => {
  const { id = null } = await create();
  const read = () => database.read((_, scope) => findRow(scope, students, [id]));
  expect((await read()).value).toMatchObject({ name: 'Ada' });
  expect(await costOf(read)).toEqual(one);
});

it('fifty reads by key at once are two: the first, and all that came meanwhile', async () => {
  const ids = (await Promise.all([create(), create(), create()])).map(({ id = null }) => id);
  const asked = Array.from({ length: 50 }, (_, index) => ids[index % ids.length] ?? null);
  const read = () =>
    Promise.all(
      asked.map((id) => database.read((_, scope) => findRow(scope, students, [id]), { together: 'row students' })),
    );
  expect((await read()).map(({ value }) => value?.['id'])).toEqual(asked);
  expect(await costOf(read)).toEqual({ statements: 2, roundTrips: 2 });
});

it('a read of a row that is not there is one, and has the version of the state', async () => {
  const { version } = await database.write((queries, scope) =>
    executeOnly(queries, scope, { kind: 'create', table: 'students', values: { name: 'Bob', email: 'bob@x.org' } }),
  );
  const read = () =>
    database.read((_, scope) => findRow(scope, students, ['00000000-0000-0000-0000-000000000000']), {
      atLeast: version,
    });
  expect(await costOf(read)).toEqual(one);
  expect(await read()).toMatchObject({ value: null, version: expect.toSatisfy((seen: number) => seen >= version) });
});

it('a list is one', async () => {
  await create();
  const list = () => database.read((_, scope) => selectPage(scope, students, parseListQuery(students, [])));
  expect((await list()).value.rows.length).toBeGreaterThan(0);
  expect(await costOf(list)).toEqual(one);
});

it.each<readonly [string, (id: string) => Command]>([
  ['a creation', () => ({ kind: 'create', table: 'students', values: { name: 'Eve', email: `eve${made++}@x.org` } })],
  [
    'a creation of many',
    () => ({
      kind: 'createMany',
      table: 'students',
      rows: [1, 2, 3].map(() => ({ name: 'Eve', email: `many${made++}@x.org` })),
    }),
  ],
  [
    'an upsert',
    (id) => ({
      kind: 'upsert',
      table: 'students',
      rows: [{ id, name: 'Eve', email: `eve${made++}@x.org` }],
      columns: ['id'],
      resolution: 'merge',
    }),
  ],
  ['an update', (id) => ({ kind: 'update', table: 'students', key: [id], values: { name: 'Eve' } })],
  [
    'a replacement',
    (id) => ({ kind: 'replace', table: 'students', key: [id], values: { name: 'Eve', email: `eve${made++}@x.org` } }),
  ],
  ['a deletion', (id) => ({ kind: 'delete', table: 'students', key: [id] })],
])('%s is one', async (_, command) => {
  const { id } = await create();
  expect(await costOf(() => execute(command(id as string)))).toEqual(one);
});

it('a conditional update is two: a look, and a change of what was seen', async () => {
  const row = await create();
  const key = [row['id'] ?? null];
  const precondition = { match: [rowVersion(row)] };
  const update = () => execute({ kind: 'update', table: 'students', key, values: { name: 'Eve' }, precondition });
  expect(await costOf(update)).toEqual({ statements: 2, roundTrips: 2 });
});

it('a transaction sends BEGIN along with its first statement', async () => {
  const cost = await costOf(() => database.write((_, scope) => scope.run('SELECT count(*) FROM students')));
  // BEGIN, its settings, the statement; COMMIT.
  expect(cost).toEqual({ statements: 4, roundTrips: 2 });
});

it('a read of several statements waits for no BEGIN and no ROLLBACK', async () => {
  const list = () =>
    database.read((_, scope) => selectPage(scope, students, parseListQuery(students, [['count', 'exact']])));
  const { statements, roundTrips } = await costOf(list);
  // Those two, BEGIN with its settings, and ROLLBACK, which nobody waits for and may come later.
  expect(statements).toBeLessThanOrEqual(5);
  expect(roundTrips).toBeLessThanOrEqual(3);
});

it('a SELECT of a user is one, when its names have been looked up before', async () => {
  const request = { sql: 'SELECT name FROM students', parameters: [], maxRows: 10, maxBytes: 10_000, timeoutMs: 5000 };
  const query = () => database.query(request);
  await query();
  const { statements, roundTrips } = await costOf(query);
  // BEGIN with its settings, those of queries, the query; and ROLLBACK.
  expect(statements).toBeLessThanOrEqual(5);
  expect(roundTrips).toBeLessThanOrEqual(2);
});

it('a statement of a user that writes is two: with BEGIN, and COMMIT', async () => {
  const { email = null } = await create();
  const untrusted = { signal: new AbortController().signal };
  const write = () =>
    database.write((_, scope) =>
      scope.run('UPDATE students SET name = $1 WHERE email = $2', ['Eve', email], untrusted),
    );
  await write();
  // BEGIN with its settings, the path for it and the path as it was, the statement; COMMIT.
  expect(await costOf(write)).toEqual({ statements: 6, roundTrips: 2 });
});
