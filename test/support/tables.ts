/** The tables that tests begin with, as migrations. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from '#packages/kysely';
import { migrations as ownMigrations } from '../../lib/schema/migrations/index.ts';
import type { Migration } from '../../lib/schema/migration.ts';
import { splitStatements } from '../../lib/sql/tokens.ts';

/** A migration of SQL. */
export function sqlMigration(name: string, text: string): Migration & { readonly sql: string } {
  return {
    name,
    sql: text,
    async up({ queries, engine }) {
      for (const statement of splitStatements(text)) {
        if (/^COMMENT/i.test(statement.text)) continue;
        const ddl = engine === 'duckdb' ? statement.text.replaceAll(/ REFERENCES \w+ \(\w+\)/g, '') : statement.text;
        await sql.raw(ddl).execute(queries);
      }
    },
  };
}

const sample = readFileSync(join(import.meta.dirname, '../../migrations/0001_student_courses.sql'), 'utf8');

/** Students, courses and enrollments, and the tables of Eider's own. */
export const sampleMigrations: readonly Migration[] = [
  sqlMigration('0001_student_courses', sample.slice(0, sample.indexOf('-- eider: after'))),
  ...ownMigrations.filter(({ name }) => !name.startsWith('0001')),
];
