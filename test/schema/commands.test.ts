import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Command, executeCommand } from '../../lib/schema/commands.ts';
import { newId } from '../../lib/schema/identifiers.ts';
import { migrations } from '../support/migrations.ts';
import { defineSchema } from '../../lib/schema/table.ts';
import { schema as defaultSchema } from '../../lib/schema/tables/index.ts';
import type { InputValues } from '../../lib/schema/validation.ts';
import { openPlainDatabase, type PlainDatabase } from '../support/plain-database.ts';
import { testRuntime } from '../support/runtime.ts';
import { samples, samplesMigration } from '../support/samples.ts';

const schema = defineSchema([...defaultSchema.tables.values(), samples]);
const runtime = testRuntime();
const at = '2026-11-24T04:05:06.789000Z';
const later = '2026-11-24T05:00:00.000000Z';
let database: PlainDatabase;

beforeEach(async () => {
  database = await openPlainDatabase([...migrations, samplesMigration]);
});
afterEach(() => database.close());

async function run(command: Command) {
  // What is kept as a pending write is JSON.
  const copy = JSON.parse(JSON.stringify(command)) as Command;
  return (await database.write((queries) => executeCommand(queries, schema, copy))).value.value;
}

const create = async (table: string, values: InputValues) => {
  const id = newId(runtime);
  await run({ kind: 'create', table, id, at, values });
  return id;
};
const ada = () => create('students', { name: 'Ada', email: 'ada@example.org' });
const course = (code = 'CS1') => create('courses', { code, title: 'Computing', credits: 5 });
const missing = '0193f0c0-0000-7000-8000-00000000dead';

describe('create', () => {
  it('answers the whole row, in the order of the definition', async () => {
    const id = newId(runtime);
    const row = await run({
      kind: 'create',
      table: 'courses',
      id,
      at,
      values: { code: 'CS1', title: 'Computing', credits: 5 },
    });
    expect(row).toEqual({ id, code: 'CS1', title: 'Computing', credits: 5, created_at: at, updated_at: at });
    expect(Object.keys(row ?? {})).toEqual(['id', 'code', 'title', 'credits', 'created_at', 'updated_at']);
  });

  it('names the field of a duplicate before the database has to', async () => {
    await ada();
    await expect(create('students', { name: 'B', email: 'ada@example.org' })).rejects.toMatchObject({
      kind: 'conflict',
      message: 'There is a student with this email already.',
      fields: [{ path: 'email', message: 'is taken' }],
    });
  });

  it('names all fields of a set, and lets the same values stand in another', async () => {
    const [student_id, course_id] = [await ada(), await course()];
    const values = { student_id, course_id, status: 'enrolled', grade: null };
    await create('enrollments', { ...values, term: '2026' });
    await create('enrollments', { ...values, term: '2027' });
    await expect(create('enrollments', { ...values, term: '2026' })).rejects.toMatchObject({
      kind: 'conflict',
      fields: ['student_id', 'course_id', 'term'].map((path) => ({
        path,
        message: 'is taken together with the others',
      })),
    });
  });

  it('names every reference that leads nowhere', async () => {
    await expect(
      create('enrollments', { student_id: missing, course_id: missing, term: '2026', status: 'enrolled', grade: null }),
    ).rejects.toMatchObject({
      kind: 'invalid',
      fields: [
        { path: 'student_id', message: 'names no row of students' },
        { path: 'course_id', message: 'names no row of courses' },
      ],
    });
  });

  it('refuses an id that is there', async () => {
    const id = await ada();
    await expect(
      run({ kind: 'create', table: 'students', id, at, values: { name: 'B', email: 'b@example.org' } }),
    ).rejects.toMatchObject({ kind: 'conflict', fields: [{ path: 'id' }] });
  });

  it('carries every kind of value', async () => {
    const values: InputValues = {
      label: "'; drop table samples; --",
      note: 'a\nb',
      amount: -(2 ** 31),
      ratio: 1e300,
      open: false,
      day: '2024-02-29',
      moment: '0001-01-01T00:00:00.000001Z',
      colour: 'blue',
      parent_id: null,
    };
    const id = newId(runtime);
    expect(await run({ kind: 'create', table: 'samples', id, at, values })).toEqual({
      id,
      ...values,
      created_at: at,
      updated_at: at,
    });
  });
});

describe('replace and update', () => {
  it('change what was given and the time', async () => {
    const id = await course();
    expect(await run({ kind: 'update', table: 'courses', id, at: later, values: { credits: 6 } })).toMatchObject({
      credits: 6,
      code: 'CS1',
      created_at: at,
      updated_at: later,
    });
    const values = { code: 'CS2', title: 'More', credits: 1 };
    expect(await run({ kind: 'replace', table: 'courses', id, at: later, values })).toMatchObject(values);
  });

  it('need a row', async () => {
    const command = { table: 'courses', id: missing, at, values: { credits: 6 } };
    await expect(run({ kind: 'update', ...command })).rejects.toMatchObject({ kind: 'not-found' });
    await expect(run({ kind: 'replace', ...command })).rejects.toMatchObject({ kind: 'not-found' });
  });

  it('keep unique sets unique, and a row is no duplicate of itself', async () => {
    const [first, second] = [await course('A'), await course('B')];
    await expect(
      run({ kind: 'update', table: 'courses', id: second, at, values: { code: 'A' } }),
    ).rejects.toMatchObject({
      kind: 'conflict',
      fields: [{ path: 'code' }],
    });
    expect(
      await run({ kind: 'update', table: 'courses', id: first, at, values: { code: 'A', credits: 2 } }),
    ).toMatchObject({ credits: 2 });
  });

  it('look at the whole set when one of its columns changes', async () => {
    const [student_id, course_id] = [await ada(), await course()];
    const values = { student_id, course_id, status: 'enrolled', grade: null };
    await create('enrollments', { ...values, term: '2026' });
    const other = await create('enrollments', { ...values, term: '2027' });
    await expect(
      run({ kind: 'update', table: 'enrollments', id: other, at, values: { term: '2026' } }),
    ).rejects.toMatchObject({ kind: 'conflict' });
  });

  it('keep references leading somewhere', async () => {
    const id = await create('enrollments', {
      student_id: await ada(),
      course_id: await course(),
      term: 'x',
      status: 'enrolled',
      grade: null,
    });
    await expect(
      run({ kind: 'update', table: 'enrollments', id, at, values: { course_id: missing } }),
    ).rejects.toMatchObject({
      kind: 'invalid',
      fields: [{ path: 'course_id' }],
    });
  });
});

describe('delete', () => {
  it('removes the row', async () => {
    const id = await ada();
    expect(await run({ kind: 'delete', table: 'students', id, at })).toBeNull();
    await expect(run({ kind: 'delete', table: 'students', id, at })).rejects.toMatchObject({ kind: 'not-found' });
  });

  it('leaves a row that others refer to, and says who does', async () => {
    const [student_id, course_id] = [await ada(), await course()];
    const id = await create('enrollments', { student_id, course_id, term: '2026', status: 'enrolled', grade: null });
    for (const [table, row] of [
      ['students', student_id],
      ['courses', course_id],
    ] as const) {
      await expect(run({ kind: 'delete', table, id: row, at })).rejects.toMatchObject({
        kind: 'conflict',
        message: expect.stringContaining('has enrollments'),
      });
    }
    await run({ kind: 'delete', table: 'enrollments', id, at });
    await run({ kind: 'delete', table: 'students', id: student_id, at });
  });

  it('is not stopped by a row that refers to itself', async () => {
    const none = {
      label: null,
      note: null,
      amount: null,
      ratio: null,
      open: true,
      day: null,
      moment: null,
      colour: null,
    };
    const id = await create('samples', { ...none, parent_id: null });
    await run({ kind: 'update', table: 'samples', id, at, values: { parent_id: id } });
    const child = await create('samples', { ...none, parent_id: id });
    await expect(run({ kind: 'delete', table: 'samples', id, at })).rejects.toMatchObject({ kind: 'conflict' });
    await run({ kind: 'delete', table: 'samples', id: child, at });
    await run({ kind: 'delete', table: 'samples', id, at });
  });
});

it('knows the tables of the schema only', async () => {
  for (const table of ['nope', 'constructor', '__proto__', 'Students']) {
    await expect(run({ kind: 'delete', table, id: missing, at })).rejects.toMatchObject({
      kind: 'not-found',
      message: expect.stringContaining('students, courses, enrollments'),
    });
  }
});
