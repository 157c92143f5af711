import { afterAll, beforeAll, describe } from 'vitest';
import { onPostgres } from '../../support/deployments.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { clientsContract } from './clients.ts';
import { requestsContract } from './requests.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

describe('clients', () => {
  clientsContract(onPostgres(() => server));
});
describe('requests', () => {
  requestsContract(onPostgres(() => server));
});
