-- eider: sample
-- The tables that a new database begins with. Replace this file with tables of your own, or add files beside it.

CREATE TABLE students (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  email TEXT NOT NULL UNIQUE CHECK (length(email) <= 254 AND email LIKE '_%@_%'),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

COMMENT ON TABLE students IS 'Who learns.';
COMMENT ON COLUMN students.email IS 'One student an address.';

CREATE TABLE courses (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  code TEXT NOT NULL UNIQUE CHECK (length(code) BETWEEN 1 AND 32),
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  credits INTEGER NOT NULL CHECK (credits BETWEEN 0 AND 30),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

COMMENT ON TABLE courses IS 'What is taught.';
COMMENT ON COLUMN courses.code IS 'Short name, one course a code.';

CREATE TABLE enrollments (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  student_id UUID NOT NULL REFERENCES students (id),
  course_id UUID NOT NULL REFERENCES courses (id),
  term TEXT NOT NULL CHECK (length(term) BETWEEN 1 AND 32),
  status TEXT NOT NULL DEFAULT 'enrolled' CHECK (status IN ('enrolled', 'completed', 'withdrawn')),
  grade TEXT CHECK (length(grade) BETWEEN 1 AND 8),
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  UNIQUE (student_id, course_id, term)
);

COMMENT ON TABLE enrollments IS 'Who takes what, and when.';
COMMENT ON COLUMN enrollments.term IS 'For example 2026-autumn.';
COMMENT ON COLUMN enrollments.grade IS 'Null until there is one.';

-- eider: after 0001_students_courses_enrollments
-- Instead of the above, where an earlier version of Eider made these tables, without defaults and references.

ALTER TABLE students ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER TABLE students ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE students ALTER COLUMN updated_at SET DEFAULT now();

COMMENT ON TABLE students IS 'Who learns.';
COMMENT ON COLUMN students.email IS 'One student an address.';

ALTER TABLE courses ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER TABLE courses ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE courses ALTER COLUMN updated_at SET DEFAULT now();

COMMENT ON TABLE courses IS 'What is taught.';
COMMENT ON COLUMN courses.code IS 'Short name, one course a code.';

ALTER TABLE enrollments ALTER COLUMN id SET DEFAULT gen_random_uuid();
ALTER TABLE enrollments ALTER COLUMN status SET DEFAULT 'enrolled';
ALTER TABLE enrollments ALTER COLUMN created_at SET DEFAULT now();
ALTER TABLE enrollments ALTER COLUMN updated_at SET DEFAULT now();

COMMENT ON TABLE enrollments IS 'Who takes what, and when.';
COMMENT ON COLUMN enrollments.term IS 'For example 2026-autumn.';
COMMENT ON COLUMN enrollments.grade IS 'Null until there is one.';

-- PostgreSQL has them under these names.
ALTER TABLE enrollments DROP CONSTRAINT IF EXISTS enrollments_student_fk;
ALTER TABLE enrollments DROP CONSTRAINT IF EXISTS enrollments_course_fk;
ALTER TABLE enrollments ADD FOREIGN KEY (student_id) REFERENCES students (id);
ALTER TABLE enrollments ADD FOREIGN KEY (course_id) REFERENCES courses (id);
