import { afterAll, beforeAll, describe } from 'vitest';
import { onDuckDb, onPostgres } from '../../support/deployments.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { clientsContract } from './clients.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

describe('on DuckDB', () => {
  clientsContract(onDuckDb);
});
describe('on PostgreSQL', () => {
  clientsContract(onPostgres(() => server));
});
