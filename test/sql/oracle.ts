/**
 * DuckDB alone: runs what was committed, to say what it should have answered and what should be there now. Its word counts
 * as long as statements give the same values each time.
 */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { type DatabaseState, stateOf } from '../support/database-state.ts';
import type { Statement } from '../support/statements/statement.ts';

export interface OracleAnswer {
  readonly columns: readonly string[];
  /** Each as text. */
  readonly rows: readonly string[];
}

export class Oracle {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(): Promise<Oracle> {
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    return new Oracle(instance, connection);
  }

  /** Runs them in one transaction, and answers what each answered; or the error of the first that fails, with nothing changed. */
  async transact(statements: readonly Statement[]): Promise<readonly OracleAnswer[] | Error> {
    await this.#connection.run('BEGIN TRANSACTION');
    try {
      const answers: OracleAnswer[] = [];
      for (const statement of statements) answers.push(await this.#answer(statement));
      await this.#connection.run('COMMIT');
      return answers;
    } catch (error) {
      await this.#connection.run('ROLLBACK');
      return error as Error;
    }
  }

  async #answer({ sql, values }: Statement): Promise<OracleAnswer> {
    const result = await this.#connection.runAndReadAll(sql, values as never);
    const returns =
      result.columnNames().length > 0 && result.columnName(0) !== 'Count' && result.columnName(0) !== 'Success';
    if (!returns) return { columns: [], rows: [] };
    return { columns: result.columnNames(), rows: result.getRowsJS().map(comparable).toSorted() };
  }

  state(withMacros: boolean): Promise<DatabaseState> {
    return stateOf(async (sql) => (await this.#connection.runAndReadAll(sql)).getRowsJson(), withMacros);
  }

  close(): void {
    this.#connection.disconnectSync();
    this.#instance.closeSync();
  }
}

/** What any driver shows alike: texts, booleans, whole numbers, and whether it is null. */
export function comparable(row: readonly unknown[]): string {
  return JSON.stringify(
    row.map((value) => {
      if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
      return typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0) ? value : typeof value;
    }),
  );
}
