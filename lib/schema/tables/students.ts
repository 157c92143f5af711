/** Who learns. */
import { email, text } from '../columns.ts';
import { defineTable } from '../table.ts';

export const students = defineTable({
  name: 'students',
  singular: 'student',
  columns: {
    name: text({ maxLength: 200 }),
    email: email({ description: 'One student an address.' }),
  },
  unique: [['email']],
});
