/** The contract on PostgreSQL: through pg, through Neon's driver, and through a pooler in transaction mode. */
import { afterAll, beforeAll, describe } from 'vitest';
import { openPostgresDatabase } from '../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { type NeonProxy, startNeonProxy } from '../../support/servers/neon-proxy.ts';
import { hasPgbouncer, type Pooler, startPgbouncer } from '../../support/servers/pgbouncer.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import { databaseContract } from './contract.ts';
import type { MakePlace } from './place.ts';

/** Loud where CI runs; elsewhere who has no pgbouncer sees that this was left out. */
const withPooler = hasPgbouncer || process.env['CI'] !== undefined;

let server: PostgresServer;
let neon: NeonProxy;
let pooler: Pooler | null = null;

beforeAll(async () => {
  server = await startPostgres();
  neon = await startNeonProxy(server);
  if (withPooler) pooler = await startPgbouncer(server);
});
afterAll(async () => {
  await Promise.all([neon.close(), pooler?.close()]);
  await server.close();
});

/** Through what a URL of the server goes; asked when the servers run. */
function placesThrough(driver: 'pg' | 'neon', through: (url: string) => string): MakePlace {
  return async () => {
    const connectionString = through(await server.createDatabase());
    return { open: (migrations) => openPostgresDatabase({ connectionString, driver, migrations, runtime }) };
  };
}

describe('the contract through pg', () => {
  databaseContract(placesThrough('pg', (url) => url));
});
describe("the contract through Neon's driver", () => {
  databaseContract(placesThrough('neon', (url) => neon.through(url)));
});
describe.runIf(withPooler)('the contract through pgbouncer in transaction mode', () => {
  databaseContract(placesThrough('pg', (url) => pooler!.through(url)));
});
