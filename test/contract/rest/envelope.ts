import { expect, it, vi } from 'vitest';
import type { SendOptions } from './place.ts';
import { type UsePlace } from './support.ts';

const object = 'application/vnd.pgrst.object+json';

export function envelopeCases(place: UsePlace): void {
  const send = (method: string, path: string, options?: SendOptions) => place().send(method, path, options);
  const get = (path: string, headers: Readonly<Record<string, string>> = {}) => send('GET', path, { headers });
  const told = (response: Response, ...names: readonly string[]) => [
    response.status,
    ...names.map((name) => response.headers.get(name)),
  ];
  const body = async (response: Response) => (await response.json()) as Record<string, unknown>;

  it('answers lists as JSON in UTF-8, with their range', async () => {
    const response = await get('books?select=id&order=id');
    expect(told(response, 'content-range', 'content-type', 'preference-applied')).toEqual([
      200,
      '0-4/*',
      'application/json; charset=utf-8',
      null,
    ]);
    expect(Number(response.headers.get('db-bookmark'))).toBeGreaterThan(0);
    expect(told(await get('books?id=eq.99'), 'content-range')).toEqual([200, '*/*']);
    expect(await body(await get('books?select=title,authors()&id=eq.1'))).toEqual([{ title: 'Emma' }]);
    expect(await body(await get('books?select=&id=eq.1'))).toEqual([{}]);
  });

  it.each([
    ['exact', 'books?select=id', 200, '0-4/5'],
    ['exact', 'books?select=id&limit=2', 206, '0-1/5'],
    ['exact', 'books?select=id&limit=2&offset=4', 206, '4-4/5'],
    ['planned', 'books?select=id&pages=gt.400', 200, '0-1/2'],
    ['estimated', 'books?select=id&limit=1', 206, '0-0/5'],
    ['exact', 'books?id=eq.99', 200, '*/0'],
    ['exact', 'authors?select=id,books!inner(id)', 200, '0-2/3'],
    ['exact', 'books?select=author_id,count()', 200, '0-3/4'],
  ])('counts (%s) %s', async (count, path, status, range) => {
    const response = await get(path, { prefer: `count=${count}` });
    expect(told(response, 'content-range', 'preference-applied')).toEqual([status, range, `count=${count}`]);
    const head = await send('HEAD', path, { headers: { prefer: `count=${count}` } });
    expect([...told(head, 'content-range'), await head.text()]).toEqual([status, range, '']);
  });

  it.each([
    [{ range: '0-1' }, 200, '0-1/*', 2],
    [{ range: '1-', 'range-unit': 'items' }, 200, '1-4/*', 4],
    [{ range: '1-2', prefer: 'count=exact' }, 206, '1-2/5', 2],
    [{ range: 'bytes=0-1' }, 200, '0-4/*', 5],
    [{ range: '0-1', 'range-unit': 'bytes' }, 200, '0-4/*', 5],
  ])('reads the range of %j', async (headers, status, range, rows) => {
    const response = await get('books?select=id&order=id', headers);
    expect([...told(response, 'content-range'), (await body(response))['length']]).toEqual([status, range, rows]);
  });

  it('refuses ranges that are none', async () => {
    for (const response of [
      await get('books?select=id', { range: '5-1' }),
      await get('books?limit=-1'),
      await get('books?offset=9', { prefer: 'count=exact' }),
    ])
      expect([response.status, (await body(response))['code']]).toEqual([416, 'PGRST103']);
    expect((await get('books?limit=x')).status).toBe(400);
  });

  it('answers one object, by its type', async () => {
    const one = await get('books?select=id&id=eq.1', { accept: object });
    expect([...told(one, 'content-type'), await body(one)]).toEqual([200, `${object}; charset=utf-8`, { id: 1 }]);
    const many = await body(await get('books?select=id', { accept: object }));
    expect(many).toMatchObject({
      code: 'PGRST116',
      details: 'The result contains 5 rows',
      hint: null,
      message: 'Cannot coerce the result to a single JSON object',
    });
    const stripped = await get('authors?id=eq.4', { accept: 'application/vnd.pgrst.array+json;nulls=stripped' });
    expect(await body(stripped)).toEqual([{ id: 4, name: 'Anonymous' }]);
    const inJson = await get('books?select=meta&id=eq.3', { accept: `${object};nulls=stripped` });
    expect(await body(inJson)).toEqual({ meta: { sold: 100 } });
  });

  it('answers and takes CSV', async () => {
    const csv = await get('genres?order=id&limit=2', { accept: 'text/csv' });
    expect([...told(csv, 'content-type'), await csv.text()]).toEqual([
      200,
      'text/csv; charset=utf-8',
      'id,label\r\n1,novel\r\n2,romance\r\n',
    ]);
    const text = 'id,name,size,data,list\n1,"a, b",NULL,"{""x"":1}","{1,2}"\n2,plain,5,NULL,NULL\n';
    const headers = { 'content-type': 'text/csv', prefer: 'return=representation' };
    const made = await send('POST', 'things?select=id,name,size,data,list', { body: text, headers });
    expect([made.status, await body(made)]).toEqual([
      201,
      [
        { id: 1, name: 'a, b', size: null, data: { x: 1 }, list: [1, 2] },
        { id: 2, name: 'plain', size: 5, data: null, list: null },
      ],
    ]);
    const uneven = await send('POST', 'things', { body: 'id,name\n3\n', headers });
    expect([uneven.status, (await body(uneven))['code']]).toEqual([400, 'PGRST102']);
    await send('DELETE', 'things?id=gte.0');
  });

  it('writes as Prefer asks', async () => {
    const minimal = await send('POST', 'things', { body: { id: 1 } });
    expect([...told(minimal, 'content-range', 'location', 'content-type'), await minimal.text()]).toEqual([
      201,
      '*/*',
      null,
      null,
      '',
    ]);
    const located = await send('POST', 'things', {
      body: { id: 2 },
      headers: { prefer: 'return=headers-only, count=exact' },
    });
    expect([...told(located, 'content-range', 'location', 'preference-applied'), await located.text()]).toEqual([
      201,
      '*/1',
      '/api/rest/v1/things?id=eq.2',
      'return=headers-only, count=exact',
      '',
    ]);
    const followed = await fetch(new URL(located.headers.get('location') ?? '', place().origin));
    expect(await followed.json()).toMatchObject([{ id: 2 }]);
    const patched = await send('PATCH', 'things?id=gte.1', { body: { size: 1 } });
    expect([...told(patched, 'content-range'), await patched.text()]).toEqual([204, '0-1/*', '']);
    expect(told(await send('PATCH', 'things?id=eq.99', { body: { size: 1 } }), 'content-range')).toEqual([204, '*/*']);
    const two = await send('PATCH', 'things?id=gte.1&select=id&order=id.desc', {
      body: { size: 2 },
      headers: { prefer: 'return=minimal, return=representation' },
    });
    expect(two.status).toBe(204);
    const deleted = await send('DELETE', 'things?id=gte.1&select=id&order=id.desc', {
      headers: { prefer: 'return=representation' },
    });
    expect([...told(deleted, 'content-range'), await body(deleted)]).toEqual([200, '*/*', [{ id: 2 }, { id: 1 }]]);
    const unlike = await send('POST', 'things', { body: [{ id: 1 }, { id: 2, size: 1 }] });
    expect([unlike.status, (await body(unlike))['code']]).toEqual([400, 'PGRST102']);
    const some = await send('POST', 'things?columns=id,size&select=id,name,size', {
      body: [{ id: 1, name: 'not this' }],
      headers: { prefer: 'return=representation' },
    });
    expect(await body(some)).toEqual([{ id: 1, name: 'unnamed', size: null }]);
    await send('DELETE', 'things?id=gte.0');
  });

  it('puts a row at its key', async () => {
    const put = (path: string, row: object, headers = {}) => send('PUT', path, { body: row, headers });
    expect((await put('things?id=eq.1', { id: 1, name: 'new' })).status).toBe(201);
    expect((await put('things?id=eq.1', { id: 1, name: 'newer' })).status).toBe(204);
    const shown = await put(
      'things?id=eq.1&select=name',
      { id: 1, name: 'newest' },
      { prefer: 'return=representation' },
    );
    expect([shown.status, await body(shown)]).toEqual([200, [{ name: 'newest' }]]);
    const pair = await put('pairs?a=eq.1&b=eq.x', { a: 1, b: 'x', value: 'v' }, { prefer: 'return=representation' });
    expect([pair.status, await body(pair)]).toEqual([201, [{ a: 1, b: 'x', value: 'v' }]]);
    for (const [path, row, status, code] of [
      ['things?name=eq.x', { id: 1 }, 405, 'PGRST105'],
      ['pairs?a=eq.1', { a: 1, b: 'x' }, 405, 'PGRST105'],
      ['things?id=eq.1&limit=1', { id: 1 }, 400, 'PGRST114'],
      ['things?id=eq.1', { id: 2 }, 400, 'PGRST115'],
    ] as const) {
      const wrong = await put(path, row);
      expect([wrong.status, (await body(wrong))['code']]).toEqual([status, code]);
    }
    await send('DELETE', 'things?id=gte.0');
    await send('DELETE', 'pairs?a=gte.0');
  });

  it('says which methods there are', async () => {
    expect(told(await send('OPTIONS', 'books'), 'allow')).toEqual([204, 'GET, HEAD, POST, PATCH, PUT, DELETE']);
    expect(told(await send('OPTIONS', 'rpc/add_up'), 'allow')).toEqual([204, 'GET, HEAD, POST']);
  });

  it('keeps to preferences strictly where it is asked to', async () => {
    const strict = await get('books', { prefer: 'handling=strict, count=some, secret=yes' });
    expect(await body(strict)).toMatchObject({
      code: 'PGRST122',
      details: 'Invalid preferences: count=some, secret=yes',
    });
    expect((await get('books', { prefer: 'handling=lenient, count=some' })).status).toBe(200);
    // Without `strict` it is a hint.
    const hint = await send('PATCH', 'genres?id=gte.1', {
      body: { label: 'x' },
      headers: { prefer: 'max-affected=1, tx=rollback' },
    });
    expect(told(hint, 'preference-applied')).toEqual([204, 'tx=rollback']);
  });

  it.each([
    ['reviews?select=id&words=in.("Odd \\"quotes\\" (and brackets)","Short, but good")&order=id', [3, 5]],
    ['reviews?select=id&words=eq.Odd "quotes" (and brackets)', [5]],
    ['books?select=id&title=not.in.(Emma,"War and Peace")&order=id', [2, 4, 5]],
    ['books?select=id&not.or=(id.eq.1,id.eq.2)&order=id', [3, 4, 5]],
    ['books?select=id&not.and=(id.gte.2,id.lte.4)&order=id', [1, 5]],
    ['books?select=id&and=(id.gte.2,or(id.eq.2,id.eq.4))&order=id', [2, 4]],
    ['books?select=id&tags=cd.{classic,"a, b","science fiction",war}&order=id', [2, 3, 4]],
    ['books?select=id&title=like(any).{E*,*fulness,P*}&order=id', [1, 2]],
    ['authors?select=id,books(id)&books.not.or=(id.eq.1,id.eq.3)&id=lte.2&order=id', [1, 2]],
    ['books?select=id&order=price.desc.nullslast,id.asc&limit=2', [3, 4]],
    ['books?select=id&meta->cover->size->>0=eq.10', [1]],
  ])('reads %s', async (path, wanted) => {
    const response = await get(path);
    const rows = (await response.json()) as { id: number }[];
    expect(rows.map(({ id }) => id)).toEqual(wanted);
  });

  it.each([
    ['GET', 'books?select=id,', 400, 'PGRST100'],
    ['GET', 'books?order=id.up', 400, 'PGRST100'],
    ['GET', 'books?select=id&id=in.( 1,2)', 400, '22P02'],
    ['GET', 'books?id=1', 400, 'PGRST100'],
    ['GET', 'books?id=eq.1&select=id&select=title', 400, 'PGRST100'],
    ['GET', 'books?or=(id.eq.1', 400, 'PGRST100'],
    ['GET', 'books?or=()', 400, 'PGRST100'],
    ['GET', 'books?title=fts.emma', 400, 'PGRST100'],
    ['GET', 'nothing?select=id', 404, 'PGRST205'],
    ['POST', 'books', 415, 'PGRST102'],
    ['POST', 'nothing', 415, 'PGRST102'],
    ['DELETE', 'books', 400, '21000'],
  ])('refuses %s %s', async (method, path, status, code) => {
    const response = await send(method, path);
    const { details, ...rest } = await body(response);
    expect([response.status, rest]).toEqual([
      status,
      expect.objectContaining({ code, status, message: expect.any(String) as string }),
    ]);
    expect('hint' in rest && details !== undefined).toBe(true);
  });

  it('refuses bodies that are none', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const text of ['', '{', '[1]', '"x"', '[[{"id":1}]]', '{"id":1,"id":2}']) {
      const response = await send('POST', 'things', { body: text, headers });
      const { code } = await body(response);
      expect([text, response.status, code]).toEqual([text, 400, 'PGRST102']);
    }
  });

  it('lets who may only read write nothing, and nobody without a token', async () => {
    const { origin } = place();
    const asks = (method: string, path: string, init: RequestInit = {}) =>
      fetch(`${origin}/api/rest/v1/${path}`, { method, ...init });
    expect((await asks('GET', 'books?select=id&limit=1')).status).toBe(200);
    const json = { body: '{"id":77,"label":"x"}', headers: { 'content-type': 'application/json' } };
    for (const [method, path] of [
      ['POST', 'genres'],
      ['PATCH', 'genres?id=eq.1'],
      ['PUT', 'genres?id=eq.1'],
      ['DELETE', 'genres?id=eq.1'],
    ] as const) {
      const response = await asks(method, path, method === 'DELETE' ? {} : json);
      expect([method, response.status, (await body(response))['code']]).toEqual([method, 401, 'PGRST302']);
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
    const stranger = await asks('GET', 'books', { headers: { authorization: 'Bearer nobody' } });
    expect([stranger.status, (await body(stranger))['code']]).toEqual([401, 'PGRST301']);
  });

  it('does a write once for its key', async () => {
    const headers = { 'idempotency-key': '"rest-1"', prefer: 'return=representation' };
    const first = await send('POST', 'things', { body: [{ id: 1 }], headers });
    const again = await send('POST', 'things', { body: [{ id: 1 }], headers });
    expect([first.status, again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 201, 'true']);
    expect(await body(again)).toEqual(await body(first));
    const patch = { body: { name: 'twice' }, headers: { ...headers, 'idempotency-key': '"rest-2"' } };
    const patched = [
      await send('PATCH', 'things?id=eq.1&select=name', patch),
      await send('PATCH', 'things?id=eq.1&select=name', patch),
    ];
    expect(await Promise.all(patched.map(body))).toEqual([[{ name: 'twice' }], [{ name: 'twice' }]]);
    await send('DELETE', 'things?id=gte.0');
  });

  it('has no condition for rows', async () => {
    const response = await send('PATCH', 'genres?id=eq.1', { body: { label: 'x' }, headers: { 'if-match': '"x"' } });
    expect(response.status).toBe(412);
  });

  it('answers no more than a thousand rows at once', async () => {
    const rows = Array.from({ length: 1500 }, (_, id) => ({ id, size: id }));
    expect((await send('POST', 'things', { body: rows })).status).toBe(201);
    const all = await get('things?select=id&order=id', { prefer: 'count=exact' });
    expect(told(all, 'content-range')).toEqual([206, '0-999/1500']);
    expect(told(await get('things?select=id&limit=5000'), 'content-range')).toEqual([200, '0-999/*']);
    const gone = await send('DELETE', 'things?id=gte.0&select=id', { headers: { prefer: 'return=representation' } });
    expect(((await gone.json()) as unknown[]).length).toBe(1500);
  });

  it('reads each level by one statement, whatever number of rows it has', async () => {
    const { database } = await place().service.app.open();
    const statements: string[] = [];
    const read = database.read.bind(database);
    const reads = vi.spyOn(database, 'read').mockImplementation((work, options) =>
      read((queries, scope) => {
        const run: typeof scope.run = (text, values) => {
          statements.push(text);
          return scope.run(text, values);
        };
        return work(queries, {
          get catalog() {
            return scope.catalog;
          },
          run,
        });
      }, options),
    );
    const response = await get(
      'authors?select=id,books(id,...authors(name),reviews(id,books(id,genres(id))))&order=id',
    );
    reads.mockRestore();
    expect(((await response.json()) as unknown[]).length).toBe(4);
    expect(statements.length).toBe(5);
  });
}
