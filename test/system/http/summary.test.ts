import { describe, expect, it } from 'vitest';
import { AppError } from '../../../lib/errors.ts';
import { startService } from '../../support/service.ts';

const ADMIN_TOKEN = 'admin-token-of-some-length';
const API_TOKEN = 'api-token-of-some-length';
const tokens = { ADMIN_TOKEN, API_TOKEN };
const canary = 'zqcanary7';
const store = {
  S3_BUCKET: `${canary}-bucket`,
  S3_KEY: `${canary}/school.db`,
  S3_ENDPOINT: `https://${canary}.example.com`,
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: canary,
};

type Body = Record<string, unknown>;
const bodyOf = async (response: Response) => (await response.json()) as Body;
const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe('what anyone learns of db-status', () => {
  it('is whether it works', async () => {
    const service = await startService({ environment: { ...tokens, ...store } });
    const response = await service.send('GET', '/api/db-status');
    expect([response.status, await bodyOf(response)]).toEqual([
      200,
      {
        status: 'ok',
        message: 'Data persists with external DuckDB storage',
        hint: expect.stringContaining('ADMIN_TOKEN'),
      },
    ]);
  });

  it.each([
    ['without tokens', {}, /^This deployment is closed until ADMIN_TOKEN or API_TOKEN is set/],
    ['that everyone may read', { PUBLIC_READ: 'true' }, /^For all but reading tables, this deployment is closed until/],
    ['with a token for the API', { API_TOKEN }, /^With ADMIN_TOKEN set/],
  ])('is how to open it, on a deployment %s', async (_, access, expected) => {
    const service = await startService({ environment: { VERCEL: '1', ...store, ...access } });
    const { hint } = await bodyOf(await service.send('GET', '/api/db-status'));
    expect(hint).toMatch(expected);
  });

  it.each([
    ['all is well', {}, {}],
    ['it is degraded', {}, { degraded: `${canary} is away` }],
    ['the store fails', {}, { fail: new AppError('denied', `${canary} says no`, { hint: canary }) }],
    ['there is a defect', {}, { fail: new TypeError(canary) }],
    ['the configuration is wrong', { DATABASE_URL: canary, GCS_BUCKET: `${canary}/` }, {}],
    ['a token is wrong', { CRON_SECRET: canary }, {}],
  ])('names no place and no reason when %s', async (_, wrong, trouble) => {
    for (const environment of [
      { ...store, ...wrong, ...tokens },
      { ...store, ...wrong, VERCEL: '1' },
    ]) {
      const service = await startService({ environment });
      service.database.trouble = trouble;
      for (const caller of [{}, as(API_TOKEN)]) {
        const response = await service.send('GET', '/api/db-status', caller);
        const told = (await response.text()) + JSON.stringify([...response.headers]);
        expect([401, 200, 503]).toContain(response.status);
        expect(told).not.toContain(canary);
        const isDegraded = 'degraded' in trouble && response.status === 200;
        expect(told.includes('a standby answers')).toBe(isDegraded);
        expect(told).not.toMatch(/DATABASE_URL|GCS_BUCKET|S3_|candidates|location/);
        expect(['db-backend', 'db-degraded', 'db-bookmark'].filter((name) => response.headers.has(name))).toEqual([]);
        const list = await service.send('GET', '/api/students', caller);
        // What serves, and why, is told with each answer, in words for everyone.
        if ('degraded' in trouble) list.headers.delete('db-degraded');
        expect((await list.text()) + JSON.stringify([...list.headers])).not.toContain(canary);
      }
    }
  });

  it('is for API_TOKEN also what serves, and its version', async () => {
    const service = await startService({ environment: { ...store, ...tokens } });
    expect(await bodyOf(await service.send('GET', '/api/db-status', as(API_TOKEN)))).toMatchObject({
      status: 'ok',
      backend: 's3',
      engine: 'duckdb',
      persistent: true,
      version: 0,
    });
  });

  it('is everything for ADMIN_TOKEN, also when the configuration is wrong', async () => {
    const service = await startService({ environment: { ...tokens, DATABASE_URL: canary } });
    expect(await bodyOf(await service.send('GET', '/api/db-status', as(ADMIN_TOKEN)))).toMatchObject({
      status: 'down',
      message: expect.stringContaining('DATABASE_URL'),
      candidates: { length: 7 },
    });
  });

  it('was looked at in the last ten seconds, once for all who ask', async () => {
    const service = await startService({ environment: tokens });
    const ask = async () => (await bodyOf(await service.send('GET', '/api/db-status')))['status'];
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['ok', 'ok', 'ok']);
    service.database.trouble = { fail: new AppError('unavailable', 'The folder is gone.') };
    expect(await ask()).toBe('ok');
    service.runtime.advance(10_000);
    expect(await Promise.all([ask(), ask()])).toEqual(['down', 'down']);
    expect(service.log).toMatchObject([{ error: { message: 'The folder is gone.' } }]);
    service.database.trouble = {};
    expect(await ask()).toBe('down');
    service.runtime.advance(10_000);
    expect(await ask()).toBe('ok');
  });
});
