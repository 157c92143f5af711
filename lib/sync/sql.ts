/**
 * Running SQL on one DuckDB connection: values in, rows out, statements prepared once. And quoting of names.
 *
 * Owns: the prepared statements of a connection. Knows nothing of what they mean. The worst that can happen: a cached
 * statement outliving its connection, so both end together.
 */
import type {
  DuckDBConnection,
  DuckDBMaterializedResult,
  DuckDBPreparedStatement,
  DuckDBType,
  DuckDBValue,
} from '@duckdb/node-api';

const maxPrepared = 256;

/** A name as SQL writes it, whatever characters it has. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteTable(table: { readonly schema: string; readonly table: string }): string {
  return `${quoteName(table.schema)}.${quoteName(table.table)}`;
}

/** One connection with its prepared statements. Not for concurrent use: callers take turns. */
export class Session {
  readonly connection: DuckDBConnection;
  readonly #prepared = new Map<string, DuckDBPreparedStatement>();

  constructor(connection: DuckDBConnection) {
    this.connection = connection;
  }

  /** Runs a text without parameters; it may hold several statements. */
  async execute(sql: string): Promise<void> {
    await this.connection.run(sql);
  }

  /** Prepares the statement, or takes the one prepared before. */
  async prepare(sql: string): Promise<DuckDBPreparedStatement> {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const statement = await this.connection.prepare(sql);
    this.#prepared.set(sql, statement);
    const [oldest] = this.#prepared;
    if (oldest && this.#prepared.size > maxPrepared) {
      this.#prepared.delete(oldest[0]);
      oldest[1].destroySync();
    }
    return statement;
  }

  /** Runs one prepared statement. `types` decides how values are bound where their own type says too little. */
  async run(
    sql: string,
    values: readonly DuckDBValue[] = [],
    types?: readonly DuckDBType[],
  ): Promise<DuckDBMaterializedResult> {
    const statement = await this.prepare(sql);
    if (values.length > 0) statement.bind([...values], types ? [...types] : undefined);
    return statement.run();
  }

  /** Rows of one prepared statement as DuckDB values. */
  async rows(sql: string, values: readonly DuckDBValue[] = []): Promise<DuckDBValue[][]> {
    return resultRows(await this.run(sql, values));
  }

  close(): void {
    for (const statement of this.#prepared.values()) statement.destroySync();
    this.#prepared.clear();
    this.connection.disconnectSync();
  }
}

/** All rows of a materialized result, without another turn through the thread pool. */
export function resultRows(result: DuckDBMaterializedResult): DuckDBValue[][] {
  const rows: DuckDBValue[][] = [];
  for (let index = 0; index < result.chunkCount; index++) result.getChunk(index).appendToRows(rows);
  return rows;
}
