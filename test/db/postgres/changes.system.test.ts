/** What is kept of every change, whoever makes it. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPostgresDatabase } from '../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { accounts } from '../../support/engine.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

it('is kept in the transaction that makes it, by other programs as well', async () => {
  const connectionString = await server.createDatabase();
  const name = new URL(connectionString).pathname.slice(1);
  const database = await openPostgresDatabase({ connectionString, driver: 'pg', migrations: [accounts], runtime });
  const { version } = await database.write((queries) =>
    queries.insertInto('accounts').values({ id: 'a', owner: 'ada', balance: 1 }).execute(),
  );
  await server.run(`UPDATE accounts SET balance = 2; UPDATE accounts SET id = 'b'`, name);
  await server.run(`INSERT INTO accounts VALUES ('b', 'bob', 1) ON CONFLICT (id) DO UPDATE SET balance = 3`, name);
  await server.run(`TRUNCATE accounts`, name);
  const changes = await server.run(
    'SELECT version::text, op, image FROM eider.changes ORDER BY version, ordinal',
    name,
  );
  expect(changes.map(({ op, image }) => [op, image])).toEqual([
    ['put', { id: 'a', owner: 'ada', balance: 1 }],
    ['put', { id: 'a', owner: 'ada', balance: 2 }],
    ['delete', { id: 'a' }],
    ['put', { id: 'b', owner: 'ada', balance: 2 }],
    ['put', { id: 'b', owner: 'ada', balance: 3 }],
    ['delete', { id: 'b' }],
  ]);
  expect(changes[0]?.['version']).toBe(String(version));
  await database.close();
});
