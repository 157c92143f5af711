import { expect, it } from 'vitest';
import { migrations } from '../../support/migrations.ts';
import type { Row } from '../../../lib/values.ts';
import type { Deploy } from '../../support/deployments.ts';
import { samplesMigration } from '../../support/samples.ts';
import type { Service } from '../../support/service.ts';

interface Body extends Row {
  data: Row[];
  errors: { path: string; message: string }[];
}
const bodyOf = async (response: Response) => (await response.json()) as Body;
const missing = '0193f0c0-0000-7000-8000-00000000dead';

async function create(service: Service, table: string, json: object): Promise<Row[]> {
  const response = await service.send('POST', `/api/${table}`, { json });
  const body = await bodyOf(response);
  expect([response.status, body]).toMatchObject([201, {}]);
  return Array.isArray(json) ? body.data : [body];
}

async function all(service: Service, table: string): Promise<Row[]> {
  return (await bodyOf(await service.send('GET', `/api/${table}?limit=500`))).data;
}

const student = (index: number) => ({ name: `Student ${index}`, email: `s${index}@example.org` });
const students = (count: number) => Array.from({ length: count }, (_, index) => student(index));

export function manyRowsContract(deploy: Deploy): void {
  it('creates a thousand rows in one commit, and answers them in order', async () => {
    const service = await deploy().instance();
    const response = await service.send('POST', '/api/students', { json: students(1000) });
    const { data } = await bodyOf(response);
    expect([response.status, data.length]).toEqual([201, 1000]);
    expect(data.map(({ email }) => email)).toEqual(students(1000).map(({ email }) => email));
    expect(new Set(data.map(({ id }) => id)).size).toBe(1000);
    const [{ id } = {}] = data.slice(700);
    expect(await bodyOf(await service.send('GET', `/api/students/${id as string}`))).toEqual(data[700]);
    const before = Number(response.headers.get('db-bookmark'));
    const enrolled = await create(service, 'courses', [{ code: 'A', title: 'B', credits: 1 }]);
    const enrollments = data.map((row) => ({ student_id: row['id'], course_id: enrolled[0]?.['id'], term: '2026' }));
    const third = await service.send('POST', '/api/enrollments', { json: enrollments });
    expect(third.status).toBe(201);
    const commits = Number(third.headers.get('db-bookmark')) - before;
    // PostgreSQL counts all transactions of its server, such as those of its own upkeep.
    const isOfServer = third.headers.get('db-backend') === 'postgres';
    expect(isOfServer ? Math.min(commits, 2) : commits).toBe(2);
  });

  it('keeps values of every kind as one row at a time does', async () => {
    const service = await deploy().instance({
      migrations: [...migrations, samplesMigration],
    });
    const inputs = [
      { label: ' Ä ', moment: '2026-01-01T00:00:00+01:00', ratio: 0.1, amount: -5, open: false, day: '0001-01-01' },
      { note: 'two\nlines', moment: '2026-01-01T00:00:00.123456Z', ratio: 1e300, colour: 'red' },
      { ratio: -0, parent_id: null },
    ];
    const singles: Row[] = [];
    for (const input of inputs) singles.push(...(await create(service, 'samples', input)));
    const headers = { 'idempotency-key': 'many' };
    const { data: many } = await bodyOf(await service.send('POST', '/api/samples', { json: inputs, headers }));
    const made = { id: expect.any(String), created_at: many[0]?.['updated_at'], updated_at: many[0]?.['created_at'] };
    expect(many).toEqual(singles.map((single) => ({ ...single, ...made })));
    for (const row of many) {
      expect(await bodyOf(await service.send('GET', `/api/samples/${row['id'] as string}`))).toEqual(row);
    }
    // An answer that is made again of the request is the same, too.
    const again = await service.send('POST', '/api/samples', { json: inputs, headers });
    expect([again.headers.get('idempotent-replayed'), (await bodyOf(again)).data]).toEqual(['true', many]);
  });

  it('is all or nothing, and says which row is wrong', async () => {
    const service = await deploy().instance();
    await create(service, 'students', { name: 'Ada', email: 'ada@example.org' });
    const input = [student(1), { name: 'x' }, student(2), 'no row', { ...student(3), nick: 'y' }];
    const invalid = await service.send('POST', '/api/students', { json: input });
    expect([invalid.status, (await bodyOf(invalid)).errors]).toEqual([
      422,
      [
        { path: '1/email', message: 'is required' },
        { path: '3', message: 'must be an object' },
        { path: '4/nick', message: 'is not a column of students' },
      ],
    ]);
    const taken = [student(1), { name: 'Eve', email: 'ada@example.org' }, student(2), student(1)];
    const duplicate = await service.send('POST', '/api/students', { json: taken });
    expect([duplicate.status, (await bodyOf(duplicate)).errors]).toEqual([
      409,
      [
        { path: '1/email', message: 'is taken' },
        { path: '3/email', message: 'is the same as in row 0' },
      ],
    ]);
    const [{ id: student_id } = {}] = await all(service, 'students');
    const [{ id: course_id } = {}] = await create(service, 'courses', { code: 'A', title: 'B', credits: 1 });
    const enrollment = { student_id, course_id, term: '2026' };
    const dangling = await service.send('POST', '/api/enrollments', {
      json: [enrollment, { ...enrollment, course_id: missing }, { ...enrollment, student_id: missing }],
    });
    expect(dangling.status).toBe(422);
    // Of the constraint that the engine met first.
    expect(['2/student_id', '1/course_id']).toContain((await bodyOf(dangling)).errors[0]?.path);
    await create(service, 'enrollments', enrollment);
    const clash = await service.send('POST', '/api/enrollments', {
      json: [{ ...enrollment, term: '2027' }, enrollment],
    });
    expect([clash.status, (await bodyOf(clash)).errors.map(({ path }) => path)]).toEqual([
      409,
      ['1/student_id', '1/course_id', '1/term'],
    ]);
    expect([(await all(service, 'students')).length, (await all(service, 'enrollments')).length]).toEqual([1, 1]);
  });

  it('has limits', async () => {
    const service = await deploy().instance();
    for (const json of [[], students(1001)]) {
      const response = await service.send('POST', '/api/students', { json });
      expect([response.status, (await bodyOf(response)).errors]).toEqual([
        422,
        [{ path: '', message: 'must have 1 to 1000 rows' }],
      ]);
    }
    const wrong = await service.send('POST', '/api/students', { json: Array.from({ length: 1000 }, () => ({})) });
    expect([wrong.status, (await bodyOf(wrong)).errors.length]).toEqual([422, 100]);
  });

  it('changes all rows that pass a filter, and says how many', async () => {
    const service = await deploy().instance();
    const rows = Array.from({ length: 30 }, (_, index) => ({ code: `C${index}`, title: 'T', credits: index % 3 }));
    await create(service, 'courses', rows);
    service.runtime.advance(1000);
    const response = await service.send('PATCH', '/api/courses?credits=eq.1&code=like.C*', { json: { credits: 9 } });
    expect([response.status, await bodyOf(response)]).toEqual([200, { updated: 10 }]);
    const changed = (await all(service, 'courses')).filter(({ credits }) => credits === 9);
    expect(changed[0]?.['updated_at']).not.toBe(changed[0]?.['created_at']);
    expect(changed.map(({ updated_at }) => updated_at)).toEqual(changed.map(() => changed[0]?.['updated_at']));
    expect(changed).toHaveLength(10);
    const none = await service.send('PATCH', '/api/courses?credits=eq.1', { json: { credits: 9 } });
    expect(await bodyOf(none)).toEqual({ updated: 0 });
    const deleted = await service.send('DELETE', '/api/courses?credits=in.(0,2)');
    expect([deleted.status, await bodyOf(deleted)]).toEqual([200, { deleted: 20 }]);
    expect(await all(service, 'courses')).toHaveLength(10);
  });

  it('needs a filter, and takes nothing else for one', async () => {
    const service = await deploy().instance();
    await create(service, 'courses', { code: 'A', title: 'B', credits: 1 });
    for (const query of [
      '',
      '?limit=1',
      '?credits=1',
      '?colour=eq.red',
      '?select=id',
      '?order=id',
      '?credits=eq.1&limit=1',
    ]) {
      const json = { credits: 2 };
      const statuses = [
        (await service.send('DELETE', `/api/courses${query}`)).status,
        (await service.send('PATCH', `/api/courses${query}`, { json })).status,
      ];
      expect([query, ...statuses]).toEqual([query, 400, 400]);
    }
    const refused = await service.send('DELETE', '/api/courses');
    expect(await bodyOf(refused)).toMatchObject({ hint: expect.stringContaining('?id=is.not_null') });
    expect((await all(service, 'courses'))[0]).toMatchObject({ credits: 1 });
    expect(await bodyOf(await service.send('DELETE', '/api/courses?id=is.not_null'))).toEqual({ deleted: 1 });
  });

  it('holds the rules between rows for all of them together', async () => {
    const service = await deploy().instance();
    const [ada, eve] = await create(service, 'students', students(2));
    const [course] = await create(service, 'courses', { code: 'A', title: 'B', credits: 1 });
    const enrollment = { student_id: ada?.['id'], course_id: course?.['id'], status: 'enrolled', grade: null };
    await create(service, 'enrollments', [
      { ...enrollment, term: '2026' },
      { ...enrollment, term: '2027' },
      { ...enrollment, student_id: eve?.['id'], term: '2026' },
    ]);
    const patch = (query: string, json: object) => service.send('PATCH', `/api/enrollments?${query}`, { json });
    const clash = await patch(`student_id=eq.${ada?.['id'] as string}`, { term: '2028' });
    expect([clash.status, (await bodyOf(clash)).errors.map(({ path }) => path)]).toEqual([
      409,
      ['student_id', 'course_id', 'term'],
    ]);
    expect((await patch('term=eq.2027', { term: '2026' })).status).toBe(409);
    expect((await patch('term=eq.2027', { course_id: missing })).status).toBe(422);
    expect(await bodyOf(await patch('term=eq.2026', { term: '2030' }))).toEqual({ updated: 2 });
    expect(await bodyOf(await patch('term=eq.2030', { term: '2030', status: 'completed' }))).toEqual({ updated: 2 });
    const same = await service.send('PATCH', '/api/students?id=is.not_null', { json: { email: 'x@example.org' } });
    expect(same.status).toBe(409);
    const held = await service.send('DELETE', '/api/students?name=like.Student*');
    expect([held.status, await bodyOf(held)]).toMatchObject([409, { detail: expect.stringContaining('enrollments') }]);
    expect(await all(service, 'students')).toHaveLength(2);
    expect(await bodyOf(await service.send('DELETE', '/api/enrollments?term=eq.2030'))).toEqual({ deleted: 2 });
    expect(await bodyOf(await service.send('DELETE', `/api/students?name=eq.Student 1`))).toEqual({ deleted: 1 });
  });

  it('changes no more than 10,000 rows at once', async () => {
    const service = await deploy().instance();
    for (let start = 0; start < 10_000; start += 1000) {
      const rows = Array.from({ length: 1000 }, (_, index) => ({ code: `C${start + index}`, title: 'T', credits: 1 }));
      await create(service, 'courses', rows);
    }
    expect(await bodyOf(await service.send('PATCH', '/api/courses?credits=eq.1', { json: { credits: 2 } }))).toEqual({
      updated: 10_000,
    });
    await create(service, 'courses', { code: 'one more', title: 'T', credits: 2 });
    const refused = await service.send('DELETE', '/api/courses?credits=eq.2');
    expect([refused.status, await bodyOf(refused)]).toMatchObject([422, { hint: expect.stringContaining('Narrow') }]);
    expect(await bodyOf(await service.send('DELETE', '/api/courses?code=neq.one more'))).toEqual({ deleted: 10_000 });
  });
}
