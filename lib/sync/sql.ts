/** Running SQL on one DuckDB connection: values in, rows out. And quoting of names. */
import type {
  DuckDBConnection,
  DuckDBMaterializedResult,
  DuckDBPreparedStatement,
  DuckDBType,
  DuckDBValue,
} from '@duckdb/node-api';

const maxKept = 256;

/** A name as SQL writes it, whatever characters it has. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteTable(table: { readonly schema: string; readonly table: string }): string {
  return `${quoteName(table.schema)}.${quoteName(table.table)}`;
}

/**
 * One connection. Not for concurrent use: callers take turns.
 *
 * Statements are prepared again each time they run. DuckDB 1.5.6 plans by the statistics that a table has when the
 * statement is prepared (a sort packs its columns into as few bits as the values then need) and does not plan again when
 * rows have changed since: a statement kept over a commit answers wrong values, or reads wild memory. Only what reads
 * no table may be kept; see docs/decisions.
 */
export class Session {
  readonly connection: DuckDBConnection;
  readonly #kept = new Map<string, DuckDBPreparedStatement>();

  constructor(connection: DuckDBConnection) {
    this.connection = connection;
  }

  /** Runs a text without parameters; it may hold several statements. */
  async execute(sql: string): Promise<void> {
    await this.connection.run(sql);
  }

  /** Prepares a statement for `work`, which binds and runs it. */
  async withStatement<T>(sql: string, work: (statement: DuckDBPreparedStatement) => Promise<T>): Promise<T> {
    const statement = await this.connection.prepare(sql);
    try {
      return await work(statement);
    } finally {
      statement.destroySync();
    }
  }

  /**
   * The same with a statement that is kept for the next time. Only for statements that read no table. One that is in use
   * is not shared: what is bound to it for one would be run for the other.
   */
  async withKeptStatement<T>(sql: string, work: (statement: DuckDBPreparedStatement) => Promise<T>): Promise<T> {
    const statement = this.#kept.get(sql) ?? (await this.connection.prepare(sql));
    this.#kept.delete(sql);
    try {
      return await work(statement);
    } finally {
      this.#keep(sql, statement);
    }
  }

  #keep(sql: string, statement: DuckDBPreparedStatement): void {
    if (this.#kept.size >= maxKept) this.forgetKept();
    if (this.#kept.has(sql)) statement.destroySync();
    else this.#kept.set(sql, statement);
  }

  /** Runs one statement. `types` decides how values are bound where their own type says too little. */
  run(
    sql: string,
    values: readonly DuckDBValue[] = [],
    types?: readonly DuckDBType[],
  ): Promise<DuckDBMaterializedResult> {
    return this.withStatement(sql, (statement) => {
      if (values.length > 0) statement.bind([...values], types ? [...types] : undefined);
      return statement.run();
    });
  }

  /** Rows of one statement as DuckDB values. */
  async rows(sql: string, values: readonly DuckDBValue[] = []): Promise<DuckDBValue[][]> {
    return resultRows(await this.run(sql, values));
  }

  /**
   * These columns of a table; null when there is none of that name. DuckDB makes its list of system views when its catalog
   * is first asked, which takes longer than all else that opening a database asks: so that is left to who has no such
   * table.
   */
  async table(schema: string, table: string, columns = '*'): Promise<DuckDBMaterializedResult | null> {
    try {
      return await this.run(`SELECT ${columns} FROM ${quoteTable({ schema, table })}`);
    } catch (error) {
      const [found] = await this.rows(
        'SELECT 1 FROM duckdb_columns() WHERE database_name = current_database() AND schema_name = $1 AND table_name = $2',
        [schema, table],
      );
      if (found) throw error;
      return null;
    }
  }

  /** Drops the statements that are kept: what they were made for may be gone. */
  forgetKept(): void {
    for (const statement of this.#kept.values()) statement.destroySync();
    this.#kept.clear();
  }

  close(): void {
    this.forgetKept();
    this.connection.disconnectSync();
  }
}

/** All rows of a materialized result, without another turn through the thread pool. */
export function resultRows(result: DuckDBMaterializedResult): DuckDBValue[][] {
  const rows: DuckDBValue[][] = [];
  for (let index = 0; index < result.chunkCount; index++) result.getChunk(index).appendToRows(rows);
  return rows;
}
