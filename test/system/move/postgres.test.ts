/** Moving to and from PostgreSQL, on a real server: at once or not at all, cut off and gone on with. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MoveEvent } from '../../../lib/db/move/report.ts';
import { openPostgresDatabase } from '../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { migrations } from '../../support/migrations.ts';
import { duckDbBackend, move, postgresBackend } from '../../support/ends.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

const students = (count: number, from = 0): string =>
  `INSERT INTO students SELECT md5('s' || i)::uuid, 'Student ' || i, i || '@example.com', '2026-11-24', '2026-11-24'
    FROM generate_series(${from}, ${from + count - 1}) t(i)`;

/** Students, a course, an enrollment of each student in it, and a table that the schema does not know. */
const school = (count: number): string => `${students(count)};
  INSERT INTO courses VALUES (md5('c')::uuid, 'CS1', 'Computing', 5, '2026-11-24', '2026-11-24');
  INSERT INTO enrollments SELECT md5('e' || email)::uuid, id, md5('c')::uuid, 'autumn', 'enrolled', NULL, created_at,
    updated_at FROM students;
  CREATE TABLE notes (student uuid, text varchar NOT NULL, UNIQUE (text)); INSERT INTO notes SELECT id, name FROM students LIMIT 3`;

const counts = `SELECT (SELECT count(*) FROM students)::int AS students, (SELECT count(*) FROM courses)::int AS courses,
  (SELECT count(*) FROM enrollments)::int AS enrollments`;

/** Fails when that many rows were copied, as a process that is killed does. */
const cutOff =
  (rows: number) =>
  (event: MoveEvent): void => {
    if (event.step === 'copy' && event.rows >= rows) throw new Error('cut off');
  };

describe('a move from DuckDB to PostgreSQL', { timeout: 60_000 }, () => {
  it('fills the tables of the schema, and makes the others', async () => {
    const [from, to] = [
      await duckDbBackend(`${school(1200)}; CREATE MACRO few(a) AS a / 2; CREATE SCHEMA sales;
      CREATE TABLE sales.orders (id INTEGER PRIMARY KEY); INSERT INTO sales.orders VALUES (7)`),
      await postgresBackend(server),
    ];
    const report = await move(from, to);
    expect(report).toMatchObject({ outcome: 'moved', sourceMovedOn: false, leftBehind: ['the macro few'] });
    expect(await to.run(counts)).toEqual([{ students: 1200, courses: 1, enrollments: 1200 }]);
    expect(await to.run('SELECT count(*)::int AS notes FROM notes')).toEqual([{ notes: 3 }]);
    await expect(to.run(`INSERT INTO notes SELECT * FROM notes LIMIT 1`)).rejects.toThrow(/unique/);
    await expect(to.run(`INSERT INTO notes VALUES (NULL, NULL)`)).rejects.toThrow(/not-null/);
    expect(await to.run(`SELECT count(*)::int AS left FROM pg_namespace WHERE nspname = 'eider_move'`)).toEqual([
      { left: 0 },
    ]);
    const back = await duckDbBackend();
    expect((await move(to, back)).tables).toEqual(report.tables);
    expect(await back.rows('SELECT id FROM sales.orders')).toEqual([['7']]);
  });

  it('lets the target serve, with its triggers on and a change feed that begins anew', async () => {
    const [from, to] = [await duckDbBackend(students(3)), await postgresBackend(server)];
    const database = await openPostgresDatabase({ connectionString: to.url, driver: 'pg', migrations, runtime });
    const { version } = await database.status();
    const { targetVersion } = await move(from, to);
    const lost = await database.changes({ after: version, limit: 10 });
    expect(lost.value.sets).toEqual([]);
    expect(lost.value.oldest).toBeGreaterThan(version);
    await database.write((queries) => queries.deleteFrom('students').where('email', '=', '1@example.com').execute());
    const { value } = await database.changes({ after: lost.value.oldest, limit: 10 });
    expect(value.sets.map(({ changes }) => changes)).toMatchObject([[{ kind: 'delete', table: 'students' }]]);
    expect(targetVersion).toBeGreaterThanOrEqual(lost.value.oldest);
    await database.close();
  });

  it('refuses a target with rows of its own, and finds nothing to do when repeated', async () => {
    const [from, to] = [await duckDbBackend(students(3)), await postgresBackend(server)];
    await to.run(students(2, 100));
    await expect(move(from, to)).rejects.toMatchObject({
      kind: 'conflict',
      message: expect.stringContaining('students (2)') as string,
    });
    expect(await to.run(counts)).toMatchObject([{ students: 2 }]);
    await move(from, to, { replace: true });
    expect(await to.run(counts)).toMatchObject([{ students: 3 }]);
    expect(await move(from, to)).toMatchObject({ outcome: 'there-already' });
    await from.engine.writeBulk((session) => session.execute(students(1, 50)));
    expect(await move(from, to)).toMatchObject({ outcome: 'moved' });
    await to.run(students(1, 200));
    await expect(move(from, to)).rejects.toMatchObject({ kind: 'conflict' });
  });

  it('goes on where it was cut off, and until then shows nothing', async () => {
    const [from, to] = [await duckDbBackend(students(20_000)), await postgresBackend(server)];
    await expect(move(from, to, { onEvent: cutOff(8192) })).rejects.toThrow('cut off');
    expect(await to.run(counts)).toMatchObject([{ students: 0 }]);
    const events: MoveEvent[] = [];
    const report = await move(from, to, { onEvent: (event) => void events.push(event) });
    expect(events.find(({ step, table }) => step === 'copy' && table === 'students')).toMatchObject({
      resumed: true,
      rows: 16_384,
    });
    expect(report.tables['students']?.rows).toBe(20_000);
    expect(await to.run(counts)).toMatchObject([{ students: 20_000 }]);
  });

  it('begins anew when the source has changed since it was cut off', async () => {
    const [from, to] = [await duckDbBackend(students(20_000)), await postgresBackend(server)];
    await expect(move(from, to, { onEvent: cutOff(8192) })).rejects.toThrow('cut off');
    await from.engine.writeBulk((session) => session.execute('DELETE FROM students'));
    await move(from, to);
    expect(await to.run(counts)).toMatchObject([{ students: 0 }]);
  });

  it('replaces nothing that is written to the target meanwhile', async () => {
    const [from, to] = [await duckDbBackend(students(3)), await postgresBackend(server)];
    const writing: Promise<unknown>[] = [];
    const onEvent = ({ step, table, rows }: MoveEvent): void => {
      if (step === 'copy' && table === 'students' && rows === 3)
        writing.push(to.run(students(1, 500 + writing.length)));
    };
    const moving = move(from, to, { onEvent });
    const outcome = await moving.catch((error: unknown) => error);
    await Promise.all(writing);
    const [found] = await to.run('SELECT count(*)::int AS own FROM students WHERE email LIKE $$500@%$$');
    // Whichever came first: the row of the target's own is there.
    expect(found).toEqual({ own: 1 });
    expect(outcome).toMatchObject(outcome instanceof Error ? { kind: 'conflict' } : { outcome: 'moved' });
  });
});

describe('a move from PostgreSQL to DuckDB', { timeout: 60_000 }, () => {
  it('brings one state, in one commit, and says when the source was written meanwhile', async () => {
    const [from, to] = [await postgresBackend(server), await duckDbBackend()];
    await from.run(school(6000));
    const { version } = to.engine.status();
    const during: Promise<unknown>[] = [];
    const onEvent = ({ step, rows }: MoveEvent): void => {
      if (step === 'copy' && rows === 5000 && during.length === 0) during.push(from.run(students(1, 50_000)));
      if (step === 'verify' && during.length === 1) during.push(from.run(`DELETE FROM enrollments`));
    };
    const report = await move(from, to, { onEvent });
    await Promise.all(during);
    expect(report).toMatchObject({ outcome: 'moved', sourceMovedOn: true, targetVersion: version + 1 });
    const kept =
      'SELECT (SELECT count(*) FROM students), (SELECT count(*) FROM enrollments), (SELECT count(*) FROM notes)';
    expect(await to.rows(kept)).toEqual([['6000', '6000', '3']]);
    const again = await move(from, to);
    expect(again).toMatchObject({ outcome: 'moved', sourceMovedOn: false });
    expect(await to.rows(kept)).toEqual([['6001', '0', '3']]);
    expect(await move(from, to)).toMatchObject({ outcome: 'there-already' });
  });

  it('notices what was written to a table that keeps no changes', async () => {
    const [from, to] = [await postgresBackend(server), await duckDbBackend()];
    await from.run('CREATE TABLE notes (text varchar); INSERT INTO notes VALUES (1)');
    const writing: Promise<unknown>[] = [];
    const onEvent = ({ step }: MoveEvent): void => {
      if (step === 'verify') writing.push(from.run('UPDATE notes SET text = 2'));
    };
    const first = await move(from, to, { onEvent });
    await Promise.all(writing);
    expect(first.tables['notes']?.rows).toBe(1);
    expect(await move(from, to)).toMatchObject({ outcome: 'moved', sourceMovedOn: false });
    expect(await to.rows('SELECT text FROM notes')).toEqual([['2']]);
  });

  it.each(['the same', 'another'])('goes on where it was cut off, with %s state of the source', async (which) => {
    const [from, to, workFolder] = [await postgresBackend(server), await duckDbBackend(), await temporaryFolder()];
    await from.run(students(12_000));
    await expect(move(from, to, { workFolder, onEvent: cutOff(10_000) })).rejects.toThrow('cut off');
    expect(await to.rows('SELECT count(*) FROM students')).toEqual([['0']]);
    if (which === 'another') await from.run(`DELETE FROM students WHERE name LIKE 'Student 1%'`);
    const events: MoveEvent[] = [];
    const report = await move(from, to, { workFolder, onEvent: (event) => void events.push(event) });
    const resumed = events.find(({ step, resumed: goesOn }) => step === 'copy' && goesOn === true);
    expect(resumed?.rows).toBeGreaterThan(5000);
    const [row] = await from.run('SELECT count(*)::text AS count FROM students');
    expect(await to.rows('SELECT count(*) FROM students')).toEqual([[row?.['count']]]);
    expect(report.tables['students']?.rows).toBe(Number(row?.['count']));
  });
});
