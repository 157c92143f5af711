/**
 * All migrations, in the order in which they run. A migration that has run anywhere is never changed, renamed or moved;
 * a new one goes to the end.
 */
import type { Migration } from '../migration.ts';
import { migration as createDefaultTables } from './0001_students_courses_enrollments.ts';
import { migration as createIdempotencyKeys } from './0002_idempotency_keys.ts';
import { migration as createSettledWrites } from './0003_settled_writes.ts';

export const migrations: readonly Migration[] = [createDefaultTables, createIdempotencyKeys, createSettledWrites];
