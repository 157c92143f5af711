/** A table with every kind of column, known to tests alone: what works for it works for any table. */
import type { Migration } from '../../lib/schema/migration.ts';
import { boolean, date, integer, lines, number, oneOf, text, timestamp, uuid } from '../../lib/schema/columns.ts';
import { defineTable } from '../../lib/schema/table.ts';

export const samples = defineTable({
  name: 'samples',
  singular: 'sample',
  columns: {
    label: text({ maxLength: 40, nullable: true }),
    note: lines({ maxLength: 5000, nullable: true }),
    amount: integer({ nullable: true }),
    ratio: number({ nullable: true }),
    open: boolean({ default: true }),
    day: date({ nullable: true }),
    moment: timestamp({ nullable: true }),
    colour: oneOf(['red', 'green', 'blue'], { nullable: true }),
    parent_id: uuid({ nullable: true, references: 'samples' }),
  },
});

export const samplesMigration: Migration = {
  name: '9001_samples',
  up: async ({ queries }) => {
    await queries.schema
      .createTable('samples')
      .addColumn('id', 'uuid', (column) => column.primaryKey())
      .addColumn('label', 'varchar(40)')
      .addColumn('note', 'varchar(5000)')
      .addColumn('amount', 'integer')
      .addColumn('ratio', 'double precision')
      .addColumn('open', 'boolean', (column) => column.notNull())
      .addColumn('day', 'date')
      .addColumn('moment', 'timestamptz')
      .addColumn('colour', 'varchar(8)')
      .addColumn('parent_id', 'uuid')
      .addColumn('created_at', 'timestamptz', (column) => column.notNull())
      .addColumn('updated_at', 'timestamptz', (column) => column.notNull())
      .execute();
  },
};
