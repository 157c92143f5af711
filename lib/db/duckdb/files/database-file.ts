/**
 * The whole database as one DuckDB file, for any DuckDB client, or to be adopted again: a copy of the replica, without
 * what is Eider's own. What was deleted may still lie in its blocks, as in every file of DuckDB.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { copyFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from '../../../store/errno.ts';
import { duckDbOptions } from '../../../sync/duckdb-options.ts';
import { mapLocalError } from '../../../sync/local-disk.ts';
import { quoteName } from '../../../sync/sql.ts';
import { ownMigrations } from '../../own-migrations.ts';

/** Writes a new file at `path` from the copy of a replica at `source`. */
export async function writeDatabaseFile(source: string, path: string): Promise<void> {
  try {
    await copyFile(source, path);
    await copyFile(`${source}.wal`, `${path}.wal`).catch(ifThere);
    await dropOwn(path);
  } catch (error) {
    throw mapLocalError(error);
  }
}

function ifThere(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}

async function dropOwn(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...duckDbOptions(dirname(path)),
    memory_limit: '128MB',
  });
  const connection = await instance.connect();
  try {
    await connection.run(`ATTACH ${quoteText(path)} AS target (BLOCK_SIZE 16384)`);
    await connection.run('USE target; CHECKPOINT target');
    await dropOwnTables(connection);
    await connection.run('CHECKPOINT target; USE memory; DETACH target');
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/** The lists of migrations and references belong to the user's tables. Adoption of the file creates the other tables again. */
async function dropOwnTables(connection: DuckDBConnection): Promise<void> {
  const found = await connection.runAndReadAll(
    `SELECT table_name FROM duckdb_tables() WHERE database_name = 'target' AND schema_name = 'eider'
      AND table_name NOT IN ('migrations', 'references')`,
  );
  for (const [name] of found.getRows()) await connection.run(`DROP TABLE target.eider.${quoteName(String(name))}`);
  const names = ownMigrations.map(({ name }) => name).filter((name) => name !== 'eider.references');
  await connection.run(`DELETE FROM target.eider.migrations WHERE name IN (${names.map(quoteText).join(', ')})`);
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
