import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../../support/migrations.ts';
import type { Row } from '../../../lib/values.ts';
import { samplesMigration } from '../../support/samples.ts';
import { type Service, startService } from '../../support/service.ts';
import { problemType } from '../../support/problems.ts';

const unlike = {
  name: '9002_unlike',
  sql: `CREATE TABLE "a.b c/""d" (k VARCHAR, n BIGINT, v VARCHAR, g VARCHAR GENERATED ALWAYS AS (v || '!'), PRIMARY KEY (n, k));
   CREATE TABLE bare (x INTEGER, "select" VARCHAR);
   CREATE VIEW few AS SELECT n, v FROM "a.b c/""d";
   CREATE SCHEMA shop; CREATE TABLE shop.goods (code VARCHAR PRIMARY KEY, price DECIMAL(10, 2) NOT NULL);
   CREATE TABLE changes (id INTEGER PRIMARY KEY)`,
};

interface Body extends Row {
  data: Row[];
  next: string | null;
  errors: { path: string; message: string }[];
}

let service: Service;

beforeEach(async () => {
  service = await startService({
    migrations: [...migrations, samplesMigration, unlike],
  });
});
afterEach(() => service.app.close());

const bodyOf = async (response: Response) => (await response.json()) as Body;
const ada = { name: 'Ada', email: 'ada@example.org' };

async function create(table: string, json: object): Promise<string> {
  const response = await service.send('POST', `/api/${table}`, { json });
  expect(response.status).toBe(201);
  return (await bodyOf(response))['id'] as string;
}

describe('POST', () => {
  it('answers 201 with the row and where it is', async () => {
    const response = await service.send('POST', '/api/students', { json: ada });
    const row = await bodyOf(response);
    expect(response.status).toBe(201);
    expect(row).toEqual({
      id: expect.any(String),
      ...ada,
      created_at: expect.stringMatching(/^20.*Z$/),
      updated_at: row['created_at'],
    });
    expect(response.headers.get('location')).toBe(`/api/students/${row['id'] as string}`);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    const again = await service.send('GET', response.headers.get('location') ?? '');
    expect(await bodyOf(again)).toEqual(row);
  });

  it('hands the write over as data that can be run again', async () => {
    await service.send('POST', '/api/students', { json: ada });
    const [{ command } = {}] = service.database.writes;
    expect(JSON.parse(JSON.stringify(command))).toEqual(command);
    expect(command).toMatchObject({
      kind: 'create',
      table: 'students',
      values: ada,
    });
  });

  it('answers 422 with each wrong field, and writes nothing', async () => {
    const response = await service.send('POST', '/api/students', { json: { email: 'x', nick: 'y' } });
    expect([response.status, response.headers.get('content-type')]).toEqual([422, 'application/problem+json']);
    expect(await bodyOf(response)).toMatchObject({
      type: problemType('invalid-input'),
      status: 422,
      errors: [
        { path: 'nick', message: 'is not a column of students' },
        { path: 'name', message: 'is required' },
      ],
    });
    expect(service.database.writes).toEqual([]);
  });

  it('answers 409 to a duplicate, with the field', async () => {
    await create('students', ada);
    const response = await service.send('POST', '/api/students', { json: ada });
    expect(response.status).toBe(409);
    expect(await bodyOf(response)).toMatchObject({ type: problemType('conflict'), errors: [{ path: 'email' }] });
  });

  it('knows no parameters', async () => {
    const response = await service.send('POST', '/api/students?upsert=true', { json: ada });
    expect([response.status, (await bodyOf(response)).errors]).toMatchObject([400, [{ path: 'upsert' }]]);
    expect(service.database.writes).toEqual([]);
  });
});

describe('one row', () => {
  it('is replaced, changed and deleted', async () => {
    const path = `/api/courses/${await create('courses', { code: 'A', title: 'B', credits: 1 })}`;
    const replaced = await service.send('PUT', path, { json: { code: 'A', title: 'C', credits: 2 } });
    expect([replaced.status, await bodyOf(replaced)]).toMatchObject([200, { title: 'C', credits: 2 }]);
    const changed = await service.send('PATCH', path, { json: { credits: 3 } });
    expect([changed.status, await bodyOf(changed)]).toMatchObject([200, { title: 'C', credits: 3 }]);
    const deleted = await service.send('DELETE', path);
    expect([deleted.status, await deleted.text()]).toEqual([204, '']);
    for (const [method, json] of [
      ['GET'],
      ['PUT', { code: 'A', title: 'C', credits: 2 }],
      ['PATCH', { credits: 1 }],
      ['DELETE'],
    ] as const) {
      const response = await service.send(method, path, json ? { json } : {});
      expect([response.status, await bodyOf(response)]).toMatchObject([404, { type: problemType('not-found') }]);
    }
  });

  it('is wanted whole by PUT', async () => {
    const path = `/api/courses/${await create('courses', { code: 'A', title: 'B', credits: 1 })}`;
    const response = await service.send('PUT', path, { json: { title: 'C' } });
    expect([response.status, (await bodyOf(response)).errors.map(({ path: field }) => field)]).toEqual([
      422,
      ['code', 'credits'],
    ]);
  });

  it('gets null and defaults for what PUT leaves out', async () => {
    const student_id = await create('students', ada);
    const course_id = await create('courses', { code: 'A', title: 'B', credits: 1 });
    const values = { student_id, course_id, term: '2026' };
    const path = `/api/enrollments/${await create('enrollments', { ...values, grade: 'A', status: 'completed' })}`;
    expect(await bodyOf(await service.send('PUT', path, { json: values }))).toMatchObject({
      grade: null,
      status: 'enrolled',
    });
  });

  it('shows selected columns', async () => {
    const path = `/api/students/${await create('students', ada)}`;
    expect(await bodyOf(await service.send('GET', `${path}?select=email`))).toEqual({ email: ada.email });
    expect((await service.send('GET', `${path}?limit=1`)).status).toBe(400);
  });

  it('is not there when the id is no UUID, and any letter case names it', async () => {
    for (const id of ['42', 'a%2Fb', '%00', "x'--"]) {
      expect((await service.send('GET', `/api/students/${id}`)).status).toBe(404);
      expect((await service.send('DELETE', `/api/students/${id}`)).status).toBe(404);
    }
    const id = await create('students', ada);
    expect((await service.send('GET', `/api/students/${id.toUpperCase()}`)).status).toBe(200);
  });
});

describe('lists', () => {
  beforeEach(async () => {
    for (const [index, code] of ['A', 'B', 'C', 'D', 'E'].entries()) {
      await create('courses', { code, title: `Course ${code}`, credits: index });
    }
  });

  it('go by page', async () => {
    const codes: unknown[] = [];
    let next: string | null = null;
    do {
      const cursor = next === null ? '' : `&cursor=${next}`;
      const page = await bodyOf(
        await service.send('GET', `/api/courses?order=credits.desc&limit=2&count=exact${cursor}`),
      );
      expect(page['count']).toBe(5);
      codes.push(...page.data.map(({ code }) => code));
      next = page.next;
    } while (next !== null);
    expect(codes).toEqual(['E', 'D', 'C', 'B', 'A']);
  });

  it('are filtered', async () => {
    const page = await bodyOf(
      await service.send('GET', '/api/courses?credits=gte.1&credits=lt.4&title=ilike.*COURSE*&select=code&order=code'),
    );
    expect(page).toEqual({ data: [{ code: 'B' }, { code: 'C' }, { code: 'D' }], next: null });
  });

  it("filter by id, which is the client's own there", async () => {
    const { data } = await bodyOf(await service.send('GET', '/api/courses?select=id&order=code&limit=1'));
    const id = data[0]?.['id'] as string;
    expect((await bodyOf(await service.send('GET', `/api/courses?id=eq.${id}`))).data).toHaveLength(1);
    expect((await bodyOf(await service.send('GET', `/api/courses?id=neq.${id}&id=not.is.null`))).data).toHaveLength(4);
  });

  it('answer 400 with each wrong parameter', async () => {
    const response = await service.send('GET', '/api/courses?credits=3&colour=eq.red&limit=501');
    expect(response.status).toBe(400);
    expect((await bodyOf(response)).errors.map(({ path }) => path)).toEqual(['limit', 'credits', 'colour']);
  });

  it('have a head', async () => {
    const response = await service.send('HEAD', '/api/courses');
    expect([response.status, await response.text(), response.headers.get('db-bookmark')]).toEqual([
      200,
      '',
      expect.any(String),
    ]);
  });
});

it('knows the tables that there are only', async () => {
  for (const name of ['nope', 'Students', 'constructor', '__proto__', 'students%00']) {
    const response = await service.send('GET', `/api/${name}`);
    expect([response.status, await bodyOf(response)]).toMatchObject([
      404,
      { detail: expect.stringContaining('courses, enrollments') },
    ]);
  }
});

it('serves any other table', async () => {
  const id = await create('samples', { label: 'x', moment: '2026-01-01T00:00:00+01:00' });
  const path = `/api/samples/${id}`;
  expect(await bodyOf(await service.send('GET', path))).toMatchObject({
    open: true,
    amount: null,
    moment: '2025-12-31T23:00:00.000000Z',
  });
  expect((await service.send('PATCH', path, { json: { ratio: 0.5, parent_id: id } })).status).toBe(200);
  expect(
    (await bodyOf(await service.send('GET', '/api/samples?ratio=gt.0.4&moment=lt.2026-01-01T00:00:00Z'))).data,
  ).toHaveLength(1);
  expect((await service.send('DELETE', path)).status).toBe(204);
});

describe('the address', () => {
  it('alone says which table and row are meant', async () => {
    const id = await create('students', ada);
    const other = await create('students', { name: 'Bob', email: 'bob@example.org' });
    for (const query of [`id=${other}`, `id=eq.${other}`, 'table=courses', `id=${id}&id=${other}`]) {
      const response = await service.send('DELETE', `/api/students/${id}?${query}`);
      expect([response.status, service.database.writes.length]).toEqual([400, 2]);
    }
    expect((await service.send('GET', '/api/students?table=courses')).status).toBe(400);
    expect((await service.send('DELETE', `/api/students/${id}`)).status).toBe(204);
    expect((await service.send('GET', `/api/students/${other}`)).status).toBe(200);
  });

  it('may have what the platform puts there for itself', async () => {
    expect((await service.send('GET', '/api/students?x-vercel-protection-bypass=abc&_vercel_share=x')).status).toBe(
      200,
    );
  });
});

describe('tables of other kinds', () => {
  const path = `/api/${encodeURIComponent('a.b c/"d')}`;

  it('have names, and keys of several columns, with any characters', async () => {
    const k = 'x,/"%é y';
    const created = await service.send('POST', path, { json: { k, n: '9007199254740993', v: 'v' } });
    const row = { k, n: '9007199254740993', v: 'v', g: 'v!' };
    expect([created.status, await bodyOf(created)]).toEqual([201, row]);
    const location = created.headers.get('location') ?? '';
    expect(location).toBe(`${path}/9007199254740993,x%2C%2F%22%25%C3%A9%20y`);
    expect(await bodyOf(await service.send('GET', location))).toEqual(row);
    expect(await bodyOf(await service.send('PATCH', location, { json: { v: 'w' } }))).toMatchObject({
      v: 'w',
      g: 'w!',
    });
    expect(await bodyOf(await service.send('PUT', location, { json: {} }))).toMatchObject({ v: null, g: null });
    expect((await bodyOf(await service.send('GET', `${path}?k=eq.${encodeURIComponent(k)}`))).data).toHaveLength(1);
    for (const wrong of ['9007199254740993', '9007199254740993,a,b', 'x,y', '1,x'])
      expect((await service.send('GET', `${path}/${wrong}`)).status).toBe(404);
    const generated = await service.send('PATCH', location, { json: { g: 'x' } });
    expect([generated.status, (await bodyOf(generated)).errors]).toEqual([
      422,
      [{ path: 'g', message: 'is computed by the database; leave it out' }],
    ]);
    expect((await service.send('DELETE', location)).status).toBe(204);
  });

  it('may stand in another schema', async () => {
    const created = await service.send('POST', '/api/shop.goods', { json: { code: 'a', price: 9.5 } });
    expect([created.status, created.headers.get('location')]).toEqual([201, '/api/shop.goods/a']);
    expect(await bodyOf(created)).toEqual({ code: 'a', price: '9.50' });
  });

  it('may have no key: rows are listed and matched, and have no address', async () => {
    const created = await service.send('POST', '/api/bare', { json: { x: 1, select: 's' } });
    expect([created.status, created.headers.get('location'), created.headers.get('etag')]).toEqual([201, null, null]);
    expect(await bodyOf(await service.send('GET', '/api/bare?%22select%22=eq.s'))).toEqual({
      data: [{ x: 1, select: 's' }],
      next: null,
    });
    expect(await bodyOf(await service.send('PATCH', '/api/bare?x=eq.1', { json: { x: 2 } }))).toEqual({ updated: 1 });
    expect((await service.send('GET', '/api/bare/1')).status).toBe(404);
    expect(await bodyOf(await service.send('DELETE', '/api/bare?x=eq.2'))).toEqual({ deleted: 1 });
  });

  it('may be views, which are read', async () => {
    await service.send('POST', path, { json: { k: 'k', n: 1, v: 'v' } });
    expect((await bodyOf(await service.send('GET', '/api/few?v=eq.v'))).data).toEqual([{ n: '1', v: 'v' }]);
    for (const [method, address] of [
      ['POST', '/api/few'],
      ['PATCH', '/api/few?n=eq.1'],
      ['DELETE', '/api/few?n=eq.1'],
      ['PUT', '/api/few/1'],
      ['DELETE', '/api/few/1'],
    ] as const) {
      const response = await service.send(method, address, method === 'DELETE' ? {} : { json: { v: 'x' } });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
      expect((await bodyOf(response))['detail']).toMatch(/few can only be read.*view/);
    }
  });

  it('are found as soon as they are there', async () => {
    expect((await service.send('GET', '/api/later')).status).toBe(404);
    await service.database.write((_queries, scope) => scope.run('CREATE TABLE later (id INTEGER PRIMARY KEY)'));
    expect((await service.send('POST', '/api/later', { json: { id: 7 } })).status).toBe(201);
    await service.database.write((_queries, scope) => scope.run('ALTER TABLE later ADD COLUMN words VARCHAR'));
    expect(await bodyOf(await service.send('PATCH', '/api/later/7', { json: { words: 'w' } }))).toEqual({
      id: 7,
      words: 'w',
    });
  });
});
