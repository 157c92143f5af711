/**
 * Eider's own tables and functions on PostgreSQL, in the schema `eider`: which migrations ran, the database's id, and
 * every change of every table, kept by triggers in the transaction that makes it, whoever makes it.
 *
 * Owns: their DDL. The worst that can happen: a change that is not kept, so that a copy differs from then on; so the
 * triggers stand in the database and not in this program, and TRUNCATE has one as well.
 */

/** The setting that holds the token of a transaction of ours; see outcome.ts. */
export const tokenSetting = 'eider.token';

/** Whoever does not set it, or has set it for an earlier transaction of the session, has none. */
const ownToken = `nullif(current_setting('${tokenSetting}', true), '')`;

/**
 * For a database that was made before there were tokens, or changes of other schemas. The changes that are there have no
 * token, and are of the schema that names without one belong to.
 */
export const addColumns = `ALTER TABLE eider.changes ADD COLUMN IF NOT EXISTS token text,
  ALTER COLUMN token SET DEFAULT ${ownToken}, ADD COLUMN IF NOT EXISTS table_schema text`;

/**
 * In `changes`, `image` is the whole row (put), or its primary key (delete; the whole row where there is no key), or
 * nothing (schema: a migration ran). As
 * JSON and not as JSONB, which takes -0 for 0; a column of JSON that holds JSON's null is told as NULL. Versions are transaction ids.
 */
export const ownTables: readonly string[] = [
  'CREATE TABLE eider.migrations (name text PRIMARY KEY, at timestamptz NOT NULL)',
  `CREATE TABLE eider.state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL,
    dropped xid8 NOT NULL DEFAULT '0'
  )`,
  `CREATE TABLE eider.changes (
    version xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ordinal bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    table_name text NOT NULL,
    op text NOT NULL CHECK (op IN ('put', 'delete', 'schema')),
    image json NOT NULL,
    token text DEFAULT ${ownToken},
    table_schema text,
    PRIMARY KEY (version, ordinal)
  )`,
];

/** The forms of values in the images, whatever the writer's session has set. */
const settings = `SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
  SET IntervalStyle = 'iso_8601' SET bytea_output = 'hex' SET extra_float_digits = 1`;

/**
 * The columns of the key are the trigger's arguments. An update that changes a key deletes the row of the old one; of a
 * table without a key, rows go and come by all of their values.
 *
 * Versions are told in their order. A transaction that reads what others commit meanwhile (READ COMMITTED, another
 * program's) can change a row after one with a higher version did: then that one's image is out of date, and goes.
 * Nobody has been told of it, since nothing is told above a transaction that still runs. A row without a key that goes in
 * the lower version and came in the higher was in neither.
 */
export const ownFunctions: readonly string[] = [
  `CREATE OR REPLACE FUNCTION eider.key_of(image json, names text[]) RETURNS json LANGUAGE sql IMMUTABLE
  SET search_path = pg_catalog, pg_temp
  AS $$ SELECT CASE WHEN coalesce(cardinality(names), 0) = 0 THEN image
    ELSE (SELECT json_object_agg(key, value) FROM json_each(image) WHERE key = ANY (names)) END $$`,

  `CREATE OR REPLACE FUNCTION eider.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER ${settings} AS $$
  DECLARE
    shared constant boolean := current_setting('transaction_isolation') LIKE 'read %';
    old_image json;
  BEGIN
    IF TG_NARGS = 0 AND TG_OP <> 'INSERT' THEN
      FOR old_image IN SELECT row_to_json(o) FROM old_rows o LOOP
        IF shared THEN
          DELETE FROM eider.changes WHERE ctid = (
            SELECT ctid FROM eider.changes WHERE version > pg_current_xact_id() AND table_name = TG_TABLE_NAME
              AND table_schema = TG_TABLE_SCHEMA AND op = 'put' AND image::text = old_image::text LIMIT 1);
        END IF;
        IF NOT shared OR NOT FOUND THEN
          INSERT INTO eider.changes (table_schema, table_name, op, image)
            VALUES (TG_TABLE_SCHEMA, TG_TABLE_NAME, 'delete', old_image);
        END IF;
      END LOOP;
    ELSIF TG_OP = 'DELETE' THEN
      INSERT INTO eider.changes (table_schema, table_name, op, image)
        SELECT TG_TABLE_SCHEMA, TG_TABLE_NAME, 'delete', eider.key_of(row_to_json(o), TG_ARGV) FROM old_rows o;
    ELSIF TG_OP = 'UPDATE' THEN
      INSERT INTO eider.changes (table_schema, table_name, op, image)
        SELECT TG_TABLE_SCHEMA, TG_TABLE_NAME, 'delete', k::json FROM (
          SELECT eider.key_of(row_to_json(o), TG_ARGV)::text AS k FROM old_rows o
          EXCEPT SELECT eider.key_of(row_to_json(n), TG_ARGV)::text FROM new_rows n
        ) gone;
    END IF;
    IF shared AND TG_NARGS > 0 AND TG_OP <> 'DELETE' THEN
      DELETE FROM eider.changes WHERE version > pg_current_xact_id() AND table_name = TG_TABLE_NAME
        AND table_schema = TG_TABLE_SCHEMA
        AND eider.key_of(image, TG_ARGV)::text IN (SELECT eider.key_of(row_to_json(n), TG_ARGV)::text FROM new_rows n);
    END IF;
    IF shared AND TG_NARGS > 0 AND TG_OP <> 'INSERT' THEN
      DELETE FROM eider.changes WHERE version > pg_current_xact_id() AND table_name = TG_TABLE_NAME
        AND table_schema = TG_TABLE_SCHEMA
        AND eider.key_of(image, TG_ARGV)::text IN (SELECT eider.key_of(row_to_json(o), TG_ARGV)::text FROM old_rows o);
    END IF;
    IF TG_OP <> 'DELETE' THEN
      INSERT INTO eider.changes (table_schema, table_name, op, image)
        SELECT TG_TABLE_SCHEMA, TG_TABLE_NAME, 'put', row_to_json(n) FROM new_rows n;
    END IF;
    RETURN NULL;
  END $$`,

  `CREATE OR REPLACE FUNCTION eider.note_truncation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER ${settings} AS $$
  BEGIN
    EXECUTE format(
      'INSERT INTO eider.changes (table_schema, table_name, op, image)
        SELECT %L, %L, ''delete'', eider.key_of(row_to_json(t), $1) FROM %I.%I t',
      TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_TABLE_SCHEMA, TG_TABLE_NAME) USING TG_ARGV;
    RETURN NULL;
  END $$`,

  // For rows that a table had before it got its triggers.
  `CREATE OR REPLACE FUNCTION eider.note_rows(relation regclass) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  BEGIN
    EXECUTE format(
      'INSERT INTO eider.changes (table_schema, table_name, op, image)
        SELECT n.nspname, c.relname, ''put'', row_to_json(t) FROM %s t, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = %s', relation, relation::oid);
  END $$`,
];

const events = [
  ['insert', 'REFERENCING NEW TABLE AS new_rows'],
  ['update', 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'],
  ['delete', 'REFERENCING OLD TABLE AS old_rows'],
] as const;

/** The triggers of one table. `table` is quoted; `key` are the names of its primary key's columns. */
export function triggersOf(table: string, key: readonly string[]): string[] {
  const names = key.map((name) => `'${name.replaceAll("'", "''")}'`).join(', ');
  const kept = events.map(
    ([event, rows]) =>
      `CREATE TRIGGER eider_${event} AFTER ${event} ON ${table} ${rows}
      FOR EACH STATEMENT EXECUTE FUNCTION eider.note_change(${names})`,
  );
  return [
    ...kept,
    `CREATE TRIGGER eider_truncate BEFORE TRUNCATE ON ${table}
    FOR EACH STATEMENT EXECUTE FUNCTION eider.note_truncation(${names})`,
  ];
}
