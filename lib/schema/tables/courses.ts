/** What is taught. */
import { integer, text } from '../columns.ts';
import { defineTable } from '../table.ts';

export const courses = defineTable({
  name: 'courses',
  singular: 'course',
  columns: {
    code: text({ maxLength: 32, description: 'Short name, one course a code.' }),
    title: text({ maxLength: 200 }),
    credits: integer({ min: 0, max: 30 }),
  },
  unique: [['code']],
});
