import { describe, expect, test } from 'vitest';
import { createRouter, routePath } from '../../../lib/http/router.ts';

test.each([
  ['db-status.ts', '/api/db-status'],
  ['[table]/index.ts', '/api/[table]'],
  ['[table]/[id].ts', '/api/[table]/[id]'],
  ['index.ts', '/api'],
  ['_shared.ts', null],
  ['_shared/x.ts', null],
  ['.hidden.ts', null],
  ['types.d.ts', null],
  ['readme.md', null],
])('the route of %s', (file, path) => expect(routePath(file)).toBe(path));

describe('a request is answered by', () => {
  const paths = [
    '/api/[table]/[id]',
    '/api/[table]',
    '/api/db-status',
    '/api/rest/v1/[table]',
    '/api/rest/v1/rpc/[name]',
  ];
  const router = createRouter(
    paths.map((path) => ({ path, methods: { GET: () => Promise.resolve(new Response(path)), config: {} } })),
  );
  const ask = (path: string, method = 'GET') => router(new Request(`http://localhost${path}`, { method }));

  test.each([
    ['/api/students', '/api/[table]'],
    ['/api/students/', '/api/[table]'],
    ['/api/students?limit=1', '/api/[table]'],
    ['/api/db-status', '/api/db-status'],
    ['/api/db-status/42', '/api/[table]/[id]'],
    ['/api/students/a%2Fb', '/api/[table]/[id]'],
    ['/api/rest/v1', '/api/[table]/[id]'],
    ['/api/rest/v1/students', '/api/rest/v1/[table]'],
    ['/api/rest/v1/rpc/f', '/api/rest/v1/rpc/[name]'],
  ])('%s: %s', async (path, route) => expect(await (await ask(path)).text()).toBe(route));

  test.each(['/', '/api', '/students', '/api/a/b/c', '/other/students'])('none: %s', async (path) => {
    const response = await ask(path);
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      404,
      'application/problem+json',
      'no-store',
    ]);
  });

  test('nothing that is no method of it', async () => {
    const response = await ask('/api/students', 'PUT');
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
    expect((await ask('/api/students', 'config')).status).toBe(405);
    expect((await ask('/api/students', 'toString')).status).toBe(405);
  });
});
