import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError, type ErrorKind } from '../../../lib/errors.ts';
import { lineLog } from '../../../lib/http/log.ts';
import { localRequest } from '../../support/requests.ts';
import { type Service, startService } from '../../support/service.ts';
import { problemType } from '../../support/problems.ts';

let service: Service;

beforeEach(async () => {
  service = await startService();
});
afterEach(() => service.app.close());

type Problem = Record<string, unknown>;
const problemOf = async (response: Response) => (await response.json()) as Problem;
const ada = { name: 'Ada', email: 'ada@example.org' };

describe('headers', () => {
  it('say what served, which version, how it is kept and how long it took', async () => {
    const response = await service.send('POST', '/api/students', { json: ada });
    const bookmark = response.headers.get('db-bookmark');
    expect(Number(bookmark)).toBeGreaterThan(0);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'db-backend': 'local',
      'db-durability': 'durable',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'server-timing': 'wait;dur=0, open;dur=0, db;dur=1.25, total;dur=0',
      'x-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(response.headers.has('db-degraded')).toBe(false);
    const again = await service.send('GET', '/api/students', {
      headers: { 'db-bookmark': bookmark ?? '', 'x-vercel-id': 'fra1::x' },
    });
    expect([again.status, again.headers.get('db-bookmark'), again.headers.get('x-request-id')]).toEqual([
      200,
      bookmark,
      'fra1::x',
    ]);
  });

  it('have a bookmark that is a version', async () => {
    for (const bookmark of ['', 'x', '-1', '1.5', '1e3', '9'.repeat(16)]) {
      const response = await service.send('GET', '/api/students', { headers: { 'db-bookmark': bookmark } });
      expect([response.status, await problemOf(response)]).toMatchObject([400, { errors: [{ path: 'db-bookmark' }] }]);
    }
  });

  it('leave a version that is not there yet to the database', async () => {
    const response = await service.send('GET', '/api/students', { headers: { 'db-bookmark': '999' } });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
  });

  it('say that an answer is degraded, in plain ASCII, and that a write is pending', async () => {
    service.database.trouble = { degraded: 'primary away – since 5\nminutes', durability: 'pending' };
    const created = await service.send('POST', '/api/students', { json: ada });
    expect(created.status).toBe(202);
    expect(created.headers.get('db-degraded')).toBe('primary away since 5 minutes');
    expect(created.headers.get('db-durability')).toBe('pending');
    const path = created.headers.get('location') ?? '';
    expect((await service.send('PATCH', path, { json: { name: 'B' } })).status).toBe(202);
    expect((await service.send('DELETE', path)).status).toBe(202);
  });

  it('are on errors too', async () => {
    const response = await service.send('GET', '/api/nope');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('server-timing')).toMatch(/^wait;dur=0, .*total;dur=/);
  });
});

const send = (body: string | Uint8Array<ArrayBuffer>, type = 'application/json') =>
  service.send('POST', '/api/students', { body, headers: { 'content-type': type } });

describe('bodies', () => {
  it('may be JSON in UTF-8', async () => {
    expect((await send(JSON.stringify(ada), 'Application/JSON; Charset="utf-8"')).status).toBe(201);
    const path = '/api/students?select=id';
    const { data } = (await (await service.send('GET', path)).json()) as { data: [{ id: string }] };
    const patch = { body: '{"name":"B"}', headers: { 'content-type': 'application/merge-patch+json' } };
    expect((await service.send('PATCH', `/api/students/${data[0].id}`, patch)).status).toBe(200);
  });

  it.each([
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'application/merge-patch+json',
    'application/jsonx',
  ])('of the type "%s" are 415', async (type) => {
    const response = await send('{}', type);
    expect([response.status, await problemOf(response)]).toMatchObject([
      415,
      { type: problemType('unsupported-media-type') },
    ]);
  });

  it('over 1 MB are 413, whatever their headers say', async () => {
    const large = `{"name":"${'x'.repeat(1024 * 1024)}"}`;
    expect((await send(large)).status).toBe(413);
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
        if (pulled > 1000) controller.close();
      },
    });
    const headers = { 'content-type': 'application/json', 'content-length': '10' };
    expect((await service.send('POST', '/api/students', { body, headers })).status).toBe(413);
    expect(pulled).toBeLessThan(30);
  });

  it.each([
    ['', 'at its end it expects a value'],
    ['{"name":', 'at its end it expects a value'],
    ['{"name":"A",\n  "email":x}', 'at line 2, column 11 it expects a value'],
    ['{"name":"A","name":"B"}', 'at line 1, column 13 it has the field "name" twice'],
    [new Uint8Array([0x22, 0xff, 0x22]), 'The body is not UTF-8'],
  ])('%j is 400', async (body, detail) => {
    const response = await send(body);
    expect([response.status, (await problemOf(response))['detail']]).toEqual([400, expect.stringContaining(detail)]);
  });
});

describe('errors', () => {
  it.each<[ErrorKind, number, string]>([
    ['conflict', 409, problemType('conflict')],
    ['invalid', 422, problemType('invalid-input')],
    ['not-found', 404, problemType('not-found')],
    ['unavailable', 503, problemType('unavailable')],
    ['denied', 503, problemType('backend-denied')],
    ['indeterminate', 500, problemType('indeterminate')],
    ['outdated', 503, problemType('outdated')],
    ['corrupt', 500, problemType('corrupt')],
  ])('of the kind %s are %i', async (kind, status, type) => {
    service.database.trouble = { fail: new AppError(kind, 'secret words', { hint: 'a hint', retryAfterMs: 1500 }) };
    const path = '/api/students/0193f0c0-0000-7000-8000-000000000001';
    const response = await service.send('PATCH', path, { json: { name: 'Ada' } });
    const problem = await problemOf(response);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(problem).toMatchObject({ type, status, title: expect.any(String), detail: expect.any(String) });
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '2' : null);
    // What is wrong behind the request is for the log.
    expect(JSON.stringify(problem).includes('secret words')).toBe(status < 500);
    expect(service.log).toMatchObject(status < 500 ? [] : [{ level: 'error', status, method: 'PATCH', path }]);
  });

  it('that are defects are 500 without a word of them, and logged', async () => {
    service.database.trouble = { fail: new TypeError('secret words') };
    const response = await service.send('GET', '/api/students?name=eq.Ada');
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret');
    expect(service.log).toMatchObject([
      { path: '/api/students', error: { message: 'secret words' }, requestId: response.headers.get('x-request-id') },
    ]);
  });

  it('are one line of JSON in the log, with their causes', () => {
    const lines: string[] = [];
    const log = lineLog(
      () => 0,
      (line) => lines.push(line),
    );
    log({
      level: 'error',
      message: 'm',
      error: new AppError('unavailable', 'outer', { cause: new Error('inner\nline') }),
    });
    log({ level: 'warning', message: 'm', error: 'a string' });
    expect(lines.every((line) => !line.includes('\n'))).toBe(true);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      time: '1970-01-01T00:00:00.000Z',
      error: { kind: 'unavailable', message: 'outer', cause: { message: 'inner\nline' } },
    });
  });

  it('of a client that went away are nobody’s', async () => {
    const abort = new AbortController();
    service.database.trouble = { fail: new Error('aborted') };
    abort.abort();
    await service.endpoints.list(localRequest('/api/students', { signal: abort.signal }));
    expect(service.log).toEqual([]);
  });
});

describe('methods that are not served', () => {
  it('are 405 with those that are', async () => {
    const refused = await service.endpoints.refuse(
      new Request('http://localhost/api/students', { method: 'DELETE' }),
      'GET, HEAD, POST',
    );
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, POST']);
    expect(await problemOf(refused)).toMatchObject({ type: problemType('method-not-allowed') });
    const asked = await service.endpoints.refuse(
      new Request('http://localhost/api/students', { method: 'OPTIONS' }),
      'GET',
    );
    expect([asked.status, asked.headers.get('allow')]).toEqual([204, 'GET']);
  });

  it('and those that are, are what the functions export', async () => {
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
    const files = [
      await import('../../../api/db-status.ts'),
      await import('../../../api/db-sync.ts'),
      await import('../../../api/[table]/index.ts'),
      await import('../../../api/[table]/[id].ts'),
    ];
    for (const exported of files as Record<string, (request: Request) => Promise<Response>>[]) {
      expect(Object.keys(exported).toSorted()).toEqual(methods.toSorted());
      const options = await exported['OPTIONS']?.(new Request('http://localhost/api/x', { method: 'OPTIONS' }));
      const allowed = options?.headers.get('allow')?.split(', ') ?? [];
      const refused = methods.filter((method) => exported[method] === exported['OPTIONS'] && method !== 'OPTIONS');
      expect([...allowed, ...refused, 'OPTIONS'].toSorted()).toEqual(methods.toSorted());
    }
  });
});

describe('after the answer', () => {
  it('the database gets its time, once a request', async () => {
    await service.send('POST', '/api/students', { json: ada });
    await service.send('GET', '/api/nope');
    await Promise.all(service.waited);
    expect([service.waited.length, service.database.maintained]).toEqual([2, 2]);
  });
});
