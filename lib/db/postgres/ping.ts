/**
 * One question to the server on a connection of its own: is it there, and does it let us in?
 *
 * Owns: nothing. The worst that can happen: a connection that stays; it is ended whatever comes.
 */
import { readConnectionString } from './connection-string.ts';
import { mapStatementError } from './errors.ts';
import { defaultLimits } from './limits.ts';
import { openPool } from './pool.ts';

export interface PingOptions {
  readonly connectionString: string;
  readonly driver: 'pg' | 'neon';
  /** Ends the connection, whatever it waits for. */
  readonly signal: AbortSignal;
}

/** Half of what a ping may take in all: to connect, and to be answered. In ms. */
const stepMs = 2000;

/** @throws AppError `unavailable`, `denied` */
export async function pingPostgresServer({ connectionString, driver, signal }: PingOptions): Promise<void> {
  const settings = { ...readConnectionString(connectionString), maxConnections: 1 };
  const limits = { ...defaultLimits, connectMs: stepMs };
  const pool = await openPool({ settings, driver, limits, warn: () => undefined });
  try {
    const connection = await pool.connect();
    const ended = new AbortController();
    ended.signal.addEventListener('abort', () => connection.destroy());
    signal.addEventListener('abort', () => ended.abort(), { signal: ended.signal });
    if (signal.aborted) ended.abort();
    try {
      await connection.run({ text: 'SELECT 1' });
    } catch (error) {
      throw mapStatementError(error);
    } finally {
      ended.abort();
    }
  } finally {
    await pool.close();
  }
}
