/** The proxy that has faults, before a server that counts. */
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FaultPlan } from '../../support/servers/faults.ts';
import { bodyOf, listen, type Listening } from '../../support/servers/http.ts';
import { type Proxy, type ProxyOptions, startProxy } from '../../support/servers/proxy.ts';

const text = 'the answer of the server';
let server: Listening;
let proxy: Proxy;
let faults: FaultPlan;
let seen: { method: string; path: string; host: string; token: string | undefined; body: string }[];

beforeEach(async () => {
  seen = [];
  faults = new FaultPlan();
  server = await listen((incoming, outgoing) => void respond(incoming, outgoing));
});

afterEach(async () => {
  await proxy.close();
  await server.close();
});

async function respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const { method = '', url: path = '', headers } = incoming;
  const body = await bodyOf(incoming);
  const token = headers['x-token']?.toString();
  seen.push({ method, path, host: headers.host ?? '', token, body: body.toString() });
  outgoing.writeHead(201, { 'x-from': 'server' }).end(text);
}

async function start(options: Partial<ProxyOptions> = {}): Promise<void> {
  proxy = await startProxy({ target: `http://127.0.0.1:${server.port}`, faults, ...options });
}

function ask(path = '/', init: RequestInit = {}): Promise<Response> {
  return fetch(`${proxy.url}${path}`, init);
}

const always = () => true;

describe('the proxy', () => {
  test('passes on method, path, query, body, headers and answer, and leaves the host alone', async () => {
    await start();
    const answer = await ask('/a%2Fb?x=1&y', { method: 'PUT', body: 'sent', headers: { 'x-token': 't' } });
    expect([answer.status, answer.headers.get('x-from'), await answer.text()]).toEqual([201, 'server', text]);
    expect(seen).toEqual([
      { method: 'PUT', path: '/a%2Fb?x=1&y', host: new URL(proxy.url).host, token: 't', body: 'sent' },
    ]);
    expect(proxy).toMatchObject({ requests: 1, connections: 1 });
  });

  test('passes on an answer without a body to HEAD, with its length', async () => {
    await start();
    const headers = await new Promise((resolve) => {
      request(proxy.url, { method: 'HEAD' }, (answer) => {
        answer.resume();
        resolve(answer.headers);
      }).end();
    });
    expect(headers).toMatchObject({ 'x-from': 'server' });
    expect(seen).toHaveLength(1);
  });

  test('meets as many requests with a fault as were planned, of those that match', async () => {
    await start();
    faults.add(({ path, method }) => method === 'GET' && path === '/a', { kind: 'answer', status: 503, body: 'no' }, 2);
    expect((await ask('/b')).status).toBe(201);
    for (const status of [503, 503, 201]) expect((await ask('/a')).status).toBe(status);
    expect(seen.map(({ path }) => path)).toEqual(['/b', '/a']);
    expect(faults.pending).toBe(0);
  });

  test('cuts before: nothing happened', async () => {
    await start();
    faults.add(always, { kind: 'cut-before' });
    await expect(ask('/', { method: 'POST', body: 'x' })).rejects.toThrow('fetch failed');
    expect(seen).toEqual([]);
  });

  test('cuts after: it happened, and nobody was told', async () => {
    await start();
    faults.add(always, { kind: 'cut-after' });
    await expect(ask('/', { method: 'POST', body: 'x' })).rejects.toThrow('fetch failed');
    expect(seen).toHaveLength(1);
  });

  test.for([0, 5])('cuts the body after %i bytes, of which the client gets every one', async (bytes) => {
    await start();
    faults.add(always, { kind: 'cut-body', bytes });
    const answer = await ask();
    expect(answer.headers.get('content-length')).toBe(String(text.length));
    const received: number[] = [];
    const reading = (async () => {
      for await (const chunk of answer.body!) received.push(...(chunk as Uint8Array));
    })();
    await expect(reading).rejects.toThrow('terminated');
    expect(Buffer.from(received).toString()).toBe(text.slice(0, bytes));
  });

  test('answers in the place of the server, with headers', async () => {
    await start();
    faults.add(always, { kind: 'answer', status: 429, body: '<e/>', headers: { 'retry-after': '7' } });
    const answer = await ask();
    expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([429, '7', '<e/>']);
    expect(seen).toEqual([]);
  });

  test('waits where it is told to', async () => {
    await start({ latencyMs: 40, bytesPerSecond: 1000 });
    faults.add(always, { kind: 'delay', ms: 100 });
    const begun = performance.now();
    await (await ask('/', { method: 'POST', body: 'x'.repeat(60) })).text();
    // 40 and 40 there and back, 60 to send, 24 to receive, and 100 by the fault.
    expect(performance.now() - begun).toBeGreaterThan(255);
    expect(seen).toHaveLength(1);
  });

  test('rewrites headers, and lets who stands around answer', async () => {
    await start({
      rewrite: ({ headers }) => ({ ...headers, 'x-token': 'new' }),
      around: async ({ path }, body, forward) =>
        path === '/mine' ? { status: 299, headers: {}, body: Buffer.from(`mine ${body.toString()}`) } : forward(),
    });
    await ask('/', { headers: { 'x-token': 't' } });
    expect(seen).toMatchObject([{ path: '/', token: 'new' }]);
    const answer = await ask('/mine', { method: 'POST', body: 'x' });
    expect([answer.status, await answer.text()]).toEqual([299, 'mine x']);
    expect(seen).toHaveLength(1);
  });

  test('cuts the connection when the server is away', async () => {
    await start();
    await server.close();
    await expect(ask()).rejects.toThrow('fetch failed');
    server = await listen(() => undefined);
  });
});
