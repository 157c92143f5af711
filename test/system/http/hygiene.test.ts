import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../../support/service.ts';
import { problemType } from '../../support/problems.ts';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.app.close());

const typeOf = async (response: Response) => ((await response.json()) as { type: string }).type;
const row = '/api/students/0193f0c0-0000-7000-8000-00000000dead';

describe('sizes', () => {
  it('an address may have 14 kB', async () => {
    const id = '0193f0c0-0000-7000-8000-00000000dead';
    const path = (ids: number) => `/api/students?id=in.(${Array.from({ length: ids }, () => id).join(',')})`;
    expect((await service.send('GET', path(350))).status).toBe(200);
    const response = await service.send('GET', path(450));
    expect([response.status, await typeOf(response)]).toEqual([414, problemType('address-too-long')]);
  });

  it('the longest cursor fits', async () => {
    // The longest text that a column takes, of characters that are longest in JSON and base64.
    const name = '\u{1F600}'.repeat(200);
    for (const email of ['a@example.org', 'b@example.org']) {
      expect((await service.send('POST', '/api/students', { json: { name, email } })).status).toBe(201);
    }
    const order = 'order=name,email,created_at,updated_at&limit=1';
    const { next } = (await (await service.send('GET', `/api/students?${order}`)).json()) as { next: string };
    expect((await service.send('GET', `/api/students?${order}&cursor=${next}`)).status).toBe(200);
  });

  it('there may be a hundred parameters and a hundred headers', async () => {
    const parameters = (count: number) => Array.from({ length: count }, () => 'name=neq.x').join('&');
    expect((await service.send('GET', `/api/students?${parameters(90)}`)).status).toBe(200);
    expect((await service.send('GET', `/api/students?${parameters(101)}`)).status).toBe(400);
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, 'x']));
    expect(await typeOf(await service.send('GET', '/api/students', { headers: many }))).toBe(
      problemType('headers-too-large'),
    );
    const large = { 'x-large': 'x'.repeat(33_000) };
    expect((await service.send('GET', '/api/students', { headers: large })).status).toBe(431);
  });
});

describe('bodies', () => {
  it('may be compressed, and count as what they unfold to', async () => {
    const send = (
      encoding: string,
      body: string | Uint8Array<ArrayBuffer>,
      type = 'application/json',
      path = '/api/courses',
    ) =>
      service.send('POST', path, {
        body: typeof body === 'string' ? body : new Uint8Array(body),
        headers: { 'content-encoding': encoding, 'content-type': type },
      });
    const course = JSON.stringify({ code: 'CS1', title: 'Computing', credits: 3 });
    expect((await send('gzip', gzipSync(course))).status).toBe(201);
    const csv = 'code,title,credits\nCS2,Logic,3\n';
    expect((await send('gzip', gzipSync(csv), 'text/csv', '/api/import?table=courses')).status).toBe(201);
    expect((await send('gzip', course)).status).toBe(400);
    expect((await send('gzip', gzipSync(course).subarray(0, -9))).status).toBe(400);
    expect((await send('gzip', gzipSync('x'.repeat(9_000_000)))).status).toBe(413);
    const unknown = await send('br', course);
    expect([unknown.status, unknown.headers.get('accept-encoding')]).toEqual([415, 'gzip, deflate']);
  });

  it('of a DELETE would be passed over', async () => {
    const headers = { 'content-length': '2' };
    expect((await service.send('DELETE', row, { headers })).status).toBe(400);
    expect((await service.send('DELETE', row, { headers: { 'content-length': '0' } })).status).toBe(404);
  });
});

describe('accept', () => {
  it.each([
    ['GET', '/api/students', 'text/html', 406],
    ['GET', '/api/students', 'text/html, */*;q=0.1', 200],
    ['POST', '/api/students', 'text/csv', 406],
    ['GET', '/api/db-status', 'application/xml', 406],
    ['POST', '/api/db-sync', 'text/event-stream', 200],
    ['POST', '/api/db-sync', 'text/html', 406],
  ])('%s %s as %s is %i', async (method, path, accept, status) => {
    const writes = service.database.writes.length;
    const response = await service.send(method, path, { headers: { accept } });
    expect([response.status, service.database.writes.length]).toEqual([status, writes]);
    expect(response.headers.get('content-type')).toMatch(status === 406 ? /^application\/problem\+json$/ : /./);
    await response.body?.cancel();
  });
});

it('every answer says that it is data and not to be kept', async () => {
  for (const [method, path] of [
    ['GET', '/api/students'],
    ['GET', '/api/nope'],
    ['HEAD', '/api/db-status'],
  ] as const) {
    const { headers } = await service.send(method, path);
    expect(Object.fromEntries(headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      vary: 'origin',
    });
  }
});

describe('CORS', () => {
  const token = 'api-token-of-some-length';
  const origin = 'https://app.example.com';
  const authorization = `Bearer ${token}`;
  const corsOf = ({ headers }: Response) =>
    Object.fromEntries([...headers].filter(([name]) => name.startsWith('access-control-') || name === 'vary'));
  const withOrigins = (CORS_ORIGINS: string) => startService({ environment: { API_TOKEN: token, CORS_ORIGINS } });
  const preflight = (headers: Record<string, string>) =>
    new Request('http://localhost/api/students', {
      method: 'OPTIONS',
      headers: { ...headers, 'access-control-request-method': 'POST' },
    });

  it('is closed unless an origin is named', async () => {
    const closed = await withOrigins('');
    const answers = [
      await closed.send('GET', '/api/students', { headers: { authorization, origin } }),
      await closed.endpoints.refuse(preflight({ origin }), 'GET, HEAD, POST'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 204]);
    for (const answer of answers) expect(corsOf(answer)).toEqual({ vary: 'origin' });
  });

  it('lets the named origin in, and no other, and asks for no credentials', async () => {
    const open = await withOrigins(`${origin}, http://localhost:5173`);
    for (const [asked, allowed] of [
      [origin, origin],
      ['http://localhost:5173', 'http://localhost:5173'],
      ['https://app.example.com.evil.example', undefined],
      ['https://APP.example.com', undefined],
      ['http://app.example.com', undefined],
      ['null', undefined],
    ] as const) {
      const read = await open.send('GET', '/api/students', { headers: { authorization, origin: asked } });
      expect([asked, corsOf(read)['access-control-allow-origin']]).toEqual([asked, allowed]);
      const before = corsOf(await open.endpoints.refuse(preflight({ origin: asked }), 'GET, HEAD, POST'));
      expect([before['access-control-allow-origin'], before['access-control-allow-methods'], before['vary']]).toEqual([
        allowed,
        allowed && 'GET, HEAD, POST',
        'origin',
      ]);
      expect([corsOf(read), before].some((headers) => 'access-control-allow-credentials' in headers)).toBe(false);
    }
  });

  it('lets the page see refusals, too, and what the headers say', async () => {
    const open = await withOrigins(origin);
    const refused = await open.send('GET', '/api/students', { headers: { origin } });
    expect([refused.status, corsOf(refused)]).toMatchObject([
      401,
      {
        'access-control-allow-origin': origin,
        'access-control-expose-headers': expect.stringContaining('db-bookmark'),
      },
    ]);
    const asked = corsOf(await open.endpoints.refuse(preflight({ origin }), 'GET, HEAD, POST'));
    expect(asked['access-control-allow-headers']?.split(', ')).toEqual(
      expect.arrayContaining(['authorization', 'content-type', 'db-bookmark', 'idempotency-key', 'if-match']),
    );
  });

  it('may be open to all', async () => {
    const open = await withOrigins('*');
    const read = await open.send('GET', '/api/students', { headers: { authorization, origin } });
    expect(corsOf(read)['access-control-allow-origin']).toBe('*');
  });
});

describe('the log', () => {
  it('has a line a request when asked for, without what is in it', async () => {
    const chatty = await startService({ environment: { LOG_REQUESTS: 'true' } });
    await chatty.send('GET', '/api/students?name=eq.canary&limit=1');
    await chatty.send('GET', '/api/students/canary@example.org');
    await chatty.send('GET', row);
    expect(chatty.log).toMatchObject([
      { level: 'info', method: 'GET', path: '/api/students', status: 200, role: 'local', ms: 0 },
      { level: 'info', path: '/api/students/…', status: 404 },
      { level: 'info', path: row, status: 404, requestId: expect.any(String) },
    ]);
    expect(JSON.stringify(chatty.log)).not.toContain('canary');
    expect(service.log).toEqual([]);
  });

  it('says which token cannot be used, to an operator whose token is refused', async () => {
    const wrong = await startService({ environment: { ADMIN_TOKEN: 'short' } });
    const response = await wrong.send('GET', '/api/students', { headers: { authorization: 'Bearer short' } });
    expect([response.status, ((await response.json()) as { hint: string }).hint]).toEqual([
      401,
      expect.stringContaining('its log says'),
    ]);
    expect(wrong.log).toMatchObject([
      { level: 'error', message: expect.stringContaining('ADMIN_TOKEN must be at least') },
    ]);
  });
});

describe('when there is too much to do', () => {
  it('a request is told when to come again, and nobody logs it', async () => {
    const one = { running: 1, waiting: 0, runningBytes: 1e6, waitingBytes: 1e6, maxWaitMs: 1000 };
    const small = await startService({
      loadLimits: { read: one, write: one, query: one, transfer: one, events: one, free: one },
    });
    const answers = await Promise.all(Array.from({ length: 5 }, () => small.send('GET', '/api/students')));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 503, 503, 503, 503]);
    const shed = answers.find(({ status }) => status === 503)!;
    expect([shed.headers.get('retry-after'), await typeOf(shed), small.log]).toEqual([
      '1',
      problemType('overloaded'),
      [],
    ]);
    expect((await small.send('GET', '/api/students')).status).toBe(200);
    // One after another there is room, also after errors and after answers without a body.
    for (const [method, path] of [
      ['GET', '/api/nope'],
      ['HEAD', '/api/students'],
      ['DELETE', row],
      ['POST', '/api/db-sync'],
    ] as const) {
      for (let round = 0; round < 3; round += 1) expect((await small.send(method, path)).status).not.toBe(503);
    }
  });

  it('streams of events are counted while they last', async () => {
    const one = { running: 1, waiting: 0, runningBytes: 1e6, waitingBytes: 1e6, maxWaitMs: 1000 };
    const small = await startService({
      loadLimits: { read: one, write: one, query: one, transfer: one, events: one, free: one },
    });
    const listen = () => small.send('POST', '/api/db-sync', { headers: { accept: 'text/event-stream' } });
    const first = await listen();
    expect([first.status, (await listen()).status]).toEqual([200, 503]);
    await first.text();
    const again = await listen();
    expect(again.status).toBe(200);
    await again.body?.cancel();
    expect((await listen()).status).toBe(200);
  });
});
