import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { type AppOptions, createApp } from '../../../lib/app.ts';
import type { Database } from '../../../lib/db/database.ts';
import { AppError } from '../../../lib/errors.ts';
import { migrations } from '../../support/migrations.ts';
import { openPlainDatabase, type PlainDatabase } from '../../support/plain-database.ts';
import { testRuntime } from '../../support/runtime.ts';
import { everyBackend } from '../../support/service.ts';

/** `process`, as far as signals go. */
class Signals extends EventEmitter {
  readonly pid = 7;
  readonly killed: [number, string][] = [];
  kill(pid: number, signal: string) {
    this.killed.push([pid, signal]);
  }
}

function makeApp(open: () => Promise<Database>, options: Partial<AppOptions> = {}) {
  const signals = new Signals();
  const factories = everyBackend(open);
  const app = createApp({
    migrations,
    runtime: testRuntime(),
    environment: () => ({}),
    factories,
    signals,
    ...options,
  });
  return { app, signals };
}

describe('opening', () => {
  it('happens once for many first requests, and later ones find it open', async () => {
    let opened = 0;
    const { app, signals } = makeApp(async () => {
      opened += 1;
      return openPlainDatabase([]);
    });
    const all = await Promise.all(Array.from({ length: 20 }, () => app.open()));
    const later = await app.open();
    expect([opened, new Set([...all, later]).size, signals.listenerCount('SIGTERM')]).toEqual([1, 1, 1]);
    await app.close();
  });

  it('that failed is tried again by the next request, and fails for all who waited', async () => {
    let attempts = 0;
    const { app, signals } = makeApp(async () => {
      attempts += 1;
      if (attempts <= 20) throw new AppError('unavailable', 'away');
      return openPlainDatabase([]);
    });
    const first = await Promise.allSettled([app.open(), app.open(), app.open()]);
    expect([first.map(({ status }) => status), attempts]).toEqual([['rejected', 'rejected', 'rejected'], 1]);
    for (let again = 0; again < 19; again += 1) await expect(app.open()).rejects.toMatchObject({ kind: 'unavailable' });
    expect(signals.listenerCount('SIGTERM')).toBe(0);
    await app.open();
    expect(signals.listenerCount('SIGTERM')).toBe(1);
    await app.close();
  });

  it('reads the environment once for each opening, and says which variable is wrong', async () => {
    const environment = vi.fn<() => Record<string, string>>(() => ({ DB_BACKEND: 'floppy' }));
    const { app } = makeApp(() => openPlainDatabase([]), { environment });
    await expect(app.open()).rejects.toMatchObject({ kind: 'unavailable', fields: [{ path: 'DB_BACKEND' }] });
    environment.mockReturnValue({});
    expect((await app.open()).name).toBe('local');
    for (let again = 0; again < 3; again++) {
      expect(app.examine().config).not.toBeNull();
      await app.open();
    }
    expect(environment).toHaveBeenCalledTimes(2);
    await app.close();
  });

  it.each(['invalid', 'not-found', 'conflict'] as const)('never says "%s" of a request', async (kind) => {
    const { app } = makeApp(() => Promise.reject(new AppError(kind, 'the reason', { hint: 'a hint' })));
    await expect(app.open()).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'the reason',
      hint: 'a hint',
      cause: { kind },
    });
  });
});

describe('SIGTERM', () => {
  it('closes the database, then ends the process', async () => {
    const database = await openPlainDatabase([]);
    const { app, signals } = makeApp(async () => database);
    await app.open();
    signals.emit('SIGTERM');
    await settled(() => signals.killed.length > 0);
    expect([database.closed, signals.killed, signals.listenerCount('SIGTERM')]).toEqual([true, [[7, 'SIGTERM']], 0]);
    await expect(app.open()).rejects.toMatchObject({ kind: 'unavailable' });
  });

  it('waits 400 ms for a database that does not close, and no longer', async () => {
    const slept: number[] = [];
    const runtime = { ...testRuntime(), sleep: async (ms: number) => void slept.push(ms) };
    const stuck: PlainDatabase = { ...(await openPlainDatabase([])), close: () => new Promise<void>(() => undefined) };
    const { app, signals } = makeApp(async () => stuck, { runtime });
    await app.open();
    signals.emit('SIGTERM');
    await settled(() => signals.killed.length > 0);
    expect(slept).toEqual([400]);
  });

  it('leaves the end to others who listen', async () => {
    const database = await openPlainDatabase([]);
    const { app, signals } = makeApp(async () => database);
    await app.open();
    signals.on('SIGTERM', () => undefined);
    signals.emit('SIGTERM');
    await settled(() => database.closed);
    await new Promise((resolve) => setImmediate(resolve));
    expect(signals.killed).toEqual([]);
  });

  it('closes a database that is still opening', async () => {
    const database = await openPlainDatabase([]);
    const { promise, resolve: finish } = Promise.withResolvers<Database>();
    const { app } = makeApp(() => promise);
    const opening = app.open();
    const closing = app.close();
    finish(database);
    await Promise.all([opening, closing]);
    expect(database.closed).toBe(true);
  });
});

it('closes without having opened, and leaves no listener', async () => {
  const { app, signals } = makeApp(() => openPlainDatabase([]));
  await app.close();
  expect(signals.listenerCount('SIGTERM')).toBe(0);
});

async function settled(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000 && !condition(); turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(condition()).toBe(true);
}
