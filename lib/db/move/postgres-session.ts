/** A transaction on a whole database: no time limit, and every value as text in settings of its own. */
import { AppError, isAppError } from '../../errors.ts';
import { mapStatementError } from '../postgres/errors.ts';
import type { Connection, ConnectionPool, PostgresResult } from '../postgres/pool.ts';

/** Columns by name. What is selected has to be text. */
export type TextRow = Readonly<Record<string, string | null>>;

export class PostgresSession {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async rows(text: string, values?: readonly (string | null)[]): Promise<TextRow[]> {
    return (await this.run(text, values)).rows as TextRow[];
  }

  async run(text: string, values?: readonly (string | null)[]): Promise<PostgresResult> {
    try {
      return await this.#connection.run(values ? { text, values } : { text });
    } catch (error) {
      throw mapStatementError(error);
    }
  }
}

const exact = Object.entries({
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'iso_8601',
  bytea_output: 'hex',
  extra_float_digits: '1',
  xmloption: 'content',
  standard_conforming_strings: 'on',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '0',
})
  .map(([name, value]) => `set_config('${name}', '${value}', true)`)
  .join(', ');

const modes = {
  read: 'ISOLATION LEVEL REPEATABLE READ READ ONLY',
  write: 'ISOLATION LEVEL READ COMMITTED READ WRITE',
} as const;

export async function inTransaction<T>(
  pool: ConnectionPool,
  mode: keyof typeof modes,
  work: (session: PostgresSession) => Promise<T>,
): Promise<T> {
  const connection = await pool.connect();
  try {
    const session = new PostgresSession(connection);
    await session.run(`BEGIN ${modes[mode]}; SELECT ${exact}`);
    const value = await work(session);
    const { command } = await session.run('COMMIT');
    if (command !== 'COMMIT') throw new AppError('unavailable', 'PostgreSQL rolled the transaction back.');
    connection.release();
    return value;
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/** The error of writing a table, with its title; values are left behind. */
export function ofTable(title: string, error: unknown): unknown {
  if (!isAppError(error, 'invalid', 'conflict')) return error;
  const { kind, message, sqlState, cause } = error;
  return new AppError(kind, `${title}: ${message}${sqlState === undefined ? '' : ` (SQLSTATE ${sqlState})`}`, {
    cause,
  });
}

/** @example await isTable(postgres, 'eider.moved') */
export async function isTable(postgres: PostgresSession, name: string): Promise<boolean> {
  const [row] = await postgres.rows('SELECT to_regclass($1)::text AS name', [name]);
  return typeof row?.['name'] === 'string';
}
