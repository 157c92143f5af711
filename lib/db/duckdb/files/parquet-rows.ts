/** The rows of a Parquet file that somebody sent, as plain values. */
import { DuckDBInstance } from '@duckdb/node-api';
import { dirname } from 'node:path';
import { AppError } from '../../../errors.ts';
import { duckDbOptions } from '../../../sync/duckdb-options.ts';
import type { QueryResult } from '../../database.ts';
import { readRows } from '../query/result.ts';

/** @throws AppError `invalid` when it is no Parquet file, or has more than it may */
export async function readParquet(path: string, maxRows: number, maxBytes: number): Promise<QueryResult> {
  const instance = await DuckDBInstance.create(':memory:', {
    ...duckDbOptions(dirname(path)),
    memory_limit: '128MB',
  });
  const connection = await instance.connect();
  try {
    await connection.run("SET GLOBAL TimeZone = 'UTC'");
    const result = await connection.stream('SELECT * FROM read_parquet($1)', [path]);
    return await readRows(result, { maxRows, maxBytes });
  } catch (cause) {
    throw new AppError('invalid', 'The body is not a Parquet file that can be read, or unfolds to too much.', {
      cause,
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
