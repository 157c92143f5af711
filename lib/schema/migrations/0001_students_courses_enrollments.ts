/** The default schema. References are foreign keys on PostgreSQL only: see docs/architecture.md. */
import { type CreateTableBuilder, sql } from '#packages/kysely';
import type { Migration, MigrationContext } from '../migration.ts';

export const migration: Migration = {
  name: '0001_students_courses_enrollments',
  async up(context) {
    await createStudents(context);
    await createCourses(context);
    await createEnrollments(context);
  },
};

async function createStudents({ queries }: MigrationContext): Promise<void> {
  await queries.schema
    .createTable('students')
    .addColumn('id', 'uuid', (column) => column.primaryKey())
    .addColumn('name', 'varchar(200)', (column) => column.notNull())
    .addColumn('email', 'varchar(254)', (column) => column.notNull())
    .$call(addTimes)
    .addUniqueConstraint('students_email_unique', ['email'])
    .execute();
}

async function createCourses({ queries }: MigrationContext): Promise<void> {
  await queries.schema
    .createTable('courses')
    .addColumn('id', 'uuid', (column) => column.primaryKey())
    .addColumn('code', 'varchar(32)', (column) => column.notNull())
    .addColumn('title', 'varchar(200)', (column) => column.notNull())
    .addColumn('credits', 'integer', (column) => column.notNull())
    .$call(addTimes)
    .addUniqueConstraint('courses_code_unique', ['code'])
    .addCheckConstraint('courses_credits_range', sql`credits between 0 and 30`)
    .execute();
}

async function createEnrollments({ queries, engine }: MigrationContext): Promise<void> {
  const table = queries.schema
    .createTable('enrollments')
    .addColumn('id', 'uuid', (column) => column.primaryKey())
    .addColumn('student_id', 'uuid', (column) => column.notNull())
    .addColumn('course_id', 'uuid', (column) => column.notNull())
    .addColumn('term', 'varchar(32)', (column) => column.notNull())
    .addColumn('status', 'varchar(16)', (column) => column.notNull())
    .addColumn('grade', 'varchar(8)')
    .$call(addTimes)
    .addUniqueConstraint('enrollments_student_course_term_unique', ['student_id', 'course_id', 'term'])
    .addCheckConstraint('enrollments_status_known', sql`status in ('enrolled', 'completed', 'withdrawn')`);
  if (engine === 'duckdb') {
    await table.execute();
    return;
  }
  await table
    .addForeignKeyConstraint('enrollments_student_fk', ['student_id'], 'students', ['id'])
    .addForeignKeyConstraint('enrollments_course_fk', ['course_id'], 'courses', ['id'])
    .execute();
  // The unique constraint's index serves student_id. DuckDB needs neither: it scans a column faster than it keeps an
  // index, and loads every index into memory when it opens.
  await queries.schema.createIndex('enrollments_course_id').on('enrollments').column('course_id').execute();
}

function addTimes<T extends string, C extends string>(table: CreateTableBuilder<T, C>): CreateTableBuilder<T, C> {
  const withTimes: CreateTableBuilder<T, C> = table
    .addColumn('created_at', 'timestamptz', (column) => column.notNull())
    .addColumn('updated_at', 'timestamptz', (column) => column.notNull());
  return withTimes;
}
