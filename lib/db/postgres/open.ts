import type { Catalog } from '../../catalog/catalog.ts';
import { describeDifference, type Migration } from '../../catalog/migrations.ts';
import type { Runtime } from '../../runtime.ts';
import type { MigrationMode } from '../migration-report.ts';
import { LoneStatements } from './alone.ts';
import { PostgresCatalogs } from './catalogs.ts';
import { locationOf, readConnectionString } from './connection-string.ts';
import { mapStatementError } from './errors.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { runMigrations } from './migrate.ts';
import { type ConnectionPool, openPool } from './pool.ts';
import { Transactions, type TransactionsOptions } from './transactions.ts';
import { TableWatch } from './watch.ts';

export interface PostgresDatabaseOptions extends Pick<TransactionsOptions, 'onStep'> {
  readonly connectionString: string;
  readonly driver: 'pg' | 'neon';
  readonly migrations: readonly Migration[];
  readonly migrationMode?: MigrationMode;
  readonly runtime: Runtime;
  readonly limits?: Partial<Limits>;
}

export async function openParts(options: PostgresDatabaseOptions): Promise<DatabaseParts> {
  const { connectionString, driver, migrations, migrationMode, runtime, onStep } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const settings = readConnectionString(connectionString);
  const warnings: string[] = [];
  const warn = (message: string): void => {
    if (warnings.at(-1) !== message) warnings.push(message);
    if (warnings.length > mostWarnings) warnings.shift();
  };
  const pool = await openPool({ settings, driver, limits, warn });
  const catalogs = new PostgresCatalogs(runtime, (transaction) => watch.look(transaction));
  const catalog = (): Catalog | null => catalogs.latest;
  const transactions = new Transactions({ pool, runtime, limits, catalog, ...(onStep ? { onStep } : {}) });
  const watch = new TableWatch(transactions);
  const lone = new LoneStatements({ transactions, limits, isTold: (table) => watch.isTold(table) });
  try {
    const mode = migrationMode ? { mode: migrationMode } : {};
    const differing = await runMigrations({ transactions, migrations, runtime, limits, watch, ...mode });
    for (const difference of differing) warn(describeDifference(difference));
    return {
      pool,
      transactions,
      lone,
      catalogs,
      watch,
      runtime,
      limits,
      warnings,
      warn,
      location: locationOf(settings),
    };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

const mostWarnings = 20;

export interface DatabaseParts {
  readonly pool: ConnectionPool;
  readonly transactions: Transactions;
  readonly lone: LoneStatements;
  readonly runtime: Runtime;
  readonly limits: Limits;
  readonly warnings: readonly string[];
  readonly warn: (message: string) => void;
  readonly location: string;
  readonly catalogs: PostgresCatalogs;
  readonly watch: TableWatch;
}

interface PingOptions {
  readonly connectionString: string;
  readonly driver: 'pg' | 'neon';
  /** Ends the connection at once. */
  readonly signal: AbortSignal;
}

/** Half of what a ping may take in all: to connect, and to be answered. In ms. */
const stepMs = 2000;

export async function pingPostgresServer({ connectionString, driver, signal }: PingOptions): Promise<void> {
  const settings = { ...readConnectionString(connectionString), maxConnections: 1 };
  const limits = { ...defaultLimits, connectMs: stepMs };
  const pool = await openPool({ settings, driver, limits, warn: () => undefined });
  try {
    const connection = await pool.connect();
    const ended = new AbortController();
    ended.signal.addEventListener('abort', () => connection.destroy());
    signal.addEventListener('abort', () => ended.abort(), { signal: ended.signal });
    if (signal.aborted) ended.abort();
    try {
      await connection.run({ text: 'SELECT 1' });
    } catch (error) {
      throw mapStatementError(error);
    } finally {
      ended.abort();
    }
  } finally {
    await pool.close();
  }
}
