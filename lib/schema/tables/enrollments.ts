/** Who takes what, and when. */
import { oneOf, text, uuid } from '../columns.ts';
import { defineTable } from '../table.ts';

export const enrollments = defineTable({
  name: 'enrollments',
  singular: 'enrollment',
  columns: {
    student_id: uuid({ references: 'students' }),
    course_id: uuid({ references: 'courses' }),
    term: text({ maxLength: 32, description: 'For example 2026-autumn.' }),
    status: oneOf(['enrolled', 'completed', 'withdrawn'], { default: 'enrolled' }),
    grade: text({ maxLength: 8, nullable: true, description: 'Null until there is one.' }),
  },
  unique: [['student_id', 'course_id', 'term']],
});
