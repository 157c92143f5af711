/**
 * How each backend is opened: the second half of the composition root.
 *
 * Owns: which driver belongs to which backend. Each is imported when it is chosen, so a cold start pays for no other.
 * The worst that can happen: one database opened in two places; so a folder's replicas are named after its location.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { BackendName, BackendSettings } from './config/backends.ts';
import type { Config } from './config/config.ts';
import { setSdkDefault } from './config/process.ts';
import type { Database } from './db/database.ts';
import { AppError } from './errors.ts';
import type { Runtime } from './runtime.ts';
import type { Migration } from './schema/migration.ts';
import { estimateBlobMonth, type MonthEstimate } from './store/blob-plan.ts';
import type { UsageCounts } from './store/meter.ts';
import type { Store } from './store/store.ts';
import { createUsage, type Usage, type UsageReport } from './store/usage.ts';

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
  blob: openBlob,
  s3: openS3,
  gcs: openGcs,
  postgres: notInThisVersion,
};

async function openDirectory(config: Config, context: FactoryContext): Promise<Database> {
  const { directory, name, createDirectory } = settingsOf(config, 'network', 'volume', 'local');
  const { createDirectoryStore } = await import('./store/directory.ts');
  const store = createDirectoryStore({ root: directory, create: createDirectory, runtime: context.runtime });
  return openOnStore({ store, name }, config, context);
}

async function openBlob(config: Config, context: FactoryContext): Promise<Database> {
  const { name, credentials, access } = settingsOf(config, 'blob');
  // The SDK repeats a request for up to 17 minutes, with pauses that nothing ends; our own retrying is enough.
  setSdkDefault('VERCEL_BLOB_RETRIES', '0');
  const { createBlobStore } = await import('./store/blob.ts');
  const { runtime } = context;
  const usage = createUsage();
  const store = createBlobStore({ credentials, access, runtime, meter: usage.meter });
  const report = usageReport(usage, runtime, estimateBlobMonth);
  return openOnStore({ store, name, usage: report }, config, context);
}

async function openS3(config: Config, context: FactoryContext): Promise<Database> {
  const { backend: _, name, ...settings } = settingsOf(config, 's3');
  const { createS3Store } = await import('./store/s3.ts');
  const { runtime } = context;
  const usage = createUsage();
  const store = createS3Store({ ...settings, runtime, meter: usage.meter });
  return openOnStore({ store, name, usage: usageReport(usage, runtime) }, config, context);
}

async function openGcs(config: Config, context: FactoryContext): Promise<Database> {
  const { backend: _, name, ...settings } = settingsOf(config, 'gcs');
  const { createGcsStore } = await import('./store/gcs.ts');
  const usage = createUsage();
  const store = createGcsStore({ ...settings, meter: usage.meter });
  return openOnStore({ store, name, usage: usageReport(usage, context.runtime) }, config, context);
}

interface OnStore {
  readonly store: Store;
  /** The database file's key. */
  readonly name: string;
  readonly usage?: () => UsageReport;
}

/** DuckDB on a store, whichever it is. The store is asked for its snapshots while DuckDB is still loading. */
async function openOnStore({ store, name, usage }: OnStore, config: Config, context: FactoryContext) {
  const [{ withRetry }, { layoutOf }, { lookAtSnapshots }] = await Promise.all([
    import('./store/retry.ts'),
    import('./sync/layout.ts'),
    import('./sync/snapshot.ts'),
  ]);
  const retrying = withRetry(store, { runtime: context.runtime });
  const look = lookAtSnapshots({ store: retrying, layout: layoutOf(name), runtime: context.runtime });
  // Thrown where it is awaited, which may be later than it fails.
  look.catch(() => undefined);
  const { openDuckDbDatabase } = await import('./db/duckdb/duckdb-database.ts');
  return openDuckDbDatabase({
    store: retrying,
    name,
    slotRoot: slotRoot(config.tmpDirectory, `${store.location}/${name}`),
    maxStalenessMs: config.maxStalenessMs,
    look,
    ...(usage ? { usage } : {}),
    ...context,
  });
}

function usageReport(
  usage: Usage,
  runtime: Runtime,
  estimateMonth?: (counts: UsageCounts, elapsedMs: number) => MonthEstimate | null,
): () => UsageReport {
  const beganMs = runtime.monotonicMs();
  return () => {
    const [counts, sinceMs] = [usage.counts(), runtime.monotonicMs() - beganMs];
    return { sinceMs: Math.round(sinceMs), ...counts, ...(estimateMonth && { month: estimateMonth(counts, sinceMs) }) };
  };
}

/** One folder a database, the same for every process of this machine. */
function slotRoot(tmpDirectory: string, location: string): string {
  return join(tmpDirectory, `eider-${createHash('sha256').update(location).digest('hex').slice(0, 16)}`);
}

/** The settings of the chosen backend, which must be one of `names`. */
function settingsOf<Name extends BackendName>(
  { chosen }: Config,
  ...names: readonly Name[]
): Extract<BackendSettings, { backend: Name }> {
  const isOne = (settings: BackendSettings): settings is Extract<BackendSettings, { backend: Name }> =>
    (names as readonly BackendName[]).includes(settings.backend);
  if (isOne(chosen)) return chosen;
  throw new Error(`The backend ${chosen.backend} is opened as ${names.join(' or ')}.`);
}

function notInThisVersion({ chosen }: Config): Promise<never> {
  const message = `The backend ${chosen.backend} is configured, but this version has no driver for it.`;
  const hint = 'Remove its variables, or choose another one with DB_BACKEND (network, volume, blob, s3, gcs, local).';
  return Promise.reject(new AppError('invalid', message, { hint }));
}
