import { afterAll, beforeAll } from 'vitest';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { restContract } from './contract.ts';
import { onPostgres, type Place } from './place.ts';

let server: PostgresServer;
let place: Place;
beforeAll(async () => {
  server = await startPostgres();
  place = await onPostgres(server);
});
afterAll(async () => {
  await place.close();
  await server.close();
});

restContract(() => place);
