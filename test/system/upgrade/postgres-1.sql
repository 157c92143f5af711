-- A database as the first version made it on PostgreSQL.

CREATE SCHEMA eider;

CREATE TABLE eider.migrations (name text PRIMARY KEY, at timestamptz NOT NULL);

CREATE TABLE eider.state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL,
    dropped xid8 NOT NULL DEFAULT '0'
  );

CREATE TABLE eider.changes (
    version xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ordinal bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    table_name text NOT NULL,
    op text NOT NULL CHECK (op IN ('put', 'delete', 'schema')),
    image json NOT NULL,
    token text DEFAULT nullif(current_setting('eider.token', true), ''),
    PRIMARY KEY (version, ordinal)
  );

CREATE FUNCTION eider.key_of(image json, names text[]) RETURNS json LANGUAGE sql IMMUTABLE
  SET search_path = pg_catalog, pg_temp
  AS $$ SELECT json_object_agg(key, value) FROM json_each(image) WHERE key = ANY (names) $$;

CREATE FUNCTION eider.note_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
  SET IntervalStyle = 'iso_8601' SET bytea_output = 'hex' SET extra_float_digits = 1 AS $$
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
  END $$;

CREATE FUNCTION eider.note_truncation() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
  SET IntervalStyle = 'iso_8601' SET bytea_output = 'hex' SET extra_float_digits = 1 AS $$
  BEGIN
    EXECUTE format(
      'INSERT INTO eider.changes (table_name, op, image)
        SELECT %L, ''delete'', eider.key_of(row_to_json(t), $1) FROM %I.%I t',
      TG_TABLE_NAME, TG_TABLE_SCHEMA, TG_TABLE_NAME) USING TG_ARGV;
    RETURN NULL;
  END $$;

CREATE FUNCTION eider.note_rows(relation regclass, name text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET TimeZone = 'UTC' SET DateStyle = 'ISO, YMD'
  SET IntervalStyle = 'iso_8601' SET bytea_output = 'hex' SET extra_float_digits = 1 AS $$
  BEGIN
    EXECUTE format(
      'INSERT INTO eider.changes (table_name, op, image) SELECT %L, ''put'', row_to_json(t) FROM %s t', name, relation);
  END $$;

CREATE TABLE students (id uuid PRIMARY KEY, name varchar(200) COLLATE "C" NOT NULL, email varchar(254) COLLATE "C" NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  CONSTRAINT students_email_unique UNIQUE (email));

CREATE TABLE courses (id uuid PRIMARY KEY, code varchar(32) COLLATE "C" NOT NULL, title varchar(200) COLLATE "C" NOT NULL, credits integer NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  CONSTRAINT courses_code_unique UNIQUE (code), CONSTRAINT courses_credits_range CHECK (credits BETWEEN 0 AND 30));

CREATE TABLE enrollments (id uuid PRIMARY KEY, student_id uuid NOT NULL, course_id uuid NOT NULL, term varchar(32) COLLATE "C" NOT NULL,
  status varchar(16) COLLATE "C" NOT NULL, grade varchar(8) COLLATE "C", created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
  CONSTRAINT enrollments_student_course_term_unique UNIQUE (student_id, course_id, term),
  CONSTRAINT enrollments_status_known CHECK (status IN ('enrolled', 'completed', 'withdrawn')),
  CONSTRAINT enrollments_student_fk FOREIGN KEY (student_id) REFERENCES students (id),
  CONSTRAINT enrollments_course_fk FOREIGN KEY (course_id) REFERENCES courses (id));

CREATE INDEX enrollments_course_id ON enrollments (course_id);

CREATE TRIGGER eider_insert AFTER insert ON students REFERENCING NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION eider.note_change('id');

CREATE TRIGGER eider_update AFTER update ON students REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION eider.note_change('id');

CREATE TRIGGER eider_delete AFTER delete ON students REFERENCING OLD TABLE AS old_rows
      FOR EACH STATEMENT EXECUTE FUNCTION eider.note_change('id');

CREATE TRIGGER eider_truncate BEFORE TRUNCATE ON students
    FOR EACH STATEMENT EXECUTE FUNCTION eider.note_truncation('id');

CREATE TRIGGER eider_insert AFTER insert ON courses REFERENCING NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION eider.note_change('id');

CREATE TRIGGER eider_update AFTER update ON courses REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION eider.note_change('id');

CREATE TRIGGER eider_delete AFTER delete ON courses REFERENCING OLD TABLE AS old_rows
      FOR EACH STATEMENT EXECUTE FUNCTION eider.note_change('id');

CREATE TRIGGER eider_truncate BEFORE TRUNCATE ON courses
    FOR EACH STATEMENT EXECUTE FUNCTION eider.note_truncation('id');

CREATE TRIGGER eider_insert AFTER insert ON enrollments REFERENCING NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION eider.note_change('id');

CREATE TRIGGER eider_update AFTER update ON enrollments REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
      FOR EACH STATEMENT EXECUTE FUNCTION eider.note_change('id');

CREATE TRIGGER eider_delete AFTER delete ON enrollments REFERENCING OLD TABLE AS old_rows
      FOR EACH STATEMENT EXECUTE FUNCTION eider.note_change('id');

CREATE TRIGGER eider_truncate BEFORE TRUNCATE ON enrollments
    FOR EACH STATEMENT EXECUTE FUNCTION eider.note_truncation('id');

CREATE TABLE eider.idempotency_keys (key varchar(64) PRIMARY KEY, fingerprint varchar(64) NOT NULL, answer text NOT NULL, at timestamptz NOT NULL);

CREATE INDEX idempotency_keys_at ON eider.idempotency_keys (at);

CREATE TABLE eider.settled_writes (id varchar PRIMARY KEY, settled_at timestamptz NOT NULL, outcome varchar(16) NOT NULL, reason varchar, pending_write varchar);

INSERT INTO eider.state (id) VALUES ('0193f0c0-0000-7000-8000-000000000000');

INSERT INTO eider.migrations VALUES ('0001_students_courses_enrollments', '2026-11-25T04:05:06.123456Z'), ('0002_idempotency_keys', '2026-11-25T04:05:06.123456Z'), ('0003_settled_writes', '2026-11-25T04:05:06.123456Z');

INSERT INTO eider.changes (table_name, op, image) VALUES ('', 'schema', '{}');

INSERT INTO students VALUES ('0193f0c0-0000-7000-8000-000000000001', 'Ada Lovelace', 'ada@example.com', '2026-11-25T04:05:06.123456Z', '2026-11-25T04:05:06.123456Z'), ('0193f0c0-0000-7000-8000-000000000002', 'Grace Hopper', 'grace@example.com', '2026-11-25T04:05:06.123456Z', '2026-11-25T04:05:06.123456Z');

INSERT INTO courses VALUES ('0193f0c0-0000-7000-8000-000000000101', 'CS1', 'Databases', 6, '2026-11-25T04:05:06.123456Z', '2026-11-25T04:05:06.123456Z');

INSERT INTO enrollments VALUES ('0193f0c0-0000-7000-8000-000000000201', '0193f0c0-0000-7000-8000-000000000001', '0193f0c0-0000-7000-8000-000000000101', '2026-2', 'enrolled', NULL, '2026-11-25T04:05:06.123456Z', '2026-11-25T04:05:06.123456Z');
