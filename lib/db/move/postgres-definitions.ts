import { type Catalog, relationId } from '../../catalog/catalog.ts';
import { stagingSchema } from './postgres-inventory.ts';
import type { PostgresSession, TextRow } from './postgres-session.ts';
import { type MovedDefinitions, namesOf, sequenceAt, titleOf } from './tables.ts';

/** Neither PostgreSQL's nor Eider's, nor of an extension. `table` is where the thing has its row, `o` that row. */
const users = (table: string): string =>
  `n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'eider', '${stagingSchema}')
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${table}'::regclass AND e.objid = o.oid AND e.deptype = 'e')`;

const namesIn = (current: string) => (row: TextRow) =>
  namesOf({ schema: String(row['schema']), name: String(row['name']) }, 'postgres', current);

/** The present number of each sequence; sequences are not part of the transaction's snapshot. */
export async function sequencesOfPostgres(
  postgres: PostgresSession,
  current: string,
): Promise<MovedDefinitions['sequences']> {
  const named = namesIn(current);
  const rows = await postgres.rows(
    `SELECT n.nspname::text AS schema, o.relname::text AS name, s.seqincrement::text AS increment, s.seqmin::text AS min,
      s.seqmax::text AS max, s.seqstart::text AS start, s.seqcycle::text AS cycle, v.last_value::text AS last
    FROM pg_sequence s JOIN pg_class o ON o.oid = s.seqrelid JOIN pg_namespace n ON n.oid = o.relnamespace
    JOIN pg_sequences v ON v.schemaname = n.nspname AND v.sequencename = o.relname
    WHERE ${users('pg_class')} ORDER BY 1, 2`,
  );
  return rows.map((row) => {
    const { last = null, start, increment, min, max, cycle } = row;
    const counter = last === null ? BigInt(start!) : BigInt(last) + BigInt(increment!);
    return sequenceAt(named(row), counter, { increment, min, max, cycle: cycle === 'true' });
  });
}

export async function definitionsOfPostgres(postgres: PostgresSession, catalog: Catalog): Promise<MovedDefinitions> {
  const current = catalog.defaultSchema;
  const named = namesIn(current);
  const enums = await postgres.rows(
    `SELECT n.nspname::text AS schema, o.typname::text AS name,
      (SELECT json_agg(enumlabel ORDER BY enumsortorder)::text FROM pg_enum WHERE enumtypid = o.oid) AS labels
    FROM pg_type o JOIN pg_namespace n ON n.oid = o.typnamespace WHERE o.typtype = 'e' AND ${users('pg_type')} ORDER BY 1, 2`,
  );
  const views = await postgres.rows(
    `SELECT n.nspname::text AS schema, o.relname::text AS name, pg_get_viewdef(o.oid) AS query
    FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace WHERE o.relkind = 'v' AND ${users('pg_class')} ORDER BY o.oid`,
  );
  return {
    sequences: await sequencesOfPostgres(postgres, current),
    enums: enums.map((row) => ({ ...named(row), labels: JSON.parse(row['labels'] ?? '[]') as string[] })),
    views: views.flatMap((row) => {
      const names = named(row);
      const relation = catalog.relations.get(relationId(names.postgres));
      if (!relation) return [];
      const columns = relation.columns.map(({ name }) => name);
      return [{ ...names, columns, query: row['query'] ?? '', comment: relation.comment }];
    }),
    indexes: await indexesOf(postgres, catalog),
    leftBehind: await leftBehind(postgres, catalog),
  };
}

/** Unique ones of expressions: those of columns are unique sets of the catalog. */
async function indexesOf(postgres: PostgresSession, catalog: Catalog): Promise<MovedDefinitions['indexes']> {
  const rows = await postgres.rows(
    `SELECT n.nspname::text AS schema, c.relname::text AS name, o.relname::text AS index,
      (SELECT string_agg('(' || pg_get_indexdef(o.oid, k, true) || ')', ', ' ORDER BY k)
        FROM generate_series(1, x.indnkeyatts) k) AS elements
    FROM pg_index x JOIN pg_class o ON o.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE x.indisunique AND x.indpred IS NULL AND x.indexprs IS NOT NULL AND ${users('pg_class')} ORDER BY 1, 2, 3`,
  );
  return rows.map((row) => ({
    name: String(row['index']),
    table: namesOf({ schema: String(row['schema']), name: String(row['name']) }, 'postgres', catalog.defaultSchema),
    isUnique: true,
    elements: String(row['elements']),
  }));
}

async function leftBehind(postgres: PostgresSession, { relations, defaultSchema }: Catalog): Promise<string[]> {
  const rows = await postgres.rows(
    `SELECT CASE o.relkind WHEN 'm' THEN 'the materialized view' WHEN 'f' THEN 'the foreign table' ELSE 'the table' END AS what,
      n.nspname::text AS schema, o.relname::text AS name, (o.relkind IN ('m', 'f'))::text AS always
    FROM pg_class o JOIN pg_namespace n ON n.oid = o.relnamespace
    WHERE o.relkind IN ('r', 'p', 'm', 'f') AND NOT o.relispartition AND ${users('pg_class')}
    UNION ALL SELECT 'the function', n.nspname, o.proname, 'true' FROM pg_proc o JOIN pg_namespace n ON n.oid = o.pronamespace
    WHERE ${users('pg_proc')}
    UNION ALL SELECT 'the index', n.nspname, o.relname, 'true' FROM pg_index x JOIN pg_class o ON o.oid = x.indexrelid
    JOIN pg_namespace n ON n.oid = o.relnamespace
    WHERE ${users('pg_class')} AND (x.indpred IS NOT NULL OR NOT x.indisunique)
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = o.oid)
    UNION ALL SELECT 'the ' || CASE WHEN o.confdeltype IN ('c', 'n', 'd') THEN 'ON DELETE' ELSE 'ON UPDATE' END || ' action of',
      n.nspname, o.conname, 'true' FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace
    WHERE o.contype = 'f' AND (o.confdeltype IN ('c', 'n', 'd') OR o.confupdtype IN ('c', 'n', 'd')) AND ${users('pg_constraint')}
    ORDER BY 1, 2, 3`,
  );
  return rows.flatMap((row) => {
    const name = { schema: String(row['schema']), name: String(row['name']) };
    const what = `${row['what']} ${titleOf(name, defaultSchema)}`;
    if (row['always'] === 'true') return [what];
    return relations.has(relationId(name)) ? [] : [`${what}, which may not be read`];
  });
}
