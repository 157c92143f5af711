/** A DuckDB that can read one uploaded file and no other; in the process that reads files. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { dirname } from 'node:path';
import { duckDbOptions } from '../../../sync/duckdb-options.ts';

/** The caller closes it. */
export async function openSentFile(path: string): Promise<{ connection: DuckDBConnection; close: () => void }> {
  const instance = await DuckDBInstance.create(':memory:', { ...duckDbOptions(dirname(path)), memory_limit: '256MB' });
  const connection = await instance.connect();
  await connection.run(`SET allowed_paths = ['${path.replaceAll("'", "''")}']`);
  await connection.run('SET enable_external_access = false');
  await connection.run("SET GLOBAL TimeZone = 'UTC'");
  await connection.run('SET lock_configuration = true');
  return {
    connection,
    close: () => {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
