/** The order of texts in tables that are made through Eider. */
import type { PostgresTransaction } from './transaction.ts';

/**
 * DuckDB orders text by code points, PostgreSQL by some language. The best of those that order alike comes first; the last
 * one knows upper and lower case (for `ilike`) of ASCII alone.
 * https://www.postgresql.org/docs/current/collation.html
 */
const collations = ['pg_c_utf8', 'C.utf8', 'C.UTF-8', 'C'];

/** Columns that this transaction created without an explicit collation. Columns that others depend on cannot be changed. */
const columnsSql = `
  SELECT a.attrelid::regclass::text AS "table",
    string_agg(format('ALTER COLUMN %I TYPE %s COLLATE %s', a.attname, format_type(a.atttypid, a.atttypmod), $1::text), ', ') AS changes
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  WHERE a.xmin = pg_current_xact_id()::xid AND a.attnum > 0 AND NOT a.attisdropped AND a.attcollation = '"default"'::regcollation
    AND c.relkind IN ('r', 'p') AND a.attinhcount = 0 AND a.attgenerated = '' AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
        AND d.classid IN ('pg_attrdef'::regclass, 'pg_rewrite'::regclass, 'pg_policy'::regclass)
        AND NOT EXISTS (SELECT FROM pg_attrdef f WHERE f.oid = d.objid AND f.adnum = a.attnum))
    AND NOT EXISTS (SELECT FROM pg_partitioned_table p WHERE p.partrelid = a.attrelid AND a.attnum = ANY (p.partattrs::int2[]))
  GROUP BY a.attrelid`;

/** Gives columns of text that the open transaction has just made that order. */
export async function orderByCodePoints(transaction: PostgresTransaction): Promise<void> {
  const changed = await transaction.rows<{ table: string; changes: string }>(columnsSql, [
    await codePointCollation(transaction),
  ]);
  for (const { table, changes } of changed) await transaction.rows(`ALTER TABLE ${table} ${changes}`);
}

async function codePointCollation(transaction: PostgresTransaction): Promise<string> {
  const rows = await transaction.rows<{ name: string }>(
    `SELECT collname AS name FROM pg_collation WHERE collnamespace = 'pg_catalog'::regnamespace
    AND collencoding IN (-1, pg_char_to_encoding('UTF8')) AND collname = ANY ($1)`,
    [collations],
  );
  const found = collations.find((each) => rows.some(({ name }) => name === each));
  return `pg_catalog."${found ?? 'C'}"`;
}
