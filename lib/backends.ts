/**
 * How each backend is opened: the second half of the composition root.
 *
 * Owns: which driver belongs to which backend. Each is imported when it is chosen, so a cold start pays for no other.
 * The worst that can happen: one database opened in two places; so a folder's replicas are named after its location.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BackendName, DirectorySettings } from './config/backends.ts';
import type { Config } from './config/config.ts';
import type { Database } from './db/database.ts';
import { AppError } from './errors.ts';
import type { Runtime } from './runtime.ts';
import type { Migration } from './schema/migration.ts';
import type { Store } from './store/store.ts';

interface FactoryContext {
  readonly migrations: readonly Migration[];
  readonly runtime: Runtime;
}

/** Opens the backend that `config` chose. @throws AppError */
export type BackendFactory = (config: Config, context: FactoryContext) => Promise<Database>;

export type BackendFactories = Readonly<Record<BackendName, BackendFactory>>;

export const backendFactories: BackendFactories = {
  network: openDirectory,
  volume: openDirectory,
  local: openDirectory,
  postgres: notInThisVersion,
  blob: notInThisVersion,
  s3: notInThisVersion,
  gcs: notInThisVersion,
};

async function openDirectory(config: Config, context: FactoryContext): Promise<Database> {
  const { directory, name, createDirectory } = directoryOf(config);
  const [{ createDirectoryStore }, { withRetry }] = await Promise.all([
    import('./store/directory.ts'),
    import('./store/retry.ts'),
  ]);
  const store = createDirectoryStore({ root: directory, create: createDirectory, runtime: context.runtime });
  return openOnStore(withRetry(store, { runtime: context.runtime }), name, config, context);
}

/** DuckDB on a store, whichever it is. `name` is the database file's key. */
async function openOnStore(store: Store, name: string, config: Config, context: FactoryContext): Promise<Database> {
  const { openDuckDbDatabase } = await import('./db/duckdb/duckdb-database.ts');
  return openDuckDbDatabase({
    store,
    name,
    slotRoot: slotRoot(config.tmpDirectory, `${store.location}/${name}`),
    maxStalenessMs: config.maxStalenessMs,
    ...context,
  });
}

/** One folder a database, the same for every process of this machine. */
function slotRoot(tmpDirectory: string, location: string): string {
  return join(tmpDirectory, `eider-${createHash('sha256').update(location).digest('hex').slice(0, 16)}`);
}

function directoryOf({ chosen }: Config): DirectorySettings {
  if ('directory' in chosen) return chosen;
  throw new Error(`The backend ${chosen.backend} has no directory.`);
}

function notInThisVersion({ chosen }: Config): Promise<never> {
  const message = `The backend ${chosen.backend} is configured, but this version has no driver for it.`;
  const hint = 'Remove its variables, or choose another one with DB_BACKEND (network, volume, local).';
  return Promise.reject(new AppError('invalid', message, { hint }));
}
