/**
 * Eider's own schema: which migrations ran, the database's id, and every change of every table, kept by triggers in
 * the transaction that makes it, for every writer.
 */
import type { Migration } from '../../catalog/migrations.ts';
import { feedMigration } from '../own-migrations.ts';

/** The setting that holds the token of a transaction of ours; see transactions.ts. */
export const tokenSetting = 'eider.token';

/** Null in a transaction that has not set it, even if an earlier one of the session has. */
const ownToken = `nullif(current_setting('${tokenSetting}', true), '')`;

/** For a database that was made before there were tokens. The changes that are there have none. */
export const addToken = `ALTER TABLE eider.changes ADD COLUMN IF NOT EXISTS token text, ALTER COLUMN token SET DEFAULT ${ownToken}`;

/**
 * In `changes`, `table_name` is `["schema", "table"]`; where an earlier version wrote it, the name alone. `image` is the
 * whole row (put), or its primary key, without one the whole row (delete), or nothing (schema: definitions changed;
 * `{"reset": true}`: rows did, too). As JSON and not as JSONB, which takes -0 for 0; a column of JSON that holds JSON's null
 * becomes NULL. Versions are transaction ids.
 */
export const ownTables: readonly string[] = [
  'CREATE TABLE eider.migrations (name text PRIMARY KEY, at timestamptz NOT NULL, sha256 text)',
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

export const noteDefinitions = `INSERT INTO eider.changes (table_name, op, image) VALUES ('', 'schema', '{}')`;

export const noteReset = `INSERT INTO eider.changes (table_name, op, image) VALUES ('', 'schema', '{"reset": true}')`;

/** The feed reports a version with more rows as one reset, which needs little memory. */
export const mostRowsOfVersion = 20_000;

const safePath = 'SET search_path = pg_catalog, pg_temp';

/** The formats of values in the images, independent of the writer's session. */
const settings = `${safePath} SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
  SET IntervalStyle = 'iso_8601' SET bytea_output = 'hex' SET extra_float_digits = 1`;

const root = 'coalesce(pg_partition_root(relation), relation)';

const tableOf = `CREATE OR REPLACE FUNCTION eider.table_of(relation oid) RETURNS text LANGUAGE sql STABLE ${safePath} AS $$
  SELECT json_build_array(n.nspname, c.relname)::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.oid = ${root} $$`;

const namesOfKey = `ARRAY(
  SELECT a.attname::text FROM pg_index i, unnest((i.indkey::int2[])[:i.indnkeyatts - 1]) WITH ORDINALITY AS k (number, place)
  JOIN pg_attribute a ON a.attnum = k.number
  WHERE i.indrelid = ${root} AND i.indisprimary AND a.attrelid = i.indrelid ORDER BY k.place)`;

const keyColumns = `CREATE OR REPLACE FUNCTION eider.key_columns(relation oid) RETURNS text[] LANGUAGE sql STABLE ${safePath} AS $$
  SELECT ${namesOfKey} $$`;

const keyOf = `CREATE OR REPLACE FUNCTION eider.key_of(image json, names text[]) RETURNS json LANGUAGE sql IMMUTABLE ${safePath} AS $$
  SELECT CASE WHEN names = '{}' THEN image
    ELSE (SELECT json_object_agg(key, value) FROM json_each(image) WHERE key = ANY (names)) END $$`;

/** What `eider.key_of` answers where there is a key: each call of a function in SQL is planned anew, this is not. */
const keyIn = (image: string): string =>
  `(SELECT json_object_agg(k.key, k.value) FROM json_each(${image}) k WHERE k.key = ANY (names))`;

/**
 * Tokens of transactions of which images were removed, since others had changed the rows in a lower version: they are how
 * such a transaction is found to be committed. Nobody asks after a day.
 */
const overtaken = `CREATE TABLE IF NOT EXISTS eider.overtaken (
  token text PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
)`;

const removal = (condition: string): string => `
  removed AS (DELETE FROM eider.changes WHERE ${condition} RETURNING token),
  noted AS (INSERT INTO eider.overtaken (token)
    SELECT DISTINCT token FROM removed WHERE token IS NOT NULL ON CONFLICT DO NOTHING)`;

const removeOvertaken = (condition: string): string => `
  WITH ${removal(condition)}
  DELETE FROM eider.overtaken WHERE token IN (
    SELECT token FROM eider.overtaken WHERE at < clock_timestamp() - interval '1 day' LIMIT 100 FOR UPDATE SKIP LOCKED)`;

/**
 * An update that changes a key deletes the row of the old one. Without a key, an update deletes a row and puts another.
 *
 * The feed reports versions in their order. A transaction that reads what others commit meanwhile (READ COMMITTED) can
 * change a row after one with a higher version did: then that one's image is out of date, and goes.
 * No reader has seen it, since the feed stops below a transaction that still runs. A row without a key that goes in
 * the lower version and came in the higher was in neither. Columns of the rows may have any name, those of variables and
 * aliases too.
 *
 * It runs with every write: what a plain INSERT needs is found without a look into the system's tables.
 */
const noteChange = `CREATE OR REPLACE FUNCTION eider.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER ${settings} AS $$
  #variable_conflict use_variable
  DECLARE
    relation CONSTANT oid := TG_RELID;
    title CONSTANT text := CASE WHEN pg_partition_root(TG_RELID) IS NULL OR pg_partition_root(TG_RELID) = TG_RELID
      THEN json_build_array(TG_TABLE_SCHEMA, TG_TABLE_NAME)::text ELSE eider.table_of(TG_RELID) END;
    names text[];
    overtakes boolean := current_setting('transaction_isolation') LIKE 'read %';
    gone json;
    removals bigint;
  BEGIN
    IF overtakes THEN
      overtakes := EXISTS (SELECT FROM eider.changes WHERE version > pg_current_xact_id());
    END IF;
    IF TG_OP <> 'INSERT' OR overtakes THEN
      names := ${namesOfKey};
    END IF;
    IF overtakes AND names <> '{}' THEN
      IF TG_OP <> 'DELETE' THEN ${removeOvertaken(`version > pg_current_xact_id() AND table_name = title
          AND ${keyIn('image')}::text IN (SELECT ${keyIn('row_to_json(n.*)')}::text FROM new_rows n)`)};
      END IF;
      IF TG_OP <> 'INSERT' THEN ${removeOvertaken(`version > pg_current_xact_id() AND table_name = title
          AND ${keyIn('image')}::text IN (SELECT ${keyIn('row_to_json(o.*)')}::text FROM old_rows o)`)};
      END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND names <> '{}' THEN
      INSERT INTO eider.changes (table_name, op, image)
        SELECT title, 'delete', lost.own::json FROM (
          SELECT ${keyIn('row_to_json(o.*)')}::text AS own FROM old_rows o
          EXCEPT SELECT ${keyIn('row_to_json(n.*)')}::text FROM new_rows n
        ) lost;
    ELSIF TG_OP <> 'INSERT' AND names = '{}' AND overtakes THEN
      FOR gone IN SELECT row_to_json(o.*) FROM old_rows o LOOP
        WITH ${removal(`ctid = (SELECT ctid FROM eider.changes
          WHERE version > pg_current_xact_id() AND table_name = title AND op = 'put' AND image::text = gone::text LIMIT 1)`)}
          SELECT count(*) INTO removals FROM removed;
        IF removals = 0 THEN
          INSERT INTO eider.changes (table_name, op, image) VALUES (title, 'delete', gone);
        END IF;
      END LOOP;
    ELSIF TG_OP <> 'INSERT' THEN
      INSERT INTO eider.changes (table_name, op, image)
        SELECT title, 'delete', CASE WHEN names = '{}' THEN row_to_json(o.*) ELSE ${keyIn('row_to_json(o.*)')} END FROM old_rows o;
    END IF;
    IF TG_OP <> 'DELETE' THEN
      INSERT INTO eider.changes (table_name, op, image) SELECT title, 'put', row_to_json(n.*) FROM new_rows n;
    END IF;
    RETURN NULL;
  END $$`;

/** TRUNCATE of a partitioned table calls the triggers of its parts, too. */
const noteTruncation = `CREATE OR REPLACE FUNCTION eider.note_truncation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER ${settings} AS $$
  BEGIN
    EXECUTE format('INSERT INTO eider.changes (table_name, op, image)
        SELECT $1, ''delete'', eider.key_of(row_to_json(t.*), $2) FROM %s t
        WHERE t.tableoid = $3 OR NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = t.tableoid AND g.tgname = ''eider_truncate'')',
      TG_RELID::regclass) USING eider.table_of(TG_RELID), eider.key_columns(TG_RELID), TG_RELID;
    RETURN NULL;
  END $$`;

/**
 * Gives a table its triggers. They fire for rows that come by replication, too, where the table is the user's. `told`:
 * whether the rows that are there already are news (`rows`) or not (`none`). Answers null, or why it cannot be.
 */
const watch = `CREATE OR REPLACE FUNCTION eider.watch(relation regclass, told text) RETURNS text LANGUAGE plpgsql ${settings} AS $$
  DECLARE
    event text;
  BEGIN
    FOREACH event IN ARRAY ARRAY['insert', 'update', 'delete', 'truncate'] LOOP
      IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = relation AND tgname = 'eider_' || event) THEN
        EXECUTE format('CREATE TRIGGER eider_%1$s %2$s %1$s ON %3$s %4$s FOR EACH STATEMENT EXECUTE FUNCTION eider.%5$s()',
          event, CASE event WHEN 'truncate' THEN 'BEFORE' ELSE 'AFTER' END, relation,
          CASE event WHEN 'insert' THEN 'REFERENCING NEW TABLE AS new_rows'
            WHEN 'update' THEN 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows'
            WHEN 'delete' THEN 'REFERENCING OLD TABLE AS old_rows' ELSE '' END,
          CASE event WHEN 'truncate' THEN 'note_truncation' ELSE 'note_change' END);
      END IF;
      IF (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = relation) THEN
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER eider_%s', relation, event);
      END IF;
    END LOOP;
    IF told = 'rows' THEN
      EXECUTE format('INSERT INTO eider.changes (table_name, op, image) SELECT $1, ''put'', row_to_json(t.*) FROM %s t LIMIT %s',
        relation, ${mostRowsOfVersion + 1}) USING eider.table_of(relation);
    END IF;
    RETURN NULL;
  EXCEPTION
    WHEN serialization_failure OR deadlock_detected THEN RAISE;
    WHEN OTHERS THEN RETURN SQLERRM;
  END $$`;

/** Triggers that an earlier version made call the new functions, and need not be made again. */
export const functions: Migration = {
  name: feedMigration,
  sql: {
    postgres: [
      'ALTER TABLE eider.migrations ADD COLUMN IF NOT EXISTS sha256 text',
      tableOf,
      keyColumns,
      keyOf,
      overtaken,
      noteChange,
      noteTruncation,
      watch,
    ].join(';\n'),
  },
};
