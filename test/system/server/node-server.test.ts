import { once } from 'node:events';
import { Agent, type IncomingMessage, request, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { type NodeServer, startNodeServer } from '../../../lib/server/node-server.ts';
import type { Fetch } from '../../../lib/http/router.ts';

interface Started extends NodeServer {
  readonly port: number;
  send(options: RequestOptions, body?: Buffer | string): Promise<IncomingMessage>;
}

async function start(fetch: Fetch | Promise<Fetch>, graceMs = 0): Promise<Started> {
  const server = await startNodeServer({ fetch, host: '127.0.0.1', port: 0, runtime: systemRuntime, graceMs });
  let isClosed = false;
  const close = () => {
    isClosed = true;
    return server.close();
  };
  onTestFinished(async () => (isClosed ? undefined : server.close()));
  const port = Number(new URL(server.url).port);
  const send = async (options: RequestOptions, body?: Buffer | string): Promise<IncomingMessage> => {
    const sent = request({ host: '127.0.0.1', port, ...options });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response;
  };
  return { url: server.url, close, port, send };
}

/** What a request arrived as. */
const reflect: Fetch = ({ url, method, headers }) =>
  Promise.resolve(Response.json({ url, method, headers: Object.fromEntries(headers) }));

async function reflected(response: IncomingMessage) {
  return JSON.parse(await text(response)) as { url: string; method: string; headers: Record<string, string> };
}

describe('a request', () => {
  test('has the address that the client asked for', async () => {
    const server = await start(reflect);
    const host = 'example.org:81';
    const ask = async (path: string) => (await reflected(await server.send({ path, headers: { host } }))).url;
    expect(await ask('/api/a%2Fb?x=%20y')).toBe(`http://${host}/api/a%2Fb?x=%20y`);
    expect(await ask('//evil.example/x')).toBe(`http://${host}//evil.example/x`);
    expect(await ask('http://evil.example/x')).toBe('http://evil.example/x');
  });

  test('says who its peer is, whatever the client says', async () => {
    const server = await start(reflect);
    const headers = { 'x-real-ip': '10.0.0.1', 'x-forwarded-for': '10.0.0.2', 'x-vercel-id': 'x', 'x-own': 'kept' };
    const { headers: arrived } = await reflected(await server.send({ headers }));
    expect(arrived).toMatchObject({
      'x-real-ip': '127.0.0.1',
      'x-forwarded-for': '10.0.0.2, 127.0.0.1',
      'x-own': 'kept',
    });
    expect(arrived).not.toHaveProperty('x-vercel-id');
  });

  test.each([
    { headers: { host: 'a b' } },
    { headers: { host: 'a/@' } },
    { path: '*', method: 'OPTIONS' },
    { method: 'TRACE' },
  ])('that no page could send is refused: %j', async (options) => {
    const response = await (await start(reflect)).send(options);
    expect([response.statusCode, response.headers['content-type']]).toEqual([400, 'application/problem+json']);
  });

  test('has its body, however large', async () => {
    const server = await start(async (asked) => new Response(String((await asked.bytes()).length)));
    const body = Buffer.alloc(20_000_000, 7);
    expect(await text(await server.send({ method: 'POST' }, body))).toBe('20000000');
  });

  test('whose body nobody reads leaves the connection in order', async () => {
    const server = await start(() => Promise.resolve(new Response('no', { status: 413 })));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    for (let round = 0; round < 3; round++) {
      const response = await server.send({ method: 'POST', agent }, Buffer.alloc(3_000_000));
      expect([response.statusCode, await text(response)]).toEqual([413, 'no']);
    }
  });

  test.each<[string, Fetch]>([
    ['left in the middle', async ({ body }) => new Response(String((await body!.getReader().read()).done))],
    [
      'given up',
      async ({ body }) => {
        for await (const _ of body!) break;
        return new Response('false');
      },
    ],
    [
      'no gzip, as it should be',
      ({ body }) =>
        new Response(body!.pipeThrough(new DecompressionStream('gzip'))).bytes().then(
          () => new Response('true'),
          () => new Response('false'),
        ),
    ],
  ])('whose body is %s leaves the connection in order', async (_, fetch) => {
    const server = await start((asked) => (asked.method === 'POST' ? fetch(asked) : reflect(asked)));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const signal = AbortSignal.timeout(4000);
    for (let round = 0; round < 3; round++) {
      const answered = await server.send({ method: 'POST', agent, signal }, Buffer.alloc(1_100_000, 7));
      expect(await text(answered)).toBe('false');
      expect((await reflected(await server.send({ agent, signal }))).method).toBe('GET');
    }
  });

  test('waits for the handler to be loaded, and shares a connection that is kept', async () => {
    const { promise, resolve } = Promise.withResolvers<Fetch>();
    const server = await start(promise);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => agent.destroy());
    const answers = [server.send({ agent }), server.send({ agent })];
    resolve(reflect);
    const ports = new Set<number | undefined>();
    for (const answer of answers) {
      const response = await answer;
      ports.add(response.socket.localPort);
      await text(response);
    }
    expect(ports.size).toBe(1);
  });

  test('of a client that left is aborted', async () => {
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    const server = await start(({ signal }) => {
      signal.addEventListener('abort', () => resolve());
      return new Promise(() => undefined);
    });
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((done) => setTimeout(done, 50));
    socket.destroy();
    await expect(aborted).resolves.toBeUndefined();
  });
});

describe('an answer', () => {
  const long = 'a text that repeats itself. '.repeat(1000);
  const answering = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
    start(() => Promise.resolve(new Response(body, { headers: { 'content-type': 'text/plain', ...headers } })));
  const accepting = (encodings: string) => ({ headers: { 'accept-encoding': encodings } });

  test.each([
    ['br', 'gzip, deflate, br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['gzip', 'br;q=0, GZIP;q=0.5', gunzipSync],
  ])('is compressed: %s, as the client takes %s', async (encoding, accepted, decode) => {
    const response = await (await answering(long, {})).send(accepting(accepted));
    expect(response.headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' });
    const bytes = await buffer(response);
    expect(bytes.length).toBeLessThan(1000);
    expect(decode(bytes).toString()).toBe(long);
  });

  test.each([
    ['no encoding is taken', {}, long, 'identity'],
    ['it is small', {}, 'short', 'br'],
    ['it is no text', { 'content-type': 'application/vnd.apache.parquet' }, long, 'br'],
    ['it is compressed', { 'content-encoding': 'x-own' }, long, 'br'],
    ['a strong ETag names its bytes', { etag: '"1"' }, long, 'br'],
  ])('goes out as it is when %s', async (_, headers, body, accepted) => {
    const response = await (await answering(body, headers)).send(accepting(accepted));
    expect(response.headers['content-encoding']).toBe('content-encoding' in headers ? 'x-own' : undefined);
    expect(await text(response)).toBe(body);
  });

  test.each(['text/event-stream', 'application/octet-stream'])('arrives piece by piece: %s', async (type) => {
    let push: (piece: string) => void = () => undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => (push = (piece) => controller.enqueue(Buffer.from(piece))),
    });
    const server = await start(() => Promise.resolve(new Response(body, { headers: { 'content-type': type } })));
    push('first');
    const response = await server.send(accepting('br'));
    const [first] = (await once(response, 'data')) as [Buffer];
    push('second');
    const [second] = (await once(response, 'data')) as [Buffer];
    expect([String(first), String(second)]).toEqual(['first', 'second']);
    response.destroy();
  });

  test('that fails in the middle is no whole one', async () => {
    let fail: () => void = () => undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(Buffer.from('half'));
        fail = () => controller.error(new Error('broken'));
      },
    });
    const response = await (await start(() => Promise.resolve(new Response(body)))).send({});
    fail();
    await expect(text(response)).rejects.toThrow('aborted');
  });

  test('of a handler that throws says nothing of why', async () => {
    const response = await (await start(() => Promise.reject(new Error('secret')))).send({});
    expect([response.statusCode, await text(response)]).toEqual([500, expect.not.stringContaining('secret')]);
  });

  test('keeps cookies apart, and none has a body for HEAD', async () => {
    const headers = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ]);
    const server = await start(() => Promise.resolve(new Response(null, { status: 204, headers })));
    const response = await server.send({ method: 'HEAD' });
    expect([response.statusCode, response.headers['set-cookie']]).toEqual([204, ['a=1', 'b=2']]);
  });
});

describe('the end', () => {
  test('waits for answers under way, and takes no more requests', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    const server = await start(() => {
      arrive();
      return promise;
    }, 10_000);
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const answer = server.send({ agent });
    await arrived;
    const closed = server.close();
    await expect(server.send({})).rejects.toThrow('ECONNREFUSED');
    resolve(new Response('done'));
    const response = await answer;
    expect([response.headers.connection, await text(response)]).toEqual(['close', 'done']);
    await closed;
  });

  test('closes a connection whose answer had begun, once it is sent', async () => {
    let finish: () => void = () => undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(Buffer.from('begun'));
        finish = () => controller.close();
      },
    });
    const server = await start(() => Promise.resolve(new Response(body)), 10_000);
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const response = await server.send({ agent });
    const closed = server.close();
    finish();
    expect(await text(response)).toBe('begun');
    await closed;
  });

  test('breaks off streams of events, which never end', async () => {
    const headers = { 'content-type': 'text/event-stream' };
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from('data: 1\n\n')),
    });
    const server = await start(() => Promise.resolve(new Response(body, { headers })), 10_000);
    const response = await server.send({});
    await once(response, 'data');
    const rest = text(response);
    await server.close();
    await expect(rest).rejects.toThrow('aborted');
  });

  test('comes, however long an answer takes', async () => {
    const server = await start(() => new Promise(() => undefined), 50);
    const answer = server.send({}).catch((error: unknown) => error);
    await new Promise((done) => setTimeout(done, 50));
    await server.close();
    expect(await answer).toMatchObject({ code: 'ECONNRESET' });
  });
});

test('an address that is taken is an error that names it', async () => {
  const { port } = await start(reflect);
  const again = startNodeServer({ fetch: reflect, host: '127.0.0.1', port, runtime: systemRuntime });
  await expect(again).rejects.toThrow(`127.0.0.1:${port}`);
});
