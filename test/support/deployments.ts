/** Deployments of which tests start as many instances as they want, on either engine. */
import { onTestFinished } from 'vitest';
import { openPostgresDatabase } from '../../lib/db/postgres/postgres-database.ts';
import { systemRuntime } from '../../lib/runtime.ts';
import { migrations as defaultMigrations } from './migrations.ts';
import { createMemoryStore } from '../../lib/testing/memory.ts';
import { movableRuntime } from './engine.ts';
import { startReplicated } from './replicated.ts';
import type { PostgresServer } from './servers/postgres.ts';
import { type Service, type ServiceOptions, startService } from './service.ts';

/** One deployment: its instances share a database. All end with the test. */
export interface Deployment {
  instance(options?: Pick<ServiceOptions, 'migrations' | 'environment'>): Promise<Service>;
}

/** A new one, with a database of its own. */
export type Deploy = () => Deployment;

export const onDuckDb: Deploy = () => {
  const store = createMemoryStore({ runtime: systemRuntime });
  return { instance: (options = {}) => startReplicated({ store, ...options }) };
};

export const onPostgres =
  (server: () => PostgresServer): Deploy =>
  () => {
    const created = server().createDatabase();
    return {
      async instance({ migrations = defaultMigrations, ...options } = {}) {
        const runtime = movableRuntime();
        const connectionString = await created;
        const open = () => openPostgresDatabase({ connectionString, driver: 'pg', migrations, runtime });
        const service = await startService({ ...options, migrations, runtime, open });
        onTestFinished(() => service.app.close());
        return service;
      },
    };
  };
