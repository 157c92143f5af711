import { afterAll, beforeAll, describe } from 'vitest';
import { onDuckDb, onPostgres } from '../../support/deployments.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { requestsContract } from './requests.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

describe('on DuckDB', () => {
  requestsContract(onDuckDb);
});
describe('on PostgreSQL', () => {
  requestsContract(onPostgres(() => server));
});
