-- eider: sample
-- Serves the list of a course, and its deletion. DuckDB scans the column as fast.

CREATE INDEX IF NOT EXISTS enrollments_course_id ON enrollments (course_id);
