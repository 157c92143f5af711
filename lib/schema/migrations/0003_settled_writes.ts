/** What became of pending writes; see lib/db/fallback/settled.ts. */
import type { Migration } from '../migration.ts';

export const migration: Migration = {
  name: '0003_settled_writes',
  async up({ queries }) {
    await queries.schema.createSchema('eider').ifNotExists().execute();
    await queries.schema
      .createTable('eider.settled_writes')
      .addColumn('id', 'varchar', (column) => column.primaryKey())
      .addColumn('settled_at', 'timestamptz', (column) => column.notNull())
      .addColumn('outcome', 'varchar(16)', (column) => column.notNull())
      .addColumn('reason', 'varchar')
      .addColumn('pending_write', 'varchar')
      .execute();
  },
};
