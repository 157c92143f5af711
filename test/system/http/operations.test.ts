import { describe, expect, it } from 'vitest';
import { AppError } from '../../../lib/errors.ts';
import { startService } from '../../support/service.ts';

type Body = Record<string, unknown>;
const bodyOf = async (response: Response) => (await response.json()) as Body;

describe('db-status', () => {
  it('says all that the design names', async () => {
    const service = await startService();
    const { app } = service;
    await service.send('POST', '/api/students', { json: { name: 'Ada', email: 'ada@example.org' } });
    const response = await service.send('GET', '/api/db-status');
    expect(response.status).toBe(200);
    expect(await bodyOf(response)).toEqual({
      status: 'ok',
      message: expect.stringMatching(/^Data is in \/.*student_courses.db on this machine$/),
      degraded: null,
      outage: null,
      backend: 'local',
      engine: 'duckdb',
      persistent: false,
      location: 'memory',
      databaseId: '00000000-0000-4000-8000-000000000000',
      version: 1,
      candidates: expect.any(Array),
      checkpoint: { version: null, at: null, bytes: null, recordsSince: 1 },
      pendingWrites: 0,
      rejectedWrites: [],
      strandedWrites: [],
      transfers: [],
      usage: null,
      mirror: null,
      warnings: [],
    });
    expect(response.headers.get('db-bookmark')).toBe('1');
    await app.close();
  });

  it('has the message of an external store, and a reason for every candidate', async () => {
    const service = await startService({ environment: { NETWORK_DB_PATH: '/mnt/share/', AWS_ACCESS_KEY_ID: 'x' } });
    const body = await bodyOf(await service.send('GET', '/api/db-status'));
    expect(body).toMatchObject({
      message: 'Data persists with external DuckDB storage',
      backend: 'network',
      persistent: true,
    });
    const candidates = body['candidates'] as { backend: string; state: string; reason: string }[];
    expect(candidates.map(({ backend }) => backend)).toEqual([
      'postgres',
      'network',
      'volume',
      'blob',
      's3',
      'gcs',
      'local',
    ]);
    expect(candidates.find(({ state }) => state === 'chosen')?.backend).toBe('network');
    expect(candidates.every(({ reason }) => reason.length > 0)).toBe(true);
  });

  it('is degraded when the database says so of its answers', async () => {
    const service = await startService();
    const { database } = service;
    database.trouble = { degraded: 'the primary is away' };
    const response = await service.send('GET', '/api/db-status');
    expect([response.status, await bodyOf(response)]).toMatchObject([
      200,
      { status: 'degraded', degraded: 'the primary is away' },
    ]);
  });

  it('is down, with the reason, when the database does not answer', async () => {
    const service = await startService();
    const { database, log } = service;
    database.trouble = { fail: new AppError('unavailable', 'The folder is gone.', { hint: 'Mount it.' }) };
    const response = await service.send('GET', '/api/db-status');
    expect([response.status, response.headers.get('retry-after'), await bodyOf(response)]).toMatchObject([
      503,
      '5',
      {
        status: 'down',
        message: 'The folder is gone. Mount it.',
        backend: 'local',
        version: null,
        candidates: { length: 7 },
      },
    ]);
    expect(log).toHaveLength(1);
  });

  it('is down, and still lists the candidates, when the configuration is wrong', async () => {
    const service = await startService({ environment: { DATABASE_URL: 'secret' } });
    const response = await service.send('GET', '/api/db-status');
    const body = await bodyOf(response);
    expect(response.status).toBe(503);
    expect(body).toMatchObject({
      status: 'down',
      message: expect.stringContaining('DATABASE_URL'),
      backend: null,
      engine: null,
    });
    expect(body['candidates']).toContainEqual(expect.objectContaining({ backend: 'postgres', state: 'invalid' }));
    expect(JSON.stringify(body)).not.toContain('secret');
    // And a request for rows is not told that it was wrong.
    expect((await service.send('GET', '/api/students')).status).toBe(503);
  });

  it('logs a wrong token of its own once, however many come with another one', async () => {
    const service = await startService({ environment: { ADMIN_TOKEN: 'too short' } });
    for (let index = 0; index < 5; index++)
      await service.send('GET', '/api/students', { headers: { authorization: `Bearer ${index}` } });
    const told = service.log.filter(({ message }) => message.startsWith('The configuration is wrong'));
    expect(told).toHaveLength(1);
  });

  it('has no words for a defect', async () => {
    const service = await startService({ open: () => Promise.reject(new TypeError('secret')) });
    const { log } = service;
    const response = await service.send('GET', '/api/db-status');
    expect([response.status, JSON.stringify(await bodyOf(response)).includes('secret'), log.length]).toEqual([
      503,
      false,
      1,
    ]);
  });

  it('warns on Vercel that the cron is refused, unless it has its secret', async () => {
    const ADMIN_TOKEN = 'admin-token-of-some-length';
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const warningsOf = async (environment: Record<string, string>) => {
      const service = await startService({ environment: { ADMIN_TOKEN, ...environment } });
      return (await bodyOf(await service.send('GET', '/api/db-status', { headers })))['warnings'];
    };
    expect(await warningsOf({ VERCEL: '1' })).toEqual([expect.stringContaining('CRON_SECRET is not set')]);
    expect(await warningsOf({ VERCEL: '1', CRON_SECRET: 'cron-secret-of-some-length' })).toEqual([]);
    expect(await warningsOf({})).toEqual([]);
  });

  it('knows no parameters', async () => {
    const service = await startService();
    expect((await service.send('GET', '/api/db-status?x=1')).status).toBe(400);
  });
});

describe('db-sync', () => {
  it('never says that the request was wrong when the store was', async () => {
    const service = await startService();
    service.database.sync = () => Promise.reject(new AppError('not-found', 'snapshot 7 is gone'));
    expect((await service.send('POST', '/api/db-sync')).status).toBe(503);
    expect(service.log).toMatchObject([{ error: { message: 'snapshot 7 is gone' } }]);
  });

  it('answers what was done, to POST and to the cron’s GET', async () => {
    const secret = 'the-cron-secret-of-some-length';
    const service = await startService({
      environment: { CRON_SECRET: secret, ADMIN_TOKEN: 'an-admin-token-of-some-length' },
    });
    const { database, waited } = service;
    for (const [method, token] of [
      ['POST', 'an-admin-token-of-some-length'],
      ['GET', secret],
    ] as const) {
      const response = await service.send(method, '/api/db-sync', { headers: { authorization: `Bearer ${token}` } });
      expect([response.status, await bodyOf(response)]).toEqual([200, await database.sync()]);
      expect(response.headers.get('db-bookmark')).toBe('0');
    }
    await Promise.all(waited);
    expect(database.maintained).toBe(2);
  });

  it('tells of its progress to who asks for events, and of its end', async () => {
    const service = await startService();
    const { database } = service;
    const report = await database.sync();
    let finish = (): void => undefined;
    database.sync = () => new Promise((resolve) => (finish = () => resolve(report)));
    const transfer = { direction: 'upload', key: 'k', bytes: 1, totalBytes: 2 } as const;
    const status = await database.status();
    database.status = async () => {
      finish();
      return { ...status, transfers: [transfer] };
    };
    const response = await service.send('POST', '/api/db-sync', { headers: { accept: 'text/event-stream' } });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(await response.text()).toBe(
      `event: progress\ndata: ${JSON.stringify({ transfers: [transfer] })}\n\n` +
        `event: done\ndata: ${JSON.stringify(report)}\n\n`,
    );
  });

  it('ends its events with the problem, and logs it', async () => {
    const service = await startService();
    service.database.sync = () => Promise.reject(new AppError('unavailable', 'secret'));
    const response = await service.send('POST', '/api/db-sync', { headers: { accept: 'text/event-stream' } });
    const text = await response.text();
    expect(text).toMatch(/event: problem\ndata: \{"type":"[^"]+#unavailable".*\n\n$/);
    expect(text).not.toContain('secret');
    expect(service.log).toHaveLength(1);
  });

  it('goes on when the listener leaves', async () => {
    const service = await startService();
    const { database } = service;
    const report = await database.sync();
    let ended = false;
    let finish = (): void => undefined;
    database.sync = async () => {
      await new Promise<void>((resolve) => (finish = resolve));
      ended = true;
      return report;
    };
    const response = await service.send('POST', '/api/db-sync', { headers: { accept: 'text/event-stream' } });
    await response.body!.cancel();
    finish();
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(true);
  });
});
