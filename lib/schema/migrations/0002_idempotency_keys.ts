/** The keys under which writes were done: see lib/schema/write/idempotency.ts. */
import type { Migration } from '../migration.ts';

export const migration: Migration = {
  name: '0002_idempotency_keys',
  async up({ queries, engine }) {
    await queries.schema.createSchema('eider').ifNotExists().execute();
    await queries.schema
      .createTable('eider.idempotency_keys')
      .addColumn('key', 'varchar(64)', (column) => column.primaryKey())
      .addColumn('fingerprint', 'varchar(64)', (column) => column.notNull())
      .addColumn('answer', 'text', (column) => column.notNull())
      .addColumn('at', 'timestamptz', (column) => column.notNull())
      .execute();
    // DuckDB finds the expired ones by scanning this one column.
    if (engine === 'postgres')
      await queries.schema.createIndex('idempotency_keys_at').on('eider.idempotency_keys').column('at').execute();
  },
};
