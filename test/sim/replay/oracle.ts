/**
 * DuckDB alone: runs what was committed, to say what it should have answered and what should be there now. Its word counts
 * as long as statements give the same values each time.
 */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { type DatabaseState, stateOf } from '../../support/database-state.ts';
import type { Statement } from '../../support/statements/statement.ts';

export interface Answered {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

export interface OracleAnswer extends Answered {
  /** Which columns have values that every driver shows alike. */
  readonly isPlain: readonly boolean[];
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
      await this.#connection.run('ROLLBACK').catch(() => undefined);
      return error as Error;
    }
  }

  async #answer({ sql, values, returning }: Statement): Promise<OracleAnswer> {
    const result = await this.#connection.runAndReadAll(returning ?? sql, values as never);
    const columns = result.columnNames();
    if (returning !== undefined || columns.length === 0 || columns[0] === 'Count' || columns[0] === 'Success')
      return { columns: [], rows: [], isPlain: [] };
    const isPlain = result.columnTypes().map((type) => plainTypes.test(type.toString()));
    return { columns, rows: result.getRowsJson(), isPlain };
  }

  state(withMacros: boolean): Promise<DatabaseState> {
    return stateOf(async (sql) => (await this.#connection.runAndReadAll(sql)).getRowsJson(), withMacros);
  }

  close(): void {
    this.#connection.disconnectSync();
    this.#instance.closeSync();
  }
}

const plainTypes = /^(?:VARCHAR|BOOLEAN|U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|DECIMAL.*|UUID)$/;

/** Null when the answers are the same, as far as they can be compared. */
export function answersDiffer(expected: OracleAnswer, actual: Answered): string | null {
  const shown = (row: readonly unknown[]): string =>
    JSON.stringify(row.map((value, at) => (value === null || expected.isPlain[at] === true ? value : '…')));
  const text = ({ columns, rows }: Answered): string => JSON.stringify([columns, ...rows.map(shown).toSorted()]);
  const [one, other] = [text(expected), text(actual)];
  return one === other ? null : `answers ${other}, and DuckDB itself ${one}`;
}

/**
 * Rules that DuckDB 1.5 does not have, or not always: on altering a table whose rows have changed, on what others use, and on
 * rows that a new key or index meets in its own transaction.
 */
const ownRules = new Set<unknown>(['55006', '2BP01', '23502', '23505']);

/** Whether what is refused may be what DuckDB runs. */
export function isOfOwnRule(error: Error): boolean {
  return 'sqlState' in error && ownRules.has(error.sqlState);
}
