/** The columns of a file that somebody sent, as DuckDB reads it. */
import { DuckDBInstance } from '@duckdb/node-api';
import { dirname } from 'node:path';
import { AppError } from '../../../errors.ts';
import { duckDbOptions } from '../../../sync/duckdb-options.ts';
import type { Engine } from '../../../values.ts';
import { postgresType } from '../../move/types.ts';

/** The text of days and times is what ISO 8601 says: any other stays text. */
const readers = {
  csv: `read_csv($1, header = true, delim = ',', quote = '"', escape = '"', sample_size = -1, null_padding = false,
    dateformat = '%Y-%m-%d')`,
  jsonl: `read_json($1, format = 'newline_delimited', sample_size = -1, map_inference_threshold = -1)`,
  parquet: 'read_parquet($1)',
} as const;

/** A column as a table for such a file would have it. */
export interface InferredColumn {
  readonly name: string;
  /** In DuckDB's words. */
  readonly type: string;
  /** In the engine's. */
  readonly sqlType: string;
}

/**
 * @throws AppError `invalid` for a file that cannot be read
 * @example await inferColumns('/tmp/x/books.csv', 'csv', 'postgres') // [{ name: 'title', type: 'VARCHAR', sqlType: 'text' }]
 */
export async function inferColumns(
  path: string,
  format: keyof typeof readers,
  engine: Engine,
): Promise<InferredColumn[]> {
  const instance = await DuckDBInstance.create(':memory:', { ...duckDbOptions(dirname(path)), memory_limit: '256MB' });
  const connection = await instance.connect();
  try {
    const query = `SELECT * FROM ${readers[format]}`;
    const types = (await connection.run(`${query} LIMIT 0`, [path])).columnTypes();
    // The types of a result do not tell JSON from VARCHAR.
    const described = (await connection.runAndReadAll(`DESCRIBE ${query}`, [path])).getRows();
    return described.map((row, index) => {
      const [name, declared] = row.map(String) as [string, string];
      const type = types[index]!;
      return {
        name,
        type: declared,
        sqlType: engine === 'duckdb' ? declared : (postgresType({ declared, type }) ?? 'text'),
      };
    });
  } catch (cause) {
    throw new AppError('invalid', `DuckDB cannot read the file as ${format}.`, { cause });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
