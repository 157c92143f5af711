/** A deployment with the library's tables, behind a real HTTP server, and the clients that nobody changed. */
import { PostgrestClient } from '@supabase/postgrest-js';
import { createClient } from '@supabase/supabase-js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDuckDbDatabase } from '../../../lib/db/duckdb/duckdb-database.ts';
import { openPostgresDatabase } from '../../../lib/db/postgres/postgres-database.ts';
import type { EngineName } from '../../../lib/values.ts';
import { movableRuntime } from '../../support/engine.ts';
import { serveEndpoints } from '../../support/http-server.ts';
import type { PostgresServer } from '../../support/servers/postgres.ts';
import { type Service, type ServiceOptions, startService } from '../../support/service.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { library } from './schema.ts';

const tokens = {
  ADMIN_TOKEN: 'admin-token-of-some-length',
  API_TOKEN: 'api-token-of-some-length',
  PUBLIC_READ: 'true',
};

export interface Place {
  readonly engine: EngineName;
  readonly service: Service;
  readonly origin: string;
  readonly client: Client;
  /** `/api/rest/v1/…` with the token, as it is. */
  send(method: string, path: string, options?: SendOptions): Promise<Response>;
  close(): Promise<void>;
}

export interface SendOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Nothing is said of the tables, and what the version of PostgREST has. */
type Version = { PostgrestVersion: '14' };
const makeClient = (origin: string) =>
  // oxlint-disable-next-line typescript/no-explicit-any -- the client's own word for tables that nobody described
  createClient<any, Version>(`${origin}/api`, tokens.API_TOKEN, { auth: { persistSession: false } });
export type Client = ReturnType<typeof makeClient>;

export async function onDuckDb(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'eider-rest-'));
  const runtime = movableRuntime();
  const store = createMemoryStore({ runtime });
  const open = () =>
    openDuckDbDatabase({ store, name: 'test.db', slotRoot: folder, runtime, migrations: library, maxStalenessMs: 0 });
  return start('duckdb', { runtime, open }, () => rm(folder, { recursive: true, force: true }));
}

export async function onPostgres(server: PostgresServer): Promise<Place> {
  const runtime = movableRuntime();
  const connectionString = await server.createDatabase();
  const open = () => openPostgresDatabase({ connectionString, driver: 'pg', migrations: library, runtime });
  return start('postgres', { runtime, open }, () => Promise.resolve());
}

async function start(engine: EngineName, options: ServiceOptions, clean: () => Promise<void>): Promise<Place> {
  const service = await startService({ ...options, environment: tokens, migrations: library });
  await service.app.open();
  const server = await serveEndpoints(service.endpoints);
  const origin = `http://127.0.0.1:${server.port}`;
  return {
    engine,
    service,
    origin,
    client: makeClient(origin),
    send: (method, path, { body, headers = {} } = {}) =>
      fetch(`${origin}/api/rest/v1/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${tokens.API_TOKEN}`,
          ...(typeof body === 'object' ? { 'content-type': 'application/json' } : {}),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    async close() {
      await server.close();
      await service.app.close();
      await Promise.allSettled(service.waited);
      await clean();
    },
  };
}

/** The other client, with no token. */
export function anonymous({ origin }: Place): PostgrestClient {
  return new PostgrestClient(`${origin}/api/rest/v1`);
}
