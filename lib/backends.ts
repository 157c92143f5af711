/** Which driver belongs to which backend. Each is imported when it is chosen, so a cold start pays for no other. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Migration } from './catalog/migrations.ts';
import { type BackendName, describeBackend, type PostgresSettings } from './config/backends.ts';
import type { Config } from './config/config.ts';
import { setDefault } from './config/process.ts';
import type { Database } from './db/database.ts';
import type { IdleCopy } from './db/duckdb/local-copy.ts';
import type { MigrationMode } from './db/migration-report.ts';
import type { MigratedPool } from './db/postgres/postgres-database.ts';
import type { Runtime } from './runtime.ts';
import { withRetry } from './store/retry.ts';
import type { Store } from './store/store.ts';
import { withTimeLimits } from './store/time-limit.ts';
import { createUsage, type UsageReport } from './store/usage.ts';
import type { SyncSettings } from './sync/context.ts';
import type { Engine } from './sync/engine.ts';
import { layoutOf } from './sync/layout.ts';
import { lookAtSnapshots } from './sync/snapshot.ts';

export interface FactoryContext {
  readonly migrations: readonly Migration[];
  /** Without it, those that have not run are run. */
  readonly migrationMode?: MigrationMode;
  readonly runtime: Runtime;
}

export type BackendFactory = (config: Config, context: FactoryContext) => Promise<Database>;

export type BackendFactories = Readonly<Record<BackendName, BackendFactory>>;

export const backendFactories: BackendFactories = {
  network: openOnStore,
  volume: openOnStore,
  local: openOnStore,
  blob: openOnStore,
  s3: openOnStore,
  gcs: openOnStore,
  custom: openOnStore,
  postgres: openOnPostgres,
};

/** A store as a backend has it, and the database file's key in it. */
export interface BackendStore {
  readonly store: Store;
  readonly name: string;
  readonly usage?: () => UsageReport;
}

/** The store of the chosen backend. Loads its driver, and asks it for nothing yet. */
export async function openStore({ chosen }: Config, runtime: Runtime): Promise<BackendStore> {
  const { meter, report: usage } = createUsage(runtime, chosen.backend === 'blob');
  switch (chosen.backend) {
    case 'network':
    case 'volume':
    case 'local': {
      const { createDirectoryStore } = await import('./store/directory.ts');
      const { directory: root, createDirectory: create, name } = chosen;
      return { store: createDirectoryStore({ root, create, runtime }), name };
    }
    case 'blob': {
      // The SDK repeats a request for up to 17 minutes, with pauses that nothing ends; our own retrying is enough.
      setDefault('VERCEL_BLOB_RETRIES', '0');
      const { createBlobStore } = await import('./store/blob.ts');
      return { store: createBlobStore({ ...chosen, runtime, meter }), name: chosen.name, usage };
    }
    case 's3': {
      const { createS3Store } = await import('./store/s3.ts');
      return { store: createS3Store({ ...chosen, runtime, meter }), name: chosen.name, usage };
    }
    case 'gcs': {
      const { createGcsStore } = await import('./store/gcs.ts');
      return { store: createGcsStore({ ...chosen, meter }), name: chosen.name, usage };
    }
    case 'custom':
      return { store: chosen.store, name: chosen.name };
    case 'postgres':
      throw new Error('PostgreSQL is no store.');
  }
}

async function openOnStore(config: Config, context: FactoryContext): Promise<Database> {
  const options = await duckDbOptions(config, context);
  const { openDuckDbDatabase } = await import('./db/duckdb/duckdb-database.ts');
  return openDuckDbDatabase({ ...options, maxStalenessMs: config.maxStalenessMs });
}

export async function openEngine(
  config: Config,
  context: FactoryContext,
  settings: Partial<SyncSettings> = {},
): Promise<{ engine: Engine; location: string }> {
  // Nothing takes its place: it is patient.
  const options = await duckDbOptions({ ...config, fallbacks: [] }, context);
  const { openMigratedEngine } = await import('./db/duckdb/duckdb-database.ts');
  const engine = await openMigratedEngine({ ...options, settings: { ...options.settings, ...settings } });
  return { engine, location: `${options.store.location}/${options.name}` };
}

/** The store is asked for its snapshots while DuckDB is still loading. */
async function duckDbOptions(config: Config, context: FactoryContext) {
  const { runtime } = context;
  const opened = await openStore(config, runtime);
  const limited = config.fallbacks.length > 0 ? withTimeLimits(opened.store, runtime) : opened.store;
  const store = withRetry(limited, { runtime, ...retryUntil(config) });
  const look = lookAtSnapshots({ store, layout: layoutOf(opened.name), runtime });
  // A failure is thrown where the look is awaited, which may be later.
  await Promise.race([look.catch(() => undefined), untilSent(runtime)]);
  const slotRoot = slotRootOf(config.tmpDirectory, `${store.location}/${opened.name}`);
  return { ...opened, ...context, store, slotRoot, look, settings: syncSettings(config) };
}

/**
 * Loading DuckDB keeps this thread busy for some 40 ms: a request that is to travel meanwhile must be on its way before.
 * It needs a few turns of the event loop for that, however long each takes: to look up the host, to connect, to be written.
 */
async function untilSent(runtime: Runtime): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await runtime.sleep(1);
}

/** A shorter commit deadline where another backend can take the write. */
const awayMs = 2000;

function retryUntil({ fallbacks }: Config): { readonly deadlineMs?: number } {
  return fallbacks.length > 0 ? { deadlineMs: awayMs } : {};
}

/** DuckDB would take most of the host's memory, of which a function has only its part: it gets half of that. */
function syncSettings({ memoryBytes, fallbacks }: Config): Partial<SyncSettings> {
  return {
    ...(memoryBytes === null ? {} : { memoryLimitBytes: Math.floor(memoryBytes / 2) }),
    ...(fallbacks.length > 0 ? { awayMs } : {}),
  };
}

/** What an earlier process on this machine left of a database on a store, opened without the store; null: nothing. */
export async function openIdleReplica(
  config: Config,
  { migrations, runtime }: FactoryContext,
): Promise<IdleCopy | null> {
  const { store, name } = await openStore(config, runtime);
  const slotRoot = slotRootOf(config.tmpDirectory, `${store.location}/${name}`);
  const { openIdleCopy } = await import('./db/duckdb/local-copy.ts');
  return openIdleCopy({ slotRoot, runtime, migrations, settings: syncSettings(config) });
}

/** One folder a database and user, the same for all of their processes on this machine. */
export function slotRootOf(tmpDirectory: string, location: string): string {
  // The number goes up when slots are locked in another way: who locks them differently must not share them.
  const owner = `${process.getuid?.() ?? ''} ${location} 2`;
  return join(tmpDirectory, `eider-${createHash('sha256').update(owner).digest('hex').slice(0, 16)}`);
}

/** The connections of PostgreSQL alone, for what works on whole databases. */
export async function openPostgres(
  { connectionString, driver }: PostgresSettings,
  { migrations, runtime }: FactoryContext,
): Promise<MigratedPool> {
  const { openMigratedPool } = await import('./db/postgres/postgres-database.ts');
  return openMigratedPool({ connectionString, driver, migrations, runtime });
}

/** PostgreSQL: no replica, no store; the driver is loaded that the host is reached best through. */
async function openOnPostgres(config: Config, context: FactoryContext): Promise<Database> {
  const { chosen } = config;
  const { runtime } = context;
  if (chosen.backend !== 'postgres') throw new Error(`${chosen.backend} is not PostgreSQL.`);
  const { openPostgresDatabase } = await import('./db/postgres/postgres-database.ts');
  const { connectionString, driver } = chosen;
  const database = await openPostgresDatabase({ connectionString, driver, ...context });
  const behind = mirrorBehind(config);
  if (!behind) return database;
  const { openWithMirror } = await import('./app/mirror.ts');
  return openWithMirror(database, { config, behind, runtime, open: () => openEngine(behind, context, mirrorSettings) });
}

/** A copy of a large database may take long. */
const mirrorSettings: Partial<SyncSettings> = { readDeadlineMs: 24 * 3_600_000 };

/** The first DuckDB backend behind PostgreSQL has its copy; a local file on Vercel would go with the instance. */
function mirrorBehind(config: Config): Config | null {
  const behind = config.fallbacks.find(({ backend }) => describeBackend(backend).persistent || !config.onVercel);
  return behind ? { ...config, chosen: behind, fallbacks: [] } : null;
}
