/** Opening DuckDB on the file of a slot, with the settings that the engine leans on. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { AppError } from '../errors.ts';
import type { SyncSettings } from './context.ts';
import { duckDbOptions } from './duckdb-options.ts';
import { isDiskFull, mapLocalError } from './local-disk.ts';
import type { Slot } from './slot.ts';
import { quoteTable } from './sql.ts';

/** https://duckdb.org/docs/stable/internals/storage */
const otherStorage = /Trying to read a database file with version number/;

function otherDuckDb(cause: unknown): AppError {
  return new AppError('outdated', 'The file of the database has a storage version that this DuckDB cannot read.', {
    cause,
    hint: 'If a newer version of Eider wrote it, deploy that version everywhere. Export a file of an older DuckDB there, then import it.',
  });
}

/**
 * Opens DuckDB on the slot's file, making it when absent.
 *
 * @throws AppError `corrupt` when it is not a database, also for lack of bytes; `outdated` when another DuckDB made it
 */
export async function openInstance(slot: Slot, settings: SyncSettings): Promise<DuckDBInstance> {
  try {
    const instance = await createInstance(slot, settings);
    await prepare(instance);
    return instance;
  } catch (cause) {
    if (isDiskFull(cause)) throw mapLocalError(cause);
    if (otherStorage.test(String(cause))) throw otherDuckDb(cause);
    throw new AppError('corrupt', 'DuckDB cannot open the file of the replica.', { cause });
  }
}

/**
 * No statement, view or macro reads or writes any file but this database, or changes any
 * setting. Instants are instants: no cast may depend on the zone of the machine.
 */
async function prepare(instance: DuckDBInstance): Promise<void> {
  const connection = await instance.connect();
  await loadIndexes(connection);
  await connection.run("SET GLOBAL TimeZone = 'UTC'");
  await connection.run('SET allow_community_extensions = false');
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
  connection.closeSync();
}

/**
 * DuckDB 1.5.6 loads an index of CREATE UNIQUE INDEX when it is first used. A transaction that deletes a row before that,
 * and puts it again, is refused as a duplicate of itself. A look-up by rowid loads all indexes of its table.
 */
async function loadIndexes(connection: DuckDBConnection): Promise<void> {
  const found = await connection.runAndReadAll(
    'SELECT DISTINCT schema_name, table_name FROM duckdb_indexes() WHERE is_unique AND database_name = current_database()',
  );
  for (const [schema, table] of found.getRows())
    await connection.run(
      `SELECT 1 FROM ${quoteTable({ schema: String(schema), table: String(table) })} WHERE rowid = -1`,
    );
}

async function createInstance(slot: Slot, settings: SyncSettings): Promise<DuckDBInstance> {
  const options = instanceOptions(slot, settings);
  try {
    return await DuckDBInstance.create(slot.replicaPath, options);
  } catch (error) {
    if (!String(error).includes('no default database set')) throw error;
    await foldAttached(slot.replicaPath, options);
    return DuckDBInstance.create(slot.replicaPath, options);
  }
}

/**
 * DuckDB 1.5.6 cannot replay an ALTER of a table whose defaults or checks call functions while it opens the file as its
 * main database. Attached to another one, it can.
 */
async function foldAttached(path: string, options: Record<string, string>): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', options);
  try {
    const connection = await instance.connect();
    await connection.run(`ATTACH '${path.replaceAll("'", "''")}' AS folded; CHECKPOINT folded; DETACH folded`);
    connection.closeSync();
  } finally {
    instance.closeSync();
  }
}

/**
 * Small blocks (DuckDB's default is 256 kB): a new database is a tenth of the size, a large one no slower.
 * No automatic checkpoint: the main file must stand still while it is uploaded. Nothing is fetched from elsewhere, and
 * nothing is written outside the slot. One thread a query: an instance has one or two cores, requests run beside each
 * other anyway, and small statements are a third faster without the hand-over between threads.
 */
function instanceOptions(slot: Slot, settings: SyncSettings): Record<string, string> {
  return {
    ...duckDbOptions(slot.spillPath),
    default_block_size: '16384',
    checkpoint_threshold: '1TB',
    auto_checkpoint_skip_wal_threshold: String(2 ** 40),
    ...(settings.memoryLimitBytes === undefined ? {} : { memory_limit: `${settings.memoryLimitBytes}B` }),
  };
}
