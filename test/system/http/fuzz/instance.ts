/** An instance as it runs: the functions over HTTP, on DuckDB and a directory. */
import { sql } from 'kysely';
import { join } from 'node:path';
import { createApp } from '../../../../lib/app.ts';
import { backendFactories } from '../../../../lib/backends.ts';
import { createEndpoints } from '../../../../lib/http/endpoints.ts';
import { defaultLoadLimits } from '../../../../lib/http/load-shedder.ts';
import { lineLog } from '../../../../lib/http/log.ts';
import { systemRuntime } from '../../../../lib/runtime.ts';
import { migrations } from '../../../support/migrations.ts';
import { serveFunctions } from '../../../support/function-server.ts';
import { routesOn } from '../../../support/routes.ts';
import { type Client, createClient } from './client.ts';
import { tokensOfFuzz } from './shots.ts';

/** All that a request could change. */
export interface State {
  readonly version: number;
  readonly rows: number;
  readonly digest: string;
}

export interface FuzzInstance {
  readonly client: Client;
  /** Every line of the log. */
  readonly lines: readonly string[];
  /** Ids of rows that there are, by table. */
  readonly ids: Readonly<Record<string, readonly string[]>>;
  look(): Promise<State>;
  /** Learns the ids that there are. */
  learn(): Promise<void>;
  stop(): Promise<void>;
}

const tables = ['students', 'courses', 'enrollments'];
/** Nothing is refused for want of room: what the fuzz sends at one time is what a busy instance gets. */
const roomy = {
  ...defaultLoadLimits,
  query: { ...defaultLoadLimits.query, waiting: 100 },
  transfer: { ...defaultLoadLimits.transfer, waiting: 100 },
};

export async function startInstance(folder: string): Promise<FuzzInstance> {
  const environment = {
    LOCAL_DB_PATH: folder,
    TMPDIR: join(folder, 'tmp'),
    ADMIN_TOKEN: tokensOfFuzz.admin,
    API_TOKEN: tokensOfFuzz.api,
    CRON_SECRET: tokensOfFuzz.cron,
    CORS_ORIGINS: 'https://app.example.com',
    LOG_REQUESTS: 'true',
  };
  const app = createApp({
    migrations,
    runtime: systemRuntime,
    environment: () => environment,
    factories: backendFactories,
    signals: process,
  });
  const lines: string[] = [];
  const waited = new Set<Promise<unknown>>();
  const waitUntil = (promise: Promise<unknown>): void => {
    waited.add(promise);
    promise.finally(() => waited.delete(promise)).catch(() => undefined);
  };
  const log = lineLog(
    () => systemRuntime.now(),
    (line) => lines.push(line),
  );
  const server = await serveFunctions(routesOn(createEndpoints({ app, log, waitUntil, trustsPeer: true }, roomy)));
  const client = createClient(server.port);
  const ids: Record<string, string[]> = {};
  const { database } = await app.open();
  return {
    client,
    lines,
    ids,
    async look() {
      const parts = tables.map(
        (table) =>
          sql`SELECT count(*)::INTEGER AS rows, coalesce(sum(hash(t)), 0)::VARCHAR AS digest FROM ${sql.table(table)} t`,
      );
      const { value, version } = await database.read((queries) =>
        sql<{ rows: number; digest: string }>`${sql.join(parts, sql` UNION ALL `)}`.execute(queries),
      );
      const rows = value.rows.reduce((sum, each) => sum + each.rows, 0);
      return { version, rows, digest: value.rows.map(({ digest }) => digest).join() };
    },
    async learn() {
      for (const table of tables) {
        const { value } = await database.read((queries) =>
          sql<{ id: string }>`SELECT id::VARCHAR AS id FROM ${sql.table(table)} ORDER BY id DESC LIMIT 60`.execute(
            queries,
          ),
        );
        ids[table] = value.rows.map(({ id }) => id);
      }
    },
    async stop() {
      client.close();
      await server.close();
      await Promise.all(waited);
      await app.close();
    },
  };
}
