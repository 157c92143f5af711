/**
 * Eider's own tables: they are made before the user's, in the transaction of the first of them. Those with numbers
 * were made by earlier versions.
 */
import type { Migration } from '../catalog/migrations.ts';

/** The keys under which writes were done. DuckDB finds the expired ones by scanning one column. */
const idempotencyKeys = `CREATE TABLE eider.idempotency_keys (
  key VARCHAR(64) PRIMARY KEY,
  fingerprint VARCHAR(64) NOT NULL,
  answer TEXT NOT NULL,
  "at" TIMESTAMPTZ NOT NULL
)`;

/** The outcomes of pending writes; see lib/db/fallback/drain.ts. */
const settledWrites = `CREATE TABLE eider.settled_writes (
  id VARCHAR PRIMARY KEY,
  settled_at TIMESTAMPTZ NOT NULL,
  outcome VARCHAR(16) NOT NULL,
  reason VARCHAR,
  pending_write VARCHAR
)`;

/** What DuckDB's tables refer to. An adopted file may have it already. */
export const referencesTable = `CREATE TABLE IF NOT EXISTS eider."references" (
  name VARCHAR NOT NULL,
  schema_name VARCHAR NOT NULL,
  table_name VARCHAR NOT NULL,
  columns VARCHAR[] NOT NULL,
  target_schema VARCHAR NOT NULL,
  target_table VARCHAR NOT NULL,
  target_columns VARCHAR[] NOT NULL,
  PRIMARY KEY (schema_name, table_name, name)
)`;

export const ownMigrations: readonly Migration[] = [
  {
    name: '0002_idempotency_keys',
    sql: {
      duckdb: idempotencyKeys,
      postgres: `${idempotencyKeys}; CREATE INDEX idempotency_keys_at ON eider.idempotency_keys ("at")`,
    },
  },
  { name: '0003_settled_writes', sql: settledWrites },
  { name: 'eider.references', sql: { duckdb: referencesTable } },
];

/** The functions and triggers of PostgreSQL's feed; see lib/db/postgres/schema-of-eider.ts. */
export const feedMigration = 'eider.any_table';

/** Names that may have run on a database besides those that its engine runs: those of Eider, and of the other engine. */
export function knownNames(migrations: readonly Migration[]): ReadonlySet<string> {
  return new Set([...[...migrations, ...ownMigrations].map(({ name }) => name), feedMigration]);
}
