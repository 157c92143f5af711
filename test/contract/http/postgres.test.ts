import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onDuckDb, onPostgres } from '../../support/deployments.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';
import type { Service } from '../../support/service.ts';
import { conditionsContract } from './conditions.ts';
import { habitsContract } from './habits.ts';
import { idempotencyContract } from './idempotency.ts';
import { importsContract } from './imports.ts';
import { manyRowsContract } from './many-rows.ts';
import { scriptsContract } from './scripts.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());
const deploy = onPostgres(() => server);

describe('conditions', () => {
  conditionsContract(deploy);
});
describe('the habit tracker', () => {
  habitsContract(deploy);
});
describe('idempotency keys', () => {
  idempotencyContract(deploy);
});
describe('imports', () => {
  importsContract(deploy);
});
describe('many rows', () => {
  manyRowsContract(deploy);
});
describe('scripts with combining marks', () => {
  scriptsContract(deploy);
});

it('gives a row the tag that DuckDB gives it', async () => {
  const services = [await onDuckDb().instance(), await deploy().instance()];
  /** Rows whose times and ids are the same on both: as the one database answers them, written to the other. */
  const tagOf = async (service: Service): Promise<unknown> => {
    const { database } = await service.app.open();
    const row = { code: 'CS1', title: 'Ä 😀 "quoted"', credits: 5, created_at: at, updated_at: at };
    await database.write((queries) =>
      queries
        .insertInto('courses')
        .values({ id, ...row })
        .execute(),
    );
    return (await service.send('GET', `/api/courses/${id}`)).headers.get('etag');
  };
  const [one, other] = await Promise.all(services.map(tagOf));
  expect(one).toBe(other);
});
const id = '0193f0c0-0000-7000-8000-000000000001';
const at = '2026-11-24T04:05:06.789012Z';
