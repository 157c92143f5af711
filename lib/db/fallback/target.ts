/**
 * Which database a pending write is meant for. A database is named by what it says of itself, a UUID that was born with it;
 * its address counts for as long as nobody could ask it.
 */
import { sql } from 'kysely';
import type { Database } from '../database.ts';

export interface Target {
  /** `Link.address` of the primary. */
  readonly address: string;
  readonly formerAddress: string;
  /** Null while nobody could ask the primary. */
  readonly database: string | null;
}

/** To whom a write is addressed. */
export interface Addressee {
  readonly target: string;
  /** Null: the primary had never been reached. Absent: an earlier version made the write, which knew addresses alone. */
  readonly database?: string | null;
}

export function isMeantFor({ target, database }: Addressee, primary: Target): boolean {
  if (database === undefined) return target === primary.formerAddress;
  if (database !== null && primary.database !== null) return database === primary.database;
  return target === primary.address;
}

/**
 * What a database says of itself. On PostgreSQL, whoever means other tables by the same names has another one: the schema of
 * names without one is part of it. Null for one that holds nothing yet.
 */
export async function identityOf(database: Pick<Database, 'engine' | 'status' | 'read'>): Promise<string | null> {
  if (database.engine === 'duckdb') return (await database.status()).databaseId;
  const schema = sql<string>`current_schema()`.as('schema');
  const { value } = await database.read((queries) =>
    queries.selectFrom('eider.state').select(['id', schema]).execute(),
  );
  const [row] = value.map((each) => ({ id: String(each['id']), schema: each.schema }));
  if (!row) return null;
  return row.schema === 'public' ? row.id : `${row.id} ${row.schema}`;
}
