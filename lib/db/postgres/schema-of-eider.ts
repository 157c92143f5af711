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

/** For a database that was made before there were tokens. The changes that are there have none. */
export const addToken = `ALTER TABLE eider.changes ADD COLUMN IF NOT EXISTS token text, ALTER COLUMN token SET DEFAULT ${ownToken}`;

/**
 * In `changes`, `image` is the whole row (put), or its primary key (delete), or nothing (schema: a migration ran). As
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
    PRIMARY KEY (version, ordinal)
  )`,
];

/** The forms of values in the images, whatever the writer's session has set. */
const settings = `SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
  SET IntervalStyle = 'iso_8601' SET bytea_output = 'hex' SET extra_float_digits = 1`;

/**
 * The columns of the key are the trigger's arguments. An update that changes a key deletes the row of the old one.
 *
 * Versions are told in their order. A transaction that reads what others commit meanwhile (READ COMMITTED, another
 * program's) can change a row after one with a higher version did: then that one's image is out of date, and goes.
 * Nobody has been told of it, since nothing is told above a transaction that still runs.
 */
export const ownFunctions: readonly string[] = [
  `CREATE FUNCTION eider.key_of(image json, names text[]) RETURNS json LANGUAGE sql IMMUTABLE
  SET search_path = pg_catalog, pg_temp
  AS $$ SELECT json_object_agg(key, value) FROM json_each(image) WHERE key = ANY (names) $$`,

  `CREATE FUNCTION eider.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER ${settings} AS $$
  BEGIN
    IF current_setting('transaction_isolation') LIKE 'read %' THEN
      IF TG_OP <> 'DELETE' THEN
        DELETE FROM eider.changes WHERE version > pg_current_xact_id() AND table_name = TG_TABLE_NAME
          AND eider.key_of(image, TG_ARGV)::text IN (SELECT eider.key_of(row_to_json(n), TG_ARGV)::text FROM new_rows n);
      END IF;
      IF TG_OP <> 'INSERT' THEN
        DELETE FROM eider.changes WHERE version > pg_current_xact_id() AND table_name = TG_TABLE_NAME
          AND eider.key_of(image, TG_ARGV)::text IN (SELECT eider.key_of(row_to_json(o), TG_ARGV)::text FROM old_rows o);
      END IF;
    END IF;
    IF TG_OP = 'UPDATE' THEN
      INSERT INTO eider.changes (table_name, op, image)
        SELECT TG_TABLE_NAME, 'delete', k::json FROM (
          SELECT eider.key_of(row_to_json(o), TG_ARGV)::text AS k FROM old_rows o
          EXCEPT SELECT eider.key_of(row_to_json(n), TG_ARGV)::text FROM new_rows n
        ) gone;
    END IF;
    IF TG_OP = 'DELETE' THEN
      INSERT INTO eider.changes (table_name, op, image)
        SELECT TG_TABLE_NAME, 'delete', eider.key_of(row_to_json(o), TG_ARGV) FROM old_rows o;
    ELSE
      INSERT INTO eider.changes (table_name, op, image)
        SELECT TG_TABLE_NAME, 'put', row_to_json(n) FROM new_rows n;
    END IF;
    RETURN NULL;
  END $$`,

  `CREATE FUNCTION eider.note_truncation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER ${settings} AS $$
  BEGIN
    EXECUTE format(
      'INSERT INTO eider.changes (table_name, op, image)
        SELECT %L, ''delete'', eider.key_of(row_to_json(t), $1) FROM %I.%I t',
      TG_TABLE_NAME, TG_TABLE_SCHEMA, TG_TABLE_NAME) USING TG_ARGV;
    RETURN NULL;
  END $$`,

  // For rows that a table had before it got its triggers.
  `CREATE FUNCTION eider.note_rows(relation regclass, name text) RETURNS void LANGUAGE plpgsql ${settings} AS $$
  BEGIN
    EXECUTE format(
      'INSERT INTO eider.changes (table_name, op, image) SELECT %L, ''put'', row_to_json(t) FROM %s t', name, relation);
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
