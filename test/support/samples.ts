/** A table with columns of many kinds, known to tests alone: what works for it works for any table. */
import type { Migration } from '../../lib/catalog/migrations.ts';

export const samplesMigration: Migration = {
  name: '9001_samples',
  sql: `CREATE TABLE samples (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    label VARCHAR(40),
    note VARCHAR(5000),
    amount INTEGER,
    ratio DOUBLE PRECISION,
    open BOOLEAN NOT NULL DEFAULT true,
    day DATE,
    moment TIMESTAMPTZ,
    colour VARCHAR(8) CHECK (colour IN ('red', 'green', 'blue')),
    parent_id UUID,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
  )`,
};
