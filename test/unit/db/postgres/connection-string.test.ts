/** DATABASE_URL as settings: libpq's meanings, and nothing of it in an error. */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { locationOf, readConnectionString, tlsOptions } from '../../../../lib/db/postgres/connection-string.ts';
import { openPostgresDatabase } from '../../../../lib/db/postgres/postgres-database.ts';
import { systemRuntime } from '../../../../lib/runtime.ts';

const modeOf = (parameters: string, host = 'h') =>
  readConnectionString(`postgres://u:p@${host}/db?${parameters}`).tls.mode;

describe('the parts', () => {
  it('are decoded, and have libpq’s defaults', () => {
    expect(readConnectionString('postgres://us%40er:p%23%2F%3F%40%3A%20w@[::1]/d%C3%A4ta')).toMatchObject({
      host: '::1',
      port: 5432,
      user: 'us@er',
      password: 'p#/?@: w',
      database: 'däta',
      applicationName: 'eider',
      options: null,
      connectTimeoutMs: null,
      maxConnections: null,
      channelBinding: 'prefer',
    });
  });

  it('can be parameters', () => {
    const url =
      'postgresql:///?host=/var/run/postgresql&port=5433&user=u&password=p&dbname=d&application_name=app' +
      '&options=-c%20search_path%3Dschool&connect_timeout=2&connection_limit=3&channel_binding=require';
    expect(readConnectionString(url)).toMatchObject({
      host: '/var/run/postgresql',
      port: 5433,
      user: 'u',
      password: 'p',
      database: 'd',
      tls: { mode: 'disable' },
      applicationName: 'app',
      options: '-c search_path=school',
      connectTimeoutMs: 2000,
      maxConnections: 3,
      channelBinding: 'require',
    });
  });

  it('that may be shown are host, port and database', () => {
    expect(locationOf(readConnectionString('postgres://ada:secret@[::1]:5433/school?sslmode=require'))).toBe(
      'postgres://[::1]:5433/school',
    );
    expect(locationOf(readConnectionString('postgres://ada:secret@db.example.org'))).toBe(
      'postgres://db.example.org:5432/ada',
    );
  });
});

describe('TLS', () => {
  it.each([
    ['', 'prefer'],
    ['sslmode=disable', 'disable'],
    ['sslmode=allow', 'prefer'],
    ['sslmode=prefer', 'prefer'],
    ['sslmode=require', 'require'],
    ['sslmode=require&sslrootcert=/ca.pem', 'verify-ca'],
    ['sslmode=require&sslrootcert=system', 'verify-full'],
    ['sslmode=verify-ca&sslrootcert=/ca.pem', 'verify-ca'],
    ['sslmode=verify-full', 'verify-full'],
    ['sslmode=no-verify', 'require'],
    ['ssl=true', 'verify-full'],
    ['ssl=no-verify', 'require'],
    ['ssl=0', 'disable'],
    ['sslmode=require&uselibpqcompat=true', 'require'],
  ])('%s is %s', (parameters, mode) => {
    expect(modeOf(parameters)).toBe(mode);
  });

  it('checks what its mode promises', async () => {
    const optionsOf = (parameters: string) => tlsOptions(readConnectionString(`postgres://u:p@h/db?${parameters}`).tls);
    expect(await optionsOf('sslmode=disable')).toBe(false);
    expect(await optionsOf('sslmode=require')).toEqual({ rejectUnauthorized: false });
    expect(await optionsOf('sslmode=verify-full')).toEqual({ rejectUnauthorized: true });
    const pem = encodeURIComponent('-----BEGIN CERTIFICATE-----\nAb+/=\n-----END CERTIFICATE-----\n');
    expect(await optionsOf(`sslmode=verify-ca&sslrootcert=${pem}&sslpassword=x`)).toEqual({
      rejectUnauthorized: true,
      checkServerIdentity: expect.any(Function),
      ca: decodeURIComponent(pem),
      passphrase: 'x',
    });
    await expect(optionsOf('sslmode=verify-full&sslrootcert=/nowhere/ca.pem')).rejects.toMatchObject({
      kind: 'invalid',
      message: 'The file that sslrootcert in DATABASE_URL names cannot be read.',
    });
  });

  it.each([
    ['sslmode=verify-ca', /verify-ca without sslrootcert/],
    ['sslmode=Require', /unknown sslmode/],
    ['sslmode=require&sslcrl=/x', /sslcrl, which is not supported/],
    ['ssl_min_protocol_version=TLSv1.3', /not supported/],
    ['channel_binding=maybe', /unknown channel_binding/],
  ])('that is not understood is refused: %s', (parameters, message) => {
    expect(() => modeOf(parameters)).toThrow(message);
  });
});

describe('an error', () => {
  it.each([
    'zqCanary',
    'postgres://u:zqCanary%@h/db',
    'postgres://u:p@h/db?port=zqCanary',
    'postgres://u:p@h/db?sslmode=zqCanary',
    'postgres://u:p@h/db?connection_limit=zqCanary',
  ])('shows nothing of the text: %s', (text) => {
    let thrown: unknown;
    try {
      readConnectionString(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ kind: 'invalid', message: expect.stringContaining('DATABASE_URL') });
    for (let error = thrown; error instanceof Error; error = error.cause) {
      const all = Object.getOwnPropertyNames(error).map((name) => String(Reflect.get(error as object, name)));
      expect(all.join('\n')).not.toContain('zqCanary');
    }
  });
});

describe('secrets', () => {
  const canary = 'zqCanary7';
  const pem = `-----BEGIN PRIVATE KEY-----\n${canary}${canary}\n-----END PRIVATE KEY-----\n`;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const forms: readonly string[] = [
    canary,
    `/no/such/${canary}.pem`,
    pem,
    ` \n${pem}`,
    pem.replaceAll('\n', '\\n'),
    pem.replaceAll('\n', ' '),
    base64(pem),
    base64(canary.repeat(300)),
    `'${pem}'`,
    `"${base64(pem)}"`,
    canary.repeat(1000),
  ];
  const secret = (text: string): readonly string[] => [canary, base64(text).slice(0, 20), base64(pem).slice(0, 60)];

  /** All that the log of an error can show. */
  function everythingOf(error: unknown): string {
    return inspect(error, { depth: 10, showHidden: true, maxStringLength: Infinity });
  }

  async function failureOf(url: string): Promise<unknown> {
    return openPostgresDatabase({ connectionString: url, driver: 'pg', migrations: [], runtime: systemRuntime }).then(
      () => null,
      (error: unknown) => error,
    );
  }

  it.each(['sslkey', 'sslcert', 'sslrootcert', 'sslpassword'])('in %s are in no error', async (parameter) => {
    for (const form of forms) {
      const url = `postgres://u@127.0.0.1:1/db?sslmode=require&${parameter}=${encodeURIComponent(form)}`;
      const said = everythingOf(await failureOf(url));
      expect(said).toContain('AppError');
      for (const part of secret(form)) expect([parameter, form.slice(0, 20), said.includes(part)]).toContain(false);
    }
  });

  it.each([
    `postgres://u:12#${canary}@127.0.0.1:1/db`,
    `postgres://u:12?${canary}@127.0.0.1:1/db`,
    `postgres://u:12/${canary}@127.0.0.1:1/db`,
    `postgres://u:${canary}%@127.0.0.1:1/db`,
    `postgres://u:${canary}@127.0.0.1:1/db`,
    `postgres://u@127.0.0.1:1/db?password=${canary}`,
    `postgres://u@127.0.0.1:1/db?sslmode=${canary}`,
    `postgres://u@127.0.0.1:1/db?connect_timeout=${canary}`,
    `${canary}://u@127.0.0.1:1`,
    `postgres//u:${canary}@127.0.0.1:1`,
  ])('%# of a password that is not encoded are in no error', async (url) => {
    const said = everythingOf(await failureOf(url));
    expect(said).toContain('AppError');
    expect(said).not.toContain(canary);
    expect(said).not.toContain('u:12');
  });

  it.each(['#', '?', '/'])('in a password with a bare %s are no path, and not shown as one', (character) => {
    expect(() => readConnectionString(`postgres://u:12${character}34@h/db`)).toThrow(/percent-encoded/);
  });

  it('are read as PEM, however it was encoded', async () => {
    for (const form of [pem, ` \n${pem}`, base64(pem), pem.replaceAll('\n', '\\n')]) {
      const { tls } = readConnectionString(`postgres://u@h/db?sslmode=require&sslkey=${encodeURIComponent(form)}`);
      expect(await tlsOptions(tls)).toMatchObject({ key: pem });
    }
  });
});
