/** Databases on a store for tests: each with slots of its own in a temporary folder that goes when the test ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Database } from '../../lib/db/database.ts';
import {
  type DuckDbDatabaseOptions,
  openDuckDbDatabase,
  type ReplicatedDatabase,
} from '../../lib/db/duckdb/duckdb-database.ts';
import { type Runtime, systemRuntime } from '../../lib/runtime.ts';
import type { Migration } from '../../lib/catalog/migrations.ts';
import type { Store } from '../../lib/store/store.ts';

/** One table of accounts, to write to. */
export const accounts: Migration = {
  name: '0001_accounts',
  sql: 'CREATE TABLE accounts (id VARCHAR PRIMARY KEY, owner VARCHAR UNIQUE, balance INTEGER NOT NULL)',
};

/** A folder that is removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'eider-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export interface OpenOptions extends Partial<DuckDbDatabaseOptions> {
  readonly store: Store;
}

/** Opens a database that is closed when the test ends, if the test has not done so. */
export async function openDatabase(options: OpenOptions): Promise<ReplicatedDatabase> {
  const database = await openDuckDbDatabase({
    name: 'test.db',
    slotRoot: options.slotRoot ?? (await temporaryFolder()),
    runtime: systemRuntime,
    migrations: [accounts],
    maxStalenessMs: 0,
    ...options,
  });
  onTestFinished(() => database.close());
  return database;
}

export async function insertAccount(database: Database, id: string, balance = 0): Promise<number> {
  const { version } = await database.write((queries) =>
    queries
      .insertInto('accounts')
      .values({ id, owner: `owner of ${id}`, balance })
      .execute(),
  );
  return version;
}

export async function accountIds(database: Database, options = {}): Promise<string[]> {
  const { value } = await database.read(
    (queries) => queries.selectFrom('accounts').select('id').orderBy('id').execute(),
    options,
  );
  return value.map((row) => row['id'] as string);
}

/** The system's runtime with clocks that a test moves forward: both, as after a sleep, or one alone. */
export interface MovableRuntime extends Runtime {
  wallOffsetMs: number;
  monotonicOffsetMs: number;
  advance(ms: number): void;
}

export function movableRuntime(): MovableRuntime {
  const runtime: MovableRuntime = {
    ...systemRuntime,
    wallOffsetMs: 0,
    monotonicOffsetMs: 0,
    now: () => systemRuntime.now() + runtime.wallOffsetMs,
    monotonicMs: () => systemRuntime.monotonicMs() + runtime.monotonicOffsetMs,
    advance: (ms) => {
      runtime.wallOffsetMs += ms;
      runtime.monotonicOffsetMs += ms;
    },
  };
  return runtime;
}
