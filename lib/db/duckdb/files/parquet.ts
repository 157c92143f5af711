/**
 * Rows as a Parquet file, written by DuckDB, whichever engine they come from. They are gathered on disk: memory stays bounded.
 */
import { DuckDBInstance, type DuckDBAppender, type DuckDBConnection } from '@duckdb/node-api';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../errors.ts';
import type { PlainValue } from '../../../values.ts';
import { codecFor, decodeNullable } from '../../../sync/codec.ts';
import { duckDbOptions } from '../../../sync/duckdb-options.ts';
import { mapLocalError } from '../../../sync/local-disk.ts';
import { quoteName } from '../../../sync/sql.ts';
import type { QueryColumn } from '../../../sql/result.ts';
import { type FileColumn, fileColumn, fileValue } from './types.ts';

export class ParquetWriter {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #appender: DuckDBAppender;
  readonly #columns: readonly FileColumn[];
  #hasNegativeZero = false;

  private constructor(parts: {
    instance: DuckDBInstance;
    connection: DuckDBConnection;
    appender: DuckDBAppender;
    columns: readonly FileColumn[];
  }) {
    this.#instance = parts.instance;
    this.#connection = parts.connection;
    this.#appender = parts.appender;
    this.#columns = parts.columns;
  }

  /** Writes into `folder`, which is the caller's to remove. */
  static async open(folder: string, given: readonly QueryColumn[]): Promise<ParquetWriter> {
    const columns = given.map(fileColumn);
    const gathered = join(folder, 'rows.duckdb');
    // Of an attempt before this one.
    for (const left of [gathered, `${gathered}.wal`]) await rm(left, { force: true });
    const instance = await DuckDBInstance.create(gathered, {
      ...duckDbOptions(folder),
      memory_limit: '96MB',
    });
    const connection = await instance.connect();
    // Two columns may have one name in an answer, in a table not: the names come when the file is written.
    const types = columns.map(({ type }, index) => `c${index} ${type}`);
    await connection.run(`CREATE TABLE rows (${types.join(', ')})`);
    const appender = await connection.createAppender('rows');
    return new ParquetWriter({ instance, connection, appender, columns });
  }

  append(rows: readonly (readonly PlainValue[])[]): void {
    for (const row of rows) {
      for (const [index, { name, type }] of this.#columns.entries()) {
        this.#append(index, name, fileValue(type, row[index] ?? null));
        if (/^(?:FLOAT|DOUBLE)/.test(type))
          this.#hasNegativeZero ||= JSON.stringify(row[index] ?? null).includes('"-0"');
      }
      this.#appender.endRow();
    }
  }

  /** @throws AppError `invalid` for what the type does not say, such as a list of lists in PostgreSQL's integer[] */
  #append(index: number, name: string, plain: PlainValue): void {
    const target = this.#appender.columnType(index);
    try {
      this.#appender.appendValue(decodeNullable(codecFor(target), plain), target);
    } catch (cause) {
      throw new AppError('invalid', `Parquet cannot store a value of ${name}, which is of type ${String(target)}.`, {
        hint: 'Use JSON lines or CSV.',
        cause,
      });
    }
  }

  /** Writes the file at `path`, once all rows are in it. */
  async finish(path: string): Promise<void> {
    try {
      this.#appender.closeSync();
      const names = uniqueNames(this.#columns);
      const values = await Promise.all(this.#columns.map(({ type }, index) => this.#written(type, `c${index}`)));
      const list = values.map((value, index) => `${value} AS ${quoteName(names[index]!)}`);
      // A dictionary would have 0 and -0 for one value.
      const noDictionary = this.#hasNegativeZero ? ', DICTIONARY_SIZE_LIMIT 0' : '';
      await this.#connection.run(`COPY (SELECT ${list.join(', ')} FROM rows) TO '${path.replaceAll("'", "''")}'
        (FORMAT parquet, COMPRESSION zstd${noDictionary})`);
    } catch (error) {
      throw isOutOfMemory(error) ? tooWide(error) : mapLocalError(error);
    } finally {
      this.close();
    }
  }

  /** Parquet has no HUGEINT, of which DuckDB would make DOUBLE: a DECIMAL where all values fit, else text. */
  async #written(type: string, column: string): Promise<string> {
    if (!type.startsWith('HUGEINT')) return column;
    const decimal = `${column}::${type.replace('HUGEINT', 'DECIMAL(38,0)')}`;
    const [[misfits] = []] = (
      await this.#connection.runAndReadAll(
        `SELECT count(*) FROM rows WHERE ${column} IS NOT NULL AND TRY(${decimal}) IS NULL`,
      )
    ).getRows();
    return misfits === 0n ? decimal : `${column}::${type.replace('HUGEINT', 'VARCHAR')}`;
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && /^(?:Error: )?Out of Memory Error/.test(error.message);
}

/** What is held is a group of rows of each column. */
function tooWide(cause: unknown): AppError {
  return new AppError('invalid', 'These are too many columns for a Parquet file.', {
    cause,
    sqlState: '54011',
    hint: 'Ask for fewer, or for CSV or Arrow.',
  });
}

/** As they are, with a number where a name comes again: Parquet wants each once. */
function uniqueNames(columns: readonly FileColumn[]): string[] {
  const used = new Set<string>();
  return columns.map(({ name }) => {
    let unique = name === '' ? 'column' : name;
    for (let count = 2; used.has(unique.toLowerCase()); count++) unique = `${name}_${count}`;
    used.add(unique.toLowerCase());
    return unique;
  });
}
