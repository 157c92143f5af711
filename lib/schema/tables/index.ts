/**
 * The tables of the database. A table that stands here and has a migration has routes, filters, validation, OpenAPI and
 * a dashboard tab; nothing else lists tables.
 */
import { defineSchema, type Schema } from '../table.ts';
import { courses } from './courses.ts';
import { enrollments } from './enrollments.ts';
import { students } from './students.ts';

export const schema: Schema = defineSchema([students, courses, enrollments]);
