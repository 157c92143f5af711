/** The columns of an uploaded file, as DuckDB infers them. */
import { DECIMAL, type DuckDBConnection, type DuckDBType, DuckDBTypeId, HUGEINT, VARCHAR } from '@duckdb/node-api';
import { AppError } from '../../../errors.ts';
import { quoteName } from '../../../sync/sql.ts';
import type { EngineName } from '../../../values.ts';
import { postgresType } from '../../move/types.ts';
import { openSentFile } from './sent-file.ts';

const csv = `$1, header = true, delim = ',', quote = '"', escape = '"', null_padding = false`;
/** The text of days and times is what ISO 8601 says: any other stays text. */
const readers = {
  csv: `read_csv(${csv}, sample_size = -1, dateformat = '%Y-%m-%d')`,
  jsonl: `read_json($1, format = 'newline_delimited', sample_size = -1, map_inference_threshold = -1)`,
  parquet: 'read_parquet($1)',
} as const;

/** A column of a table for such a file. */
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
  engine: EngineName,
): Promise<InferredColumn[]> {
  const { connection, close } = await openSentFile(path);
  try {
    const query = `SELECT * FROM ${readers[format]}`;
    const types = (await connection.run(`${query} LIMIT 0`, [path])).columnTypes();
    // The types of a result do not distinguish JSON from VARCHAR.
    const described = (await connection.runAndReadAll(`DESCRIBE ${query}`, [path])).getRows();
    const found = described.map((row, index) => {
      const [name, declared] = row.map(String) as [string, string];
      return { name, declared, type: types[index]! };
    });
    const columns = format === 'csv' ? await withExactNumbers(connection, path, found) : found;
    return columns.map(({ name, declared, type }) => ({
      name,
      type: declared,
      sqlType: engine === 'duckdb' ? declared : (postgresType({ declared, type }) ?? 'text'),
    }));
  } catch (cause) {
    throw new AppError('invalid', `DuckDB cannot read the file as ${format}.`, { cause });
  } finally {
    close();
  }
}

interface InferredColumns {
  readonly name: string;
  readonly declared: string;
  readonly type: DuckDBType;
}

/** DuckDB takes numbers of more digits than a BIGINT has, and all with a fraction, for DOUBLE, which may not hold them. */
async function withExactNumbers(connection: DuckDBConnection, path: string, columns: readonly InferredColumns[]) {
  const doubles = columns.filter(({ type }) => type.typeId === DuckDBTypeId.DOUBLE);
  if (doubles.length === 0) return columns;
  const asked = doubles.map(({ name }) => exactType(quoteName(name)));
  const query = `SELECT ${asked.join(', ')} FROM read_csv(${csv}, all_varchar = true)`;
  const [answers = []] = (await connection.runAndReadAll(query, [path])).getRows();
  return columns.map((column) => {
    const declared = answers[doubles.indexOf(column)];
    return typeof declared === 'string' ? { ...column, declared, type: typeOf(declared) } : column;
  });
}

/** The type that holds all the numbers of a column of texts; null where DOUBLE does, or they are no plain decimals. */
function exactType(column: string): string {
  const isPlain = `bool_and(regexp_full_match(${column}, '[+-]?[0-9]*[.]?[0-9]*'))`;
  const isInexact = `bool_or(${digits(column)} <> ${digits(`TRY_CAST(${column} AS DOUBLE)::VARCHAR`)})`;
  const whole = `max(length(ltrim(split_part(${column}, '.', 1), '+-0')))`;
  const scale = `max(length(split_part(${column}, '.', 2)))`;
  return `CASE WHEN ${isPlain} AND ${isInexact} THEN
    CASE WHEN ${whole} + ${scale} > 38 THEN 'VARCHAR' WHEN ${scale} = 0 THEN 'HUGEINT' ELSE 'DECIMAL(38,' || ${scale} || ')' END END`;
}

function typeOf(declared: string): DuckDBType {
  const [, scale] = /^DECIMAL\(38,(\d+)\)$/.exec(declared) ?? [];
  if (scale !== undefined) return DECIMAL(38, Number(scale));
  return declared === 'HUGEINT' ? HUGEINT : VARCHAR;
}

/** The digits of a number without point, exponent and outer zeros: equal for equal numbers. */
function digits(text: string): string {
  return `trim(regexp_replace(regexp_replace(${text}, '[eE].*', ''), '[^0-9]', '', 'g'), '0')`;
}
