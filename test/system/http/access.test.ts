/** Every route, every role, on Vercel and on a local machine. A route or method without a row here fails. */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import type { Environment } from '../../../lib/config/variables.ts';
import { functionNames } from '../../../lib/http/relations.ts';
import { loadRoutes, type Route, routesOn } from '../../support/routes.ts';
import { type Service, startService } from '../../support/service.ts';

const tokens = {
  ADMIN_TOKEN: 'admin-token-of-some-length',
  API_TOKEN: 'api-token-of-some-length',
  CRON_SECRET: 'cron-secret-of-some-length',
};
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const here = { 'x-real-ip': '127.0.0.1' };

interface Caller {
  readonly environment: Environment;
  readonly headers: Readonly<Record<string, string>>;
  readonly host?: string;
}

/** Who asks, where, and what is set. Each letter is a column of the table below. */
const callers = {
  // Tokens are set; where the request comes from does not matter, nor whether on Vercel.
  a: { environment: tokens, headers: bearer(tokens.ADMIN_TOKEN) },
  t: { environment: tokens, headers: bearer(tokens.API_TOKEN) },
  c: { environment: tokens, headers: bearer(tokens.CRON_SECRET) },
  n: { environment: tokens, headers: here },
  w: { environment: tokens, headers: { ...here, ...bearer('a-token-of-nobody') } },
  p: { environment: { ...tokens, PUBLIC_READ: 'true' }, headers: {} },
  // The same on Vercel.
  A: { environment: { ...tokens, VERCEL: '1' }, headers: bearer(tokens.ADMIN_TOKEN) },
  T: { environment: { ...tokens, VERCEL: '1' }, headers: bearer(tokens.API_TOKEN) },
  C: { environment: { ...tokens, VERCEL: '1' }, headers: bearer(tokens.CRON_SECRET) },
  N: { environment: { ...tokens, VERCEL: '1' }, headers: here },
  W: { environment: { ...tokens, VERCEL: '1' }, headers: { ...here, ...bearer('a-token-of-nobody') } },
  P: { environment: { ...tokens, VERCEL: '1', PUBLIC_READ: 'true' }, headers: {} },
  // None is set: from this machine, from its network, from a page elsewhere; on Vercel; on Vercel with public reading.
  l: { environment: {}, headers: here },
  r: { environment: {}, headers: { 'x-real-ip': '192.168.1.20' } },
  b: { environment: {}, headers: { ...here, origin: 'https://evil.example' } },
  V: { environment: { VERCEL: '1' }, headers: here },
  R: { environment: { VERCEL: '1', PUBLIC_READ: 'true' }, headers: here },
  // A token is set, and cannot be used.
  y: { environment: { ADMIN_TOKEN: 'short' }, headers: here },
  x: { environment: { ADMIN_TOKEN: 'short' }, headers: { ...here, ...bearer('short') } },
} satisfies Record<string, Caller>;

/** Who may: the letters of callers. All others are refused with 401 or 403. */
const everyone = 'atcnpATCNPlrbVRy';
const tables = 'atATl';
const administrators = 'aAl';
const expected: Readonly<Record<string, string>> = {
  'GET /api/db-status': everyone,
  'HEAD /api/db-status': everyone,
  // From this machine without a token it could be what a page of another origin makes a browser send.
  'GET /api/db-sync': 'aAcC',
  'POST /api/db-sync': administrators,
  'GET /api/[table]': `${tables}pPR`,
  'HEAD /api/[table]': `${tables}pPR`,
  'POST /api/[table]': tables,
  'PATCH /api/[table]': tables,
  'DELETE /api/[table]': tables,
  'GET /api/[table]/[id]': `${tables}pPR`,
  'HEAD /api/[table]/[id]': `${tables}pPR`,
  'PUT /api/[table]/[id]': tables,
  'PATCH /api/[table]/[id]': tables,
  'DELETE /api/[table]/[id]': tables,
  'GET /api/changes': tables,
  'HEAD /api/changes': tables,
  'POST /api/sql': `${tables}pPR`,
  'GET /api/catalog': `${tables}pPR`,
  'HEAD /api/catalog': `${tables}pPR`,
  // Without a table: everything.
  'GET /api/export': administrators,
  'HEAD /api/export': administrators,
  'POST /api/import': tables,
  'PUT /api/import': tables,
  'DELETE /api/import': tables,
  'GET /api/rest/v1/[table]': `${tables}pPR`,
  'HEAD /api/rest/v1/[table]': `${tables}pPR`,
  'POST /api/rest/v1/[table]': tables,
  'PATCH /api/rest/v1/[table]': tables,
  'PUT /api/rest/v1/[table]': tables,
  'DELETE /api/rest/v1/[table]': tables,
  'GET /api/rest/v1/rpc/[name]': `${tables}pPR`,
  'HEAD /api/rest/v1/rpc/[name]': `${tables}pPR`,
  'POST /api/rest/v1/rpc/[name]': `${tables}pPR`,
  'GET /api/openapi': tables,
  'HEAD /api/openapi': tables,
};

let routes: Route[];
const services = new Map<string, Service>();
let opened = 0;

beforeAll(async () => {
  routes = await loadRoutes();
});
afterAll(() => Promise.all([...services.values()].map(({ app }) => app.close())));

async function serviceFor(environment: Environment): Promise<Service> {
  const key = JSON.stringify(environment);
  const service = services.get(key) ?? (await startService({ environment, onOpen: () => (opened += 1) }));
  services.set(key, service);
  // The plain database has no log.
  const page = { sets: [], oldest: 0, head: 1 };
  service.database.changes = async () => ({ value: page, version: 1, durability: 'durable', timings: {} });
  return service;
}

const row = '0193f0c0-0000-7000-8000-00000000dead';

interface Outcome {
  readonly response: Response;
  /** Refused with 401 or 403. */
  readonly isRefused: boolean;
  /** Of the body, or of the database, something was touched. */
  readonly isTouched: boolean;
}

async function outcomeOf(route: Route, method: string, caller: Caller): Promise<Outcome> {
  const { endpoints } = await serviceFor(caller.environment);
  const { served } = routesOn(endpoints).find(({ path }) => path === route.path)!;
  const address = route.path.replace('[table]', 'students').replace('[id]', row).replace('[name]', 'nothing');
  // A PUT of this grammar names its row in a filter.
  const search = method === 'PUT' && address.startsWith('/api/rest/') ? `?id=eq.${row}` : '';
  const host = caller.environment['VERCEL'] ? 'https://eider.example' : 'http://localhost:3000';
  let wasRead = false;
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    wasRead = true;
    controller.enqueue(new TextEncoder().encode('{"name":"Ada","email":"ada@example.org"}'));
    controller.close();
  };
  const body = new ReadableStream<Uint8Array>({ pull }, { highWaterMark: 0 });
  const sends = ['POST', 'PUT', 'PATCH'].includes(method) ? { body, duplex: 'half' as const } : {};
  const headers = { 'content-type': 'application/json', ...caller.headers };
  const before = opened;
  const response = await served[method]!(
    new Request(new URL(`${address}${search}`, host), { method, headers, ...sends }),
  );
  const isRefused = [401, 403].includes(response.status);
  return { response, isRefused, isTouched: wasRead || opened > before };
}

/** What a function exports for the methods that it does not serve. */
const unserved = ({ served }: Route) => Object.keys(served).filter((method) => served[method] === served['OPTIONS']);

test('every route and method has a row, and no row is of none', () => {
  const found = routes.flatMap((route) =>
    Object.keys(route.served)
      .filter((method) => !unserved(route).includes(method))
      .map((method) => `${method} ${route.path}`),
  );
  expect(found.toSorted()).toEqual(Object.keys(expected).toSorted());
});

test('no table answers where a function does', () => {
  const first = routes.map(({ path }) => path.split('/')[2] ?? '').filter((name) => !name.startsWith('['));
  // What is under rest, its own routes say.
  expect([...functionNames].toSorted()).toEqual([...new Set([...first, 'rest'])].toSorted());
});

const letters = Object.keys(callers) as (keyof typeof callers)[];
const cases = Object.entries(expected).flatMap(([name, allowed]) =>
  letters.map((letter) => ({ name, letter, allowed })),
);

describe.each(letters)('the caller %s', (letter) => {
  const caller: Caller = callers[letter];
  const mine = cases.filter((each) => each.letter === letter);
  const of = (name: string): [Route, string] => {
    const [method = '', path] = name.split(' ');
    return [routes.find((route) => route.path === path)!, method];
  };

  it.each(mine.filter(({ allowed }) => allowed.includes(letter)))('may $name', async ({ name }) => {
    const { isRefused, response } = await outcomeOf(...of(name), caller);
    expect(isRefused).toBe(false);
    // A wrong configuration leaves the summary alone, which says so.
    const isServed = [200, 201, 204, 400, 404, 409, 422].includes(response.status);
    expect({ status: response.status, isServed }).toEqual({ status: response.status, isServed: letter !== 'y' });
  });

  it.each(mine.filter(({ allowed }) => !allowed.includes(letter)))('may not $name', async ({ name }) => {
    const [route, method] = of(name);
    const { response, isRefused, isTouched } = await outcomeOf(route, method, caller);
    expect({ isRefused, isTouched }).toEqual({ isRefused: true, isTouched: false });
    const hasTokens = Object.keys(caller.environment).some((variable) => variable in tokens);
    expect(response.headers.get('www-authenticate') ?? '').toMatch(hasTokens ? /^Bearer realm="eider"/ : /^$/);
    const told = ['db-bookmark', 'db-backend', 'db-durability', 'location'].filter((header) =>
      response.headers.has(header),
    );
    expect(told).toEqual([]);
    const said = await response.text();
    expect(said).toMatch(method === 'HEAD' ? /^$/ : refusalOf(response.status));
    expect(Object.values(tokens).filter((token) => said.includes(token))).toEqual([]);
  });

  it('is told which methods there are', async () => {
    for (const route of routes) {
      for (const method of unserved(route)) {
        const { response, isTouched } = await outcomeOf(route, method, caller);
        const status = method === 'OPTIONS' ? 204 : 405;
        expect([route.path, method, response.status, isTouched]).toEqual([route.path, method, status, false]);
        expect(response.headers.get('allow')).toMatch(/^[A-Z]+(?:, [A-Z]+)*$/);
      }
    }
  });
});

/** A problem document that says what is needed. */
function refusalOf(status: number): RegExp {
  const type = status === 401 ? 'unauthorized' : 'forbidden';
  return new RegExp(`^\\{"type":"[^"]+/docs/errors\\.md#${type}".*"status":${status},.*(?:ADMIN_TOKEN|authorization)`);
}
