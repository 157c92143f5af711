import { EventEmitter } from 'node:events';
import { waitUntil } from '@vercel/functions';
import { expect, test } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { serve, type ServeOptions } from '../../../lib/server/serve.ts';
import type { Fetch } from '../../../lib/http/router.ts';

interface Running {
  readonly exitCode: Promise<number>;
  readonly signals: EventEmitter;
  /** What happened, in order. */
  readonly events: string[];
  /** The address, once it is said. */
  readonly url: Promise<string>;
  readonly log: string[];
}

function start(fetch: Fetch, options: Partial<ServeOptions> = {}): Running {
  const signals = new EventEmitter();
  const events: string[] = [];
  const log: string[] = [];
  const { promise: url, resolve } = Promise.withResolvers<string>();
  const app = {
    closeOnlyWhenAsked: () => void events.push('app is ours'),
    close: async () => void events.push('app closed'),
  };
  const exitCode = serve({
    port: '0',
    environment: {},
    load: () => Promise.resolve({ fetch, app }),
    signals,
    runtime: systemRuntime,
    out: (line) => resolve(/^Eider serves (\S+)\n$/.exec(line)?.[1] ?? ''),
    log: (line) => void log.push(line),
    ...options,
  });
  return { exitCode, signals, events, url, log };
}

const nothing: Fetch = () => Promise.resolve(new Response());

test.each(['SIGTERM', 'SIGINT'])('%s: what was begun ends before the database closes', async (signal) => {
  const { promise: work, resolve: finish } = Promise.withResolvers<void>();
  const running = start(async () => {
    waitUntil(work.then(() => running.events.push('work done')));
    return new Response('answered');
  });
  expect(await (await fetch(await running.url)).text()).toBe('answered');
  running.signals.emit(signal);
  running.signals.emit(signal);
  await expect(fetch(await running.url)).rejects.toThrow('fetch failed');
  finish();
  expect(await running.exitCode).toBe(0);
  expect(running.events).toEqual(['app is ours', 'work done', 'app closed']);
});

test('listens on loopback, where it is told to, or where PORT says', async () => {
  for (const options of [
    { port: '0', host: '127.0.0.1' },
    { port: '', environment: { PORT: '0' } },
  ]) {
    const running = start(nothing, options);
    expect(await running.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d+$/);
    running.signals.emit('SIGTERM');
    await running.exitCode;
  }
});

test('says where it is to a program, too', async () => {
  const said: string[] = [];
  const running = start(nothing, { json: true, out: (line) => void said.push(line) });
  await expect.poll(() => said.length).toBe(1);
  expect(JSON.parse(said[0]!)).toEqual({ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]\d+$/) });
  running.signals.emit('SIGTERM');
  expect(await running.exitCode).toBe(0);
});

test('without a port, takes the first that is free from 3000 on', async () => {
  const servers = [start(nothing, { port: '' }), start(nothing, { port: '' })];
  const ports = await Promise.all(servers.map(async ({ url }) => Number(new URL(await url).port)));
  expect(new Set(ports).size).toBe(2);
  for (const port of ports) expect([port >= 3000, port < 3010]).toEqual([true, true]);
  for (const { signals } of servers) signals.emit('SIGINT');
  await Promise.all(servers.map(({ exitCode }) => exitCode));
});

test.each(['x', '65536', '-1'])('PORT=%s is no port', async (PORT) => {
  const { exitCode, log } = start(nothing, { port: '', environment: { PORT } });
  expect([await exitCode, log.join('')]).toEqual([1, expect.stringMatching(/port is not a number/)]);
});

test('an address that is taken is said', async () => {
  const first = start(nothing);
  const { port } = new URL(await first.url);
  const second = start(nothing, { port });
  expect([await second.exitCode, second.log.join('')]).toEqual([1, expect.stringContaining(`127.0.0.1:${port}`)]);
  first.signals.emit('SIGTERM');
  await first.exitCode;
});

test('sources that do not load end it, with the reason', async () => {
  const { exitCode, log } = start(nothing, { load: () => Promise.reject(new SyntaxError('Unexpected token')) });
  expect([await exitCode, log.join('')]).toEqual([1, expect.stringContaining('SyntaxError: Unexpected token')]);
});
