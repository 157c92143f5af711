/** A table with every kind of column, known to tests alone: what works for it works for any table. */
import type { Migration } from '../../lib/catalog/migrations.ts';
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
  sql: `CREATE TABLE samples (
    id UUID PRIMARY KEY,
    label VARCHAR(40),
    note VARCHAR(5000),
    amount INTEGER,
    ratio DOUBLE PRECISION,
    open BOOLEAN NOT NULL,
    day DATE,
    moment TIMESTAMPTZ,
    colour VARCHAR(8),
    parent_id UUID,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
  )`,
};
