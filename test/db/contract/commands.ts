/** The commands: what they answer and what they refuse, in the same words on every backend. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allMigrations, at, createCourse, createStudent, freshId, type MakePlace, openWith, run } from './place.ts';
import type { Database } from '../../../lib/db/database.ts';

const later = '2026-11-24T05:00:00.000000Z';
const missing = '0193f0c0-0000-7000-8000-00000000dead';

async function enroll(database: Database, values: Record<string, string | null>): Promise<string> {
  const id = freshId();
  const whole = { term: '2026', status: 'enrolled', grade: null, ...values };
  await run(database, { kind: 'create', table: 'enrollments', id, at, values: whole });
  return id;
}

export function commandContract(makePlace: MakePlace): void {
  describe('commands', () => {
    it('create, replace, update and delete a row, and answer it as it is now', async () => {
      const database = await openWith(makePlace);
      const id = freshId();
      const values = { code: 'CS1', title: 'Größe & ﬃ 漢字 \u{1F600}', credits: 5 };
      const created = await run(database, { kind: 'create', table: 'courses', id, at, values });
      expect(created).toEqual({ id, ...values, created_at: at, updated_at: at });
      const change = { table: 'courses', id, at: later } as const;
      const updated = await run(database, { kind: 'update', ...change, values: { credits: 0 } });
      expect(updated).toEqual({ ...created, credits: 0, updated_at: later });
      const replaced = await run(database, { kind: 'replace', ...change, values: { ...values, title: 'New' } });
      expect(replaced).toEqual({ ...created, title: 'New', updated_at: later });
      expect(await run(database, { kind: 'delete', ...change })).toBeNull();
      for (const kind of ['update', 'replace', 'delete'] as const) {
        const command = kind === 'delete' ? { kind, ...change } : { kind, ...change, values };
        await expect(run(database, command)).rejects.toMatchObject({
          kind: 'not-found',
          message: `There is no course with the id "${id}".`,
        });
      }
    });

    it('name the fields of a duplicate', async () => {
      const database = await openWith(makePlace);
      const student_id = await createStudent(database, 'ada@example.org');
      await expect(createStudent(database, 'ada@example.org')).rejects.toMatchObject({
        kind: 'conflict',
        message: 'There is a student with this email already.',
        fields: [{ path: 'email', message: 'is taken' }],
      });
      const course_id = await createCourse(database, 'CS1');
      await enroll(database, { student_id, course_id });
      await enroll(database, { student_id, course_id, term: '2027' });
      await expect(enroll(database, { student_id, course_id })).rejects.toMatchObject({
        kind: 'conflict',
        fields: ['student_id', 'course_id', 'term'].map((path) => ({
          path,
          message: 'is taken together with the others',
        })),
      });
    });

    it('let one of two that come at once have a value, and name it to the other', async () => {
      const database = await openWith(makePlace);
      const names = ['a', 'b', 'c', 'd'];
      const results = await Promise.allSettled(names.map((name) => createStudent(database, 'one@example.org', name)));
      const refused = results.filter(({ status }) => status === 'rejected');
      expect(refused).toHaveLength(3);
      for (const result of refused) {
        expect(result).toMatchObject({
          reason: { kind: 'conflict', fields: [{ path: 'email', message: 'is taken' }] },
        });
      }
    });

    it('name references that lead nowhere, and keep rows that others refer to', async () => {
      const database = await openWith(makePlace);
      await expect(enroll(database, { student_id: missing, course_id: missing })).rejects.toMatchObject({
        kind: 'invalid',
        fields: [
          { path: 'student_id', message: 'names no row of students' },
          { path: 'course_id', message: 'names no row of courses' },
        ],
      });
      const student_id = await createStudent(database, 'ada@example.org');
      const enrollment = await enroll(database, { student_id, course_id: await createCourse(database, 'CS1') });
      const removal = { kind: 'delete', table: 'students', id: student_id, at } as const;
      await expect(run(database, removal)).rejects.toMatchObject({
        kind: 'conflict',
        message: 'This student has enrollments, so it is not deleted.',
        hint: 'Delete its enrollments first.',
      });
      await run(database, { kind: 'delete', table: 'enrollments', id: enrollment, at });
      expect(await run(database, removal)).toBeNull();
    });

    it('never leave a reference that leads nowhere, whoever comes first', async () => {
      const database = await openWith(makePlace);
      const course_id = await createCourse(database, 'CS1');
      for (let round = 0; round < 5; round++) {
        const student_id = await createStudent(database, `student-${round}@example.org`);
        await Promise.allSettled([
          enroll(database, { student_id, course_id }),
          run(database, { kind: 'delete', table: 'students', id: student_id, at }),
        ]);
      }
      const { value } = await database.read((queries) =>
        queries
          .selectFrom('enrollments')
          .leftJoin('students', 'students.id', 'enrollments.student_id')
          .select(['students.id as student'])
          .execute(),
      );
      expect(value.filter(({ student }) => student === null)).toEqual([]);
    });

    it('do many at once, all or none', async () => {
      const database = await openWith(makePlace);
      const values = (index: number) => ({ code: `C${index}`, title: 'Computing', credits: index });
      const rows = Array.from({ length: 30 }, (_, index) => ({ id: freshId(), values: values(index) }));
      const created = await run(database, { kind: 'createMany', table: 'courses', at, rows });
      expect(created.map(({ credits }) => credits)).toEqual(rows.map((_, index) => index));
      const clashing = [30, 7].map((index) => ({ id: freshId(), values: values(index) }));
      await expect(run(database, { kind: 'createMany', table: 'courses', at, rows: clashing })).rejects.toMatchObject({
        kind: 'conflict',
        fields: [{ path: '1/code', message: 'is taken' }],
      });
      const few = { column: 'credits', negated: false, comparison: { operator: 'lt', value: 10 } } as const;
      const change = { table: 'courses', at: later, filters: [few] } as const;
      expect(await run(database, { kind: 'updateMany', ...change, values: { title: 'Few' } })).toBe(10);
      expect(await run(database, { kind: 'deleteMany', ...change })).toBe(10);
    });

    it('are done once for a key', async () => {
      const database = await openWith(makePlace);
      const idempotency = { key: '0'.repeat(64), fingerprint: 'f'.repeat(64) };
      const values = { name: 'Ada', email: 'ada@example.org' };
      const command = { kind: 'create', table: 'students', at, values, idempotency } as const;
      const first = await run(database, { ...command, id: freshId() });
      expect(await run(database, { ...command, id: freshId() })).toEqual(first);
      const other = { ...command, id: freshId(), idempotency: { ...idempotency, fingerprint: 'e'.repeat(64) } };
      await expect(run(database, other)).rejects.toMatchObject({ kind: 'invalid' });
    });
  });

  describe('rules of the tables themselves', () => {
    let database: Database;
    beforeAll(async () => {
      database = await (await makePlace()).open(allMigrations);
      await createCourse(database, 'CS1');
    });
    afterAll(() => database.close());

    it.each<[string, Record<string, string | number | null>, object]>([
      [
        'unique',
        { code: 'CS1' },
        {
          kind: 'conflict',
          message: 'A row with the same code exists already.',
          fields: [{ path: 'code', message: 'is taken' }],
        },
      ],
      [
        'not null',
        { title: null },
        {
          kind: 'invalid',
          message: 'title must not be null.',
          fields: [{ path: 'title', message: 'must not be null' }],
        },
      ],
      ['check', { credits: 31 }, { kind: 'invalid' }],
      ['type', { credits: 'many' }, { kind: 'invalid' }],
      ['range', { credits: 3_000_000_000 }, { kind: 'invalid' }],
      ['moment', { created_at: 'yesterday-ish' }, { kind: 'invalid' }],
      ['id', { id: 'no-uuid' }, { kind: 'invalid' }],
    ])('hold where no command asked: %s', async (_, wrong, error) => {
      const right = { id: freshId(), code: 'CS2', title: 'x', credits: 1, created_at: at, updated_at: at };
      const row = { ...right, ...wrong };
      await expect(
        database.write((queries) => queries.insertInto('courses').values(row).execute()),
      ).rejects.toMatchObject(error);
      const { value } = await database.read((queries) => queries.selectFrom('courses').select('code').execute());
      expect(value).toEqual([{ code: 'CS1' }]);
    });
  });
}
