/** The commands: what they answer and what they refuse, in the same words on every backend. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomUUID } from 'node:crypto';
import type { Database } from '../../../lib/db/database.ts';
import { type Command, executeCommand, fixCommand } from '../../../lib/rows/commands.ts';
import { allMigrations, at, createCourse, createStudent, type MakePlace, openWith, run } from './place.ts';

export function commandContract(makePlace: MakePlace): void {
  describe('commands', () => {
    it('create, replace, update and delete a row, and answer it as it is now', async () => {
      const database = await openWith(makePlace);
      const values = { code: 'CS1', title: 'Größe & ﬃ 漢字 \u{1F600}', credits: 5 };
      const created = await run(database, { kind: 'create', table: 'courses', values });
      expect(created).toMatchObject(values);
      expect(Object.keys(created)).toEqual(['id', 'code', 'title', 'credits', 'created_at', 'updated_at']);
      const change = { table: 'courses', key: [created['id']!] } as const;
      const updated = await run(database, { kind: 'update', ...change, values: { credits: 0 } });
      expect(updated).toEqual({ ...created, credits: 0, updated_at: updated['updated_at'] });
      expect((updated['updated_at'] as string) > (created['updated_at'] as string)).toBe(true);
      const given = { ...values, title: 'New', created_at: at, updated_at: at };
      expect(await run(database, { kind: 'replace', ...change, values: given })).toEqual({
        id: created['id'],
        ...given,
      });
      expect(await run(database, { kind: 'delete', ...change })).toBeNull();
      for (const kind of ['update', 'replace', 'delete'] as const) {
        const command = kind === 'delete' ? { kind, ...change } : { kind, ...change, values };
        await expect(run(database, command)).rejects.toMatchObject({
          kind: 'not-found',
          message: `There is no row of courses with the key "${created['id'] as string}".`,
        });
      }
    });

    it('take rows as they were read, ids and times included', async () => {
      const database = await openWith(makePlace);
      const row = await run(database, {
        kind: 'create',
        table: 'students',
        values: { name: 'Ada', email: 'ada@example.org' },
      });
      await run(database, { kind: 'delete', table: 'students', key: [row['id']!] });
      expect(await run(database, { kind: 'create', table: 'students', values: row })).toEqual(row);
    });

    it('name the fields of a duplicate', async () => {
      const database = await openWith(makePlace);
      await createStudent(database, 'ada@example.org');
      await expect(createStudent(database, 'ada@example.org')).rejects.toMatchObject({
        kind: 'conflict',
        fields: [{ path: 'email', message: expect.stringContaining('taken') }],
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
          reason: { kind: 'conflict', fields: [{ path: 'email' }] },
        });
      }
    });

    it('do many at once, all or none', async () => {
      const database = await openWith(makePlace);
      const rows = Array.from({ length: 300 }, (_, index) => ({
        code: `C${index}`,
        title: 'Computing',
        credits: index % 30,
      }));
      const created = await run(database, { kind: 'createMany', table: 'courses', rows });
      expect(created.map(({ code }) => code)).toEqual(rows.map(({ code }) => code));
      const clashing = ['X', 'C7'].map((code) => ({ code, title: 'x', credits: 1 }));
      await expect(run(database, { kind: 'createMany', table: 'courses', rows: clashing })).rejects.toMatchObject({
        kind: 'conflict',
      });
      const few = { column: 'credits', operator: 'lt', values: ['10'] } as const;
      const change = { table: 'courses', filter: few } as const;
      expect(await run(database, { kind: 'updateMany', ...change, values: { title: 'Few' } })).toMatchObject({
        rows: 100,
      });
      expect(await run(database, { kind: 'deleteMany', ...change })).toMatchObject({ rows: 100 });
    });

    it('merge rows into those that are there', async () => {
      const database = await openWith(makePlace);
      const before = await run(database, {
        kind: 'create',
        table: 'courses',
        values: { code: 'A', title: 'Old', credits: 3 },
      });
      const rows = [
        { code: 'B', title: 'New', credits: 1 },
        { code: 'A', title: 'Newer', credits: 2 },
      ];
      const merged = await run(database, {
        kind: 'upsert',
        table: 'courses',
        rows,
        columns: ['code'],
        resolution: 'merge',
      });
      expect(merged).toMatchObject(rows);
      expect(merged[1]).toMatchObject({ id: before['id'], created_at: before['created_at'] });
      expect((merged[1]?.['updated_at'] as string) > (before['updated_at'] as string)).toBe(true);
      const ignored = await run(database, {
        kind: 'upsert',
        table: 'courses',
        rows: [rows[1]!, { code: 'C', title: 'x', credits: 1 }],
        columns: ['code'],
        resolution: 'ignore',
      });
      expect(ignored).toMatchObject([{ code: 'C' }]);
    });

    it('are done once for a key', async () => {
      const database = await openWith(makePlace);
      const idempotency = { key: '0'.repeat(64), fingerprint: 'f'.repeat(64), at };
      const command = {
        kind: 'create',
        table: 'students',
        values: { name: 'Ada', email: 'ada@example.org' },
        idempotency,
      } as const;
      const first = await run(database, command);
      expect(await run(database, command)).toEqual(first);
      const many = {
        kind: 'createMany',
        table: 'students',
        rows: [{ name: 'Bob', email: 'bob@example.org' }],
        idempotency: { ...idempotency, key: '1'.repeat(64) },
      } as const;
      const created = await run(database, many);
      const again = await run(database, many);
      expect(again).toEqual(created);
      expect(Object.keys(again[0]!)).toEqual(Object.keys(created[0]!));
      const other = { ...command, idempotency: { ...idempotency, fingerprint: 'e'.repeat(64) } };
      await expect(run(database, other)).rejects.toMatchObject({ kind: 'invalid' });
    });

    it('give the same rows elsewhere, once they were fixed', async () => {
      const database = await openWith(makePlace);
      const command: Command = { kind: 'create', table: 'students', values: { name: 'Ada', email: 'ada@example.org' } };
      const { value: done } = await database.write((queries, scope) => executeCommand(queries, scope, command));
      await run(database, { kind: 'delete', table: 'students', key: [done.value['id']!] });
      const fixed = fixCommand(command, done) as unknown as typeof command;
      expect(await run(database, fixed)).toEqual(done.value);
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
      const right = { id: randomUUID(), code: 'CS2', title: 'x', credits: 1, created_at: at, updated_at: at };
      const row = { ...right, ...wrong };
      await expect(
        database.write((queries) => queries.insertInto('courses').values(row).execute()),
      ).rejects.toMatchObject(error);
      const { value } = await database.read((queries) => queries.selectFrom('courses').select('code').execute());
      expect(value).toEqual([{ code: 'CS1' }]);
    });
  });
}
