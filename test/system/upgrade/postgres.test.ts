/** A database of the first version on PostgreSQL gets what it lacks, and its feed goes on. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { openPostgresDatabase } from '../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { migrations } from '../../support/migrations.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

const before = readFileSync(new URL('postgres-1.sql', import.meta.url), 'utf8');

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

it('opens, by several at once', async () => {
  const connectionString = await server.createDatabase();
  const name = new URL(connectionString).pathname.slice(1);
  await server.run(before, name);
  const open = () => openPostgresDatabase({ connectionString, driver: 'pg', migrations, runtime });
  const opened = await Promise.all([open(), open(), open()]);
  onTestFinished(() => Promise.all(opened.map((each) => each.close())).then(() => undefined));
  const [database] = opened;
  expect((await database.status()).warnings).toEqual([]);
  const { value } = await database.write((_queries, { run }) =>
    run(`INSERT INTO students (name, email) VALUES ('Mary', 'mary@example.com') RETURNING id, created_at = updated_at`),
  );
  expect(value.rows).toEqual([[expect.stringMatching(/^[\da-f]{8}-/), true]]);
  await expect(
    database.write((_queries, { run }) => run(`DELETE FROM students WHERE name LIKE 'Ada%'`)),
  ).rejects.toMatchObject({ kind: 'conflict', constraint: { name: 'enrollments_student_id_fkey' } });
  const { sets } = (await database.changes({ after: 0, limit: 100 })).value;
  expect(sets.flatMap(({ changes }) => changes)).toMatchObject([
    { kind: 'schema' },
    { kind: 'put', table: 'students', rows: [{ name: 'Ada Lovelace' }, { name: 'Grace Hopper' }] },
    { kind: 'put', table: 'courses' },
    { kind: 'put', table: 'enrollments' },
    // One a file that ran.
    { kind: 'schema' },
    { kind: 'schema' },
    // Its triggers did not fire for rows that came by replication.
    { kind: 'reset' },
    { kind: 'put', table: 'students', rows: [{ name: 'Mary' }] },
  ]);
  const catalog = await database.catalog();
  const enrollments = [...catalog.relations.values()].find((relation) => relation.name === 'enrollments');
  expect(enrollments?.references.map((reference) => reference.name)).toEqual([
    'enrollments_course_id_fkey',
    'enrollments_student_id_fkey',
  ]);
});
