/** The modes of TLS, against a server that has a certificate and one that has none. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openPostgresDatabase } from '../../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime as runtime } from '../../../../lib/runtime.ts';
import { sql } from 'kysely';
import { type PostgresServer, startPostgres } from '../../../support/servers/postgres.ts';

let secure: PostgresServer;
let plain: PostgresServer;

beforeAll(async () => {
  [secure, plain] = await Promise.all([startPostgres({ tls: true }), startPostgres()]);
});
afterAll(async () => {
  await Promise.all([secure.close(), plain.close()]);
});

/** Whether the connection is encrypted, and whose certificate it showed. */
async function connect(url: string, parameters: string): Promise<unknown> {
  const database = await openPostgresDatabase({
    connectionString: `${url}?${parameters}`,
    driver: 'pg',
    migrations: [],
    runtime,
  });
  onTestFinished(() => database.close());
  const { value } = await database.read(async (queries) => {
    const { rows } = await sql<{ ssl: boolean; client: string | null }>`
      SELECT ssl, client_dn AS client FROM pg_stat_ssl WHERE pid = pg_backend_pid()`.execute(queries);
    return rows[0];
  });
  return value;
}

const named = (url: string): string => url.replace('127.0.0.1', 'localhost');

describe('a server with TLS', () => {
  it.each([
    ['sslmode=disable', false],
    ['sslmode=prefer', true],
    ['', true],
    ['sslmode=require', true],
    ['sslmode=verify-ca&sslrootcert=$CA', true],
    ['sslmode=verify-full&sslrootcert=$CA', true],
    ['sslmode=require&channel_binding=require', true],
    ['sslmode=require&channel_binding=disable', true],
  ])('%s', async (parameters, ssl) => {
    const given = parameters.replace('$CA', encodeURIComponent(secure.tls!.authority));
    expect(await connect(secure.url(), given)).toEqual({ ssl, client: null });
    expect(await connect(named(secure.url()), given)).toEqual({ ssl, client: null });
  });

  it('is shown a client’s certificate', async () => {
    const { clientCertificate, clientKey } = secure.tls!;
    const parameters = new URLSearchParams({ sslmode: 'require', sslcert: clientCertificate, sslkey: clientKey });
    expect(await connect(secure.url(), parameters.toString())).toEqual({ ssl: true, client: '/CN=postgres' });
  });

  it.each([
    ['sslmode=verify-full', 'an authority that is not known'],
    ['sslmode=verify-ca&sslrootcert=$OTHER', 'another authority'],
    ['sslmode=require&sslrootcert=$OTHER', 'another authority, as libpq has it'],
    ['ssl=true', 'an authority that is not known, as pg has it'],
  ])('%s refuses %s', async (parameters) => {
    const given = parameters.replace('$OTHER', encodeURIComponent(secure.tls!.otherAuthority));
    await expect(connect(secure.url(), given)).rejects.toMatchObject({
      kind: 'denied',
      message: expect.stringMatching(/^The certificate of PostgreSQL is not accepted/),
      hint: expect.stringContaining('sslrootcert'),
    });
  });

  it('of another name passes verify-ca, and not verify-full', async () => {
    // An address of loopback that the certificate does not have.
    await secure.run(`ALTER SYSTEM SET listen_addresses = '127.0.0.1,127.0.0.2'`);
    await secure.stop();
    await secure.start();
    const url = secure.url().replace('127.0.0.1', '127.0.0.2');
    const authority = `sslrootcert=${encodeURIComponent(secure.tls!.authority)}`;
    expect(await connect(url, `sslmode=verify-ca&${authority}`)).toMatchObject({ ssl: true });
    await expect(connect(url, `sslmode=verify-full&${authority}`)).rejects.toMatchObject({ kind: 'denied' });
  });
});

describe('a server without TLS', () => {
  it.each(['', 'sslmode=prefer', 'sslmode=disable'])('is spoken to: %s', async (parameters) => {
    expect(await connect(plain.url(), parameters)).toEqual({ ssl: false, client: null });
  });

  it.each(['sslmode=require', 'sslmode=verify-full', 'ssl=true'])('is not: %s', async (parameters) => {
    await expect(connect(plain.url(), parameters)).rejects.toMatchObject({
      kind: 'denied',
      message: 'The server does not offer TLS, which the sslmode in DATABASE_URL requires.',
    });
  });

  it('does not get a password that is to be bound', async () => {
    await expect(connect(plain.url(), 'channel_binding=require')).rejects.toMatchObject({
      kind: 'denied',
      message: 'PostgreSQL does not bind the password to its certificate.',
    });
  });
});
