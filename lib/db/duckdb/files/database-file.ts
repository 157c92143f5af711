/**
 * The whole database as one DuckDB file, for any DuckDB client, or to be adopted again.
 *
 * It is written anew, block by block, so nothing that was deleted or is Eider's own is left in it.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { dirname } from 'node:path';
import { duckDbOptions } from '../../../sync/duckdb-options.ts';
import { mapLocalError } from '../../../sync/local-disk.ts';
import { quoteName } from '../../../sync/sql.ts';

/** Writes a new file at `path` from the copy of a replica at `source`. */
export async function writeDatabaseFile(source: string, path: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...duckDbOptions(dirname(path)),
    memory_limit: '128MB',
  });
  const connection = await instance.connect();
  try {
    await connection.run(`ATTACH ${quoteText(source)} AS source (READ_ONLY)`);
    await connection.run(`ATTACH ${quoteText(path)} AS target (BLOCK_SIZE 16384)`);
    await copyDatabase(connection);
    await connection.run('DETACH target');
  } catch (error) {
    throw mapLocalError(error);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function copyDatabase(connection: DuckDBConnection): Promise<void> {
  await connection.run('COPY FROM DATABASE source TO target (SCHEMA)');
  const own = await connection.runAndReadAll(
    `SELECT table_name FROM duckdb_tables() WHERE database_name = 'target' AND schema_name = 'eider' AND table_name <> 'migrations'`,
  );
  for (const [name] of own.getRows()) await connection.run(`DROP TABLE target.eider.${quoteName(String(name))}`);
  const tables = await connection.runAndReadAll(
    `SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'target' AND NOT internal`,
  );
  for (const [schema, table] of tables.getRows()) {
    const name = `${quoteName(String(schema))}.${quoteName(String(table))}`;
    await connection.run(`INSERT INTO target.${name} SELECT * FROM source.${name}`);
  }
}

function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
