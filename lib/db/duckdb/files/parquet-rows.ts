/** The rows of an uploaded Parquet file, as plain values, a chunk at a time. */
import { AppError } from '../../../errors.ts';
import { encodeNullable } from '../../../sync/codec.ts';
import { quoteName } from '../../../sync/sql.ts';
import type { QueryColumn } from '../../../sql/result.ts';
import type { PlainValue } from '../../../values.ts';
import { codecOf, typeName } from '../run.ts';
import { openSentFile } from './sent-file.ts';

type OpenedParquet = Awaited<ReturnType<typeof openSentFile>>;

/** @example for await (const [title] of file.rows(['title'])) … */
export class ParquetFile {
  readonly #opened: OpenedParquet;
  readonly #path: string;
  /** By the schema of the file, as the number of its rows is: no value has been read. */
  readonly columns: readonly QueryColumn[];
  readonly rowCount: number;

  private constructor(opened: OpenedParquet, path: string, columns: readonly QueryColumn[], rowCount: number) {
    this.#opened = opened;
    this.#path = path;
    this.columns = columns;
    this.rowCount = rowCount;
  }

  /** @throws AppError `invalid` when it is no Parquet file */
  static async open(path: string): Promise<ParquetFile> {
    const opened = await openSentFile(path);
    try {
      const { connection } = opened;
      const result = await connection.run('SELECT * FROM read_parquet($1) LIMIT 0', [path]);
      const names = result.columnNames();
      const columns = result.columnTypes().map((type, index) => ({ name: names[index] ?? '', type: typeName(type) }));
      const counted = await connection.runAndReadAll('SELECT count(*) FROM read_parquet($1)', [path]);
      return new ParquetFile(opened, path, columns, Number(counted.getRows()[0]?.[0]));
    } catch (cause) {
      opened.close();
      throw unreadable(cause);
    }
  }

  /** @throws AppError `invalid` when it is damaged, or unfolds to too much */
  async *rows(columns: readonly string[]): AsyncGenerator<readonly PlainValue[]> {
    // Rows without columns are counted all the same.
    const list = columns.length === 0 ? 'NULL' : columns.map(quoteName).join(', ');
    try {
      const query = `SELECT ${list} FROM read_parquet($1)`;
      const result = await this.#opened.connection.stream(query, [this.#path]);
      const codecs = result.columnTypes().map(codecOf);
      for (;;) {
        const chunk = await result.fetchChunk();
        if (!chunk || chunk.rowCount === 0) return;
        for (let at = 0; at < chunk.rowCount; at++)
          yield codecs.map((codec, column) => encodeNullable(codec, chunk.getColumnVector(column).getItem(at)));
      }
    } catch (cause) {
      throw unreadable(cause);
    }
  }

  close(): void {
    this.#opened.close();
  }
}

function unreadable(cause: unknown): AppError {
  return new AppError('invalid', 'The body is not a readable Parquet file, or is too large when decompressed.', {
    cause,
  });
}
