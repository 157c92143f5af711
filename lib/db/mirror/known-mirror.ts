/**
 * What PostgreSQL keeps about its mirrors, in `eider.mirrors`, so that every instance can tell of them without opening one.
 */
import { inTransaction, type PostgresSession } from '../move/postgres-session.ts';
import type { ConnectionPool } from '../postgres/pool.ts';

export interface KnownMirror {
  readonly version: number | null;
  /** ISO 8601. */
  readonly at: string | null;
  readonly trouble: string | null;
}

const nothing: KnownMirror = { version: null, at: null, trouble: null };

/** `address`: of the store. */
export function readKnown(pool: ConnectionPool, address: string): Promise<KnownMirror> {
  return inTransaction(pool, 'read', async (postgres) => {
    if (!(await isThere(postgres))) return nothing;
    const [row] = await postgres.rows(
      'SELECT version::text AS version, at, trouble FROM eider.mirrors WHERE store = $1',
      [address],
    );
    if (!row) return nothing;
    const { version = null, at = null, trouble = null } = row;
    return { version: version === null ? null : Number(version), at, trouble };
  });
}

export function writeKnown(pool: ConnectionPool, address: string, known: KnownMirror): Promise<void> {
  return inTransaction(pool, 'write', async (postgres) => {
    if (!(await isThere(postgres))) {
      await postgres.rows(`CREATE TABLE IF NOT EXISTS eider.mirrors
        (store text PRIMARY KEY, version bigint, at text, trouble text)`);
    }
    const { version, at, trouble } = known;
    await postgres.rows(
      `INSERT INTO eider.mirrors VALUES ($1, $2::bigint, $3, $4)
      ON CONFLICT (store) DO UPDATE SET version = excluded.version, at = excluded.at, trouble = excluded.trouble`,
      [address, version === null ? null : String(version), at, trouble],
    );
  });
}

async function isThere(postgres: PostgresSession): Promise<boolean> {
  const [row] = await postgres.rows(`SELECT to_regclass('eider.mirrors')::text AS name`);
  return typeof row?.['name'] === 'string';
}
