import { describe, expect, test } from 'vitest';
import type { BackendSettings } from '../../../lib/config/backends.ts';
import { examineEnvironment, readConfig } from '../../../lib/config/config.ts';
import type { Environment } from '../../../lib/config/variables.ts';
import { completeEnvironment, serviceAccount } from './environments.ts';

const keys = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
const role = 'arn:aws:iam::123456789012:role/eider';

/** The settings of the chosen backend, with `parts` of them compared. */
type Case = [name: string, environment: Environment, settings: Partial<Record<string, unknown>>];

function chosen(environment: Environment): BackendSettings {
  return readConfig(environment).chosen;
}

function problems(environment: Environment): readonly string[] {
  return examineEnvironment(environment).problems.map((problem) => problem.message);
}

const network = (directory: string, name: string): object => ({
  backend: 'network',
  directory,
  name,
  createDirectory: false,
});
const local = (directory: string, name: string): object => ({
  backend: 'local',
  directory,
  name,
  createDirectory: true,
});
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('directories', () => {
  const cases: Case[] = [
    ['a folder', { NETWORK_DB_PATH: '/mnt/school' }, network('/mnt/school', 'student_courses.db')],
    ['a folder with a slash', { NETWORK_DB_PATH: '/mnt/school//' }, network('/mnt/school', 'student_courses.db')],
    ['the root', { NETWORK_DB_PATH: '/' }, network('/', 'student_courses.db')],
    ['.db', { NETWORK_DB_PATH: '/mnt/a.db' }, network('/mnt', 'a.db')],
    ['.duckdb', { NETWORK_DB_PATH: '/mnt/a.b.duckdb' }, network('/mnt', 'a.b.duckdb')],
    ['.ddb', { NETWORK_DB_PATH: '/a.ddb' }, network('/', 'a.ddb')],
    ['.database in capitals', { NETWORK_DB_PATH: '/mnt/A.DATABASE' }, network('/mnt', 'A.DATABASE')],
    ['another extension is a folder', { NETWORK_DB_PATH: '/mnt/v1.2' }, network('/mnt/v1.2', 'student_courses.db')],
    ['a slash at the end is a folder', { NETWORK_DB_PATH: '/mnt/a.db/' }, network('/mnt/a.db', 'student_courses.db')],
    ['a hidden folder', { NETWORK_DB_PATH: '/mnt/.db' }, network('/mnt/.db', 'student_courses.db')],
    ['blanks in the folder', { NETWORK_DB_PATH: '/mnt/my data/a.db' }, network('/mnt/my data', 'a.db')],
    ['dots in the path', { NETWORK_DB_PATH: '/mnt/./x/../a.db' }, network('/mnt', 'a.db')],
    ['a volume', { VERCEL_VOLUME_PATH: '/vol/a.db' }, { backend: 'volume', directory: '/vol', name: 'a.db' }],
    ['local by default', {}, local('data', 'student_courses.db')],
    ['local on Vercel', { VERCEL: '1' }, local('/tmp/eider-local', 'student_courses.db')],
    ['local file', { LOCAL_DB_PATH: 'x.db' }, local('.', 'x.db')],
    ['local folder', { LOCAL_DB_PATH: './some/where' }, local('some/where', 'student_courses.db')],
    ['local, absolute', { LOCAL_DB_PATH: '/srv/x.db' }, local('/srv', 'x.db')],
    ['local on Vercel in /tmp', { VERCEL: '1', LOCAL_DB_PATH: '/tmp/x/y.db' }, local('/tmp/x', 'y.db')],
  ];
  test.each(cases)('%s', (_name, environment, settings) => expect(chosen(environment)).toMatchObject(settings));

  const wrong: [string, Environment][] = [
    ['relative', { NETWORK_DB_PATH: 'mnt/x' }],
    ['relative volume', { VERCEL_VOLUME_PATH: './x.db' }],
    ['a name with a blank', { NETWORK_DB_PATH: '/mnt/my file.db' }],
    ['a name with an umlaut', { VERCEL_VOLUME_PATH: '/mnt/schüler.db' }],
    ['a name that is too long', { LOCAL_DB_PATH: `${'a'.repeat(200)}.db` }],
    ['a line break', { NETWORK_DB_PATH: '/mnt/a\nb' }],
    ['local on Vercel beside /tmp', { VERCEL: '1', LOCAL_DB_PATH: 'data/x.db' }],
    ['local on Vercel out of /tmp', { VERCEL: '1', LOCAL_DB_PATH: '/tmp/../etc/x.db' }],
    ['local on Vercel, a longer name', { VERCEL: '1', LOCAL_DB_PATH: '/tmpx/x.db' }],
  ];
  test.each(wrong)('%s is refused', (_name, environment) => {
    const variable = Object.keys(environment).find((name) => name !== 'VERCEL');
    expect(problems(environment)).toEqual([expect.stringMatching(new RegExp(`^${variable} must `))]);
  });
});

describe('postgres', () => {
  const cases: [string, string, 'pg' | 'neon'][] = [
    ['plain', 'postgres://user:password@localhost:5432/db', 'pg'],
    ['the longer scheme', 'postgresql://user@db.example.com/db?sslmode=require', 'pg'],
    ['Neon', 'postgres://u:p@ep-cool-1.eu-central-1.aws.neon.tech/db?sslmode=require', 'neon'],
    ['a host that only looks like Neon', 'postgres://u:p@neon.tech.example.com/db', 'pg'],
    ['a socket', 'postgres:///db?host=/var/run/postgresql', 'pg'],
  ];
  test.each(cases)('%s', (_name, url, driver) => {
    expect(chosen({ DATABASE_URL: url })).toEqual({ backend: 'postgres', connectionString: url, driver });
  });

  test.each([
    'postgres://u:12#34@h/db',
    'postgres://u:12/34@h/db',
    'postgres://u:12?34@h/db',
    'postgres://u:p@h/db/more',
    'postgres://h/db?user=u@v&1 2=3',
  ])('an unencoded character would put a part of the password elsewhere: %s', (url) => {
    expect(problems({ DATABASE_URL: url })).toEqual([
      expect.stringMatching(/^DATABASE_URL has a special character .* not percent-encoded$/),
    ]);
  });

  test.each(['mysql://u:p@h/db', 'file:./x.db', 'localhost/db', 'postgres://u:p#w@h/db', 'postgres:///db'])(
    '%s is refused',
    (url) => expect(problems({ DATABASE_URL: url })).toEqual([expect.stringMatching(/^DATABASE_URL must /)]),
  );
});

describe('Vercel Blob', () => {
  const token = 'vercel_blob_rw_AbC123_s3cret';
  test('the token names the store', () => {
    const settings = {
      backend: 'blob',
      credentials: { kind: 'token', token, storeId: 'AbC123' },
      access: 'private',
    };
    expect(chosen({ BLOB_READ_WRITE_TOKEN: token })).toEqual({ ...settings, name: 'student_courses.db' });
    expect(chosen({ BLOB_READ_WRITE_TOKEN: token, BLOB_NAME: 'a/b.db' })).toEqual({ ...settings, name: 'a/b.db' });
  });

  test.each(['x', 'vercel_blob_rw_AbC123', 'vercel_blob_rw__s3cret', `"${token}"`, `${token} `.repeat(2)])(
    '%s is no token',
    (value) =>
      expect(problems({ BLOB_READ_WRITE_TOKEN: value })).toEqual([
        expect.stringMatching(/^BLOB_READ_WRITE_TOKEN must /),
      ]),
  );

  test('the token may have another name, when it is the only one of its kind', () => {
    const other = 'vercel_blob_rw_Other1_secret';
    const credentials = { kind: 'token', token: other, storeId: 'Other1' };
    expect(chosen({ SCHOOL_READ_WRITE_TOKEN: other })).toMatchObject({ backend: 'blob', credentials });
    expect(chosen({ SCHOOL_READ_WRITE_TOKEN: other, BLOB_READ_WRITE_TOKEN: token })).toMatchObject({
      credentials: { token },
    });
    expect(problems({ SCHOOL_READ_WRITE_TOKEN: other, A_READ_WRITE_TOKEN: token })).toEqual([
      'A_READ_WRITE_TOKEN and SCHOOL_READ_WRITE_TOKEN are both set: put the one to use into BLOB_READ_WRITE_TOKEN',
    ]);
    expect(chosen({ GIT_READ_WRITE_TOKEN: 'of something else' })).toMatchObject({ backend: 'local' });
  });

  test('a store id alone means OIDC; a token wins over it', () => {
    const oidc = { kind: 'oidc', storeId: 'AbC123' };
    expect(chosen({ BLOB_STORE_ID: 'store_AbC123' })).toMatchObject({ backend: 'blob', credentials: oidc });
    expect(chosen({ BLOB_STORE_ID: 'AbC123', BLOB_READ_WRITE_TOKEN: token })).toMatchObject({ credentials: { token } });
    expect(problems({ BLOB_STORE_ID: 'https://x' })).toEqual([expect.stringMatching(/^BLOB_STORE_ID must /)]);
  });

  test('a store is private unless said otherwise', () => {
    expect(chosen({ BLOB_READ_WRITE_TOKEN: token, BLOB_ACCESS: 'Public' })).toMatchObject({ access: 'public' });
    expect(problems({ BLOB_READ_WRITE_TOKEN: token, BLOB_ACCESS: 'open' })).toEqual([
      expect.stringMatching(/^BLOB_ACCESS must /),
    ]);
  });

  test.each([
    '/a.db',
    'a/',
    'a//b.db',
    'a/../b.db',
    './a.db',
    'a b.db',
    'ü.db',
    'a'.repeat(201),
    'a/'.repeat(351) + 'a',
  ])('%s is no name', (BLOB_NAME) =>
    expect(problems({ BLOB_READ_WRITE_TOKEN: token, BLOB_NAME })).toEqual([expect.stringMatching(/^BLOB_NAME must /)]),
  );
});

test("S3 on Vercel needs keys or a role: what the SDK would find there is the platform's own", () => {
  expect(problems({ S3_BUCKET: 'b', VERCEL: '1' })).toEqual([
    'S3_BUCKET is set but AWS_ACCESS_KEY_ID is missing',
    'S3_BUCKET is set but AWS_SECRET_ACCESS_KEY is missing',
  ]);
});

describe('S3', () => {
  const S3_BUCKET = 'my-bucket';
  const plainKeys = { kind: 'keys', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret', sessionToken: null };
  const temporary = { AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'session' };
  const other = { ...temporary, AWS_ACCESS_KEY_ID: 'minio' };
  const r2 = 'https://account.r2.cloudflarestorage.com';
  const cases: Case[] = [
    [
      'keys',
      { S3_BUCKET, ...keys },
      {
        backend: 's3',
        bucket: S3_BUCKET,
        name: 'student_courses.db',
        region: 'us-east-1',
        endpoint: null,
        forcePathStyle: false,
        credentials: plainKeys,
      },
    ],
    [
      'a name and a region',
      { S3_BUCKET, ...keys, S3_KEY: 'a/b.db', AWS_REGION: 'eu-west-1' },
      { name: 'a/b.db', region: 'eu-west-1' },
    ],
    [
      'an endpoint',
      { S3_BUCKET, ...keys, S3_ENDPOINT: 'http://127.0.0.1:9000/' },
      {
        endpoint: 'http://127.0.0.1:9000',
        region: 'auto',
        forcePathStyle: true,
      },
    ],
    [
      'an endpoint with a path',
      { S3_BUCKET, ...keys, S3_ENDPOINT: 'http://localhost:1/cdn/s3' },
      { endpoint: 'http://localhost:1/cdn/s3' },
    ],
    [
      'an endpoint with a region',
      { S3_BUCKET, ...keys, S3_ENDPOINT: 'https://e', AWS_REGION: 'us-west-004' },
      { region: 'us-west-004' },
    ],
    ['R2 knows no region of AWS', { S3_BUCKET, ...keys, S3_ENDPOINT: r2, AWS_REGION: 'us-east-1' }, { region: 'auto' }],
    [
      'no path style',
      { S3_BUCKET, ...keys, S3_ENDPOINT: 'https://e', S3_FORCE_PATH_STYLE: '0' },
      { forcePathStyle: false },
    ],
    ['path style', { S3_BUCKET, ...keys, S3_FORCE_PATH_STYLE: 'TRUE' }, { forcePathStyle: true }],
    ['a lasting key drops a session token', { S3_BUCKET, ...keys, AWS_SESSION_TOKEN: 'x' }, { credentials: plainKeys }],
    [
      'a temporary key needs it',
      { S3_BUCKET, ...temporary },
      { credentials: { accessKeyId: 'ASIAEXAMPLE', sessionToken: 'session' } },
    ],
    ['another key takes it', { S3_BUCKET, ...other }, { credentials: { sessionToken: 'session' } }],
    ['but not on Vercel', { S3_BUCKET, ...other, VERCEL: '1' }, { credentials: { sessionToken: null } }],
    ['a role', { S3_BUCKET, AWS_ROLE_ARN: role }, { credentials: { kind: 'role', roleArn: role } }],
    [
      'a role on Vercel wins',
      { S3_BUCKET, ...keys, AWS_ROLE_ARN: role, VERCEL: '1' },
      { credentials: { kind: 'role' } },
    ],
    [
      'a role with a token in a file is for the SDK',
      { S3_BUCKET, AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: '/var/run/token' },
      { credentials: { kind: 'default' } },
    ],
    ['keys win elsewhere', { S3_BUCKET, ...keys, AWS_ROLE_ARN: role }, { credentials: { kind: 'keys' } }],
    ['nothing: the SDK looks by itself', { S3_BUCKET }, { credentials: { kind: 'default' } }],
    [
      'a role and half a key',
      { S3_BUCKET, AWS_ACCESS_KEY_ID: 'x', AWS_ROLE_ARN: role },
      { credentials: { kind: 'role' } },
    ],
  ];
  test.each(cases)('%s', (_name, environment, settings) => expect(chosen(environment)).toMatchObject(settings));

  const wrong: [string, Environment, string][] = [
    ['a bucket URL', { S3_BUCKET: 's3://bucket', ...keys }, 'S3_BUCKET'],
    ['a bucket with a path', { S3_BUCKET: 'bucket/folder', ...keys }, 'S3_BUCKET'],
    ['an endpoint without scheme', { S3_BUCKET, ...keys, S3_ENDPOINT: 's3.example.com' }, 'S3_ENDPOINT'],
    ['an endpoint with a password', { S3_BUCKET, ...keys, S3_ENDPOINT: 'https://u:p@e' }, 'S3_ENDPOINT'],
    ['an endpoint with a query', { S3_BUCKET, ...keys, S3_ENDPOINT: 'https://e?x' }, 'S3_ENDPOINT'],
    ['an endpoint with the bucket', { S3_BUCKET, ...keys, S3_ENDPOINT: `${r2}/${S3_BUCKET}` }, 'S3_ENDPOINT'],
    ['another scheme', { S3_BUCKET, ...keys, S3_ENDPOINT: 'ftp://e' }, 'S3_ENDPOINT'],
    ['no boolean', { S3_BUCKET, ...keys, S3_FORCE_PATH_STYLE: 'yep' }, 'S3_FORCE_PATH_STYLE'],
    ['no region', { S3_BUCKET, ...keys, AWS_REGION: 'EU West' }, 'AWS_REGION'],
    ['no role', { S3_BUCKET, AWS_ROLE_ARN: 'eider' }, 'AWS_ROLE_ARN'],
    ['a broken secret', { S3_BUCKET, ...keys, AWS_SECRET_ACCESS_KEY: 'a b' }, 'AWS_SECRET_ACCESS_KEY'],
    ['half a key', { S3_BUCKET, AWS_ACCESS_KEY_ID: 'x' }, 'AWS_SECRET_ACCESS_KEY'],
    ['a temporary key without session', { S3_BUCKET, ...temporary, AWS_SESSION_TOKEN: '' }, 'AWS_SESSION_TOKEN'],
  ];
  test.each(wrong)('%s', (_name, environment, variable) => {
    expect(examineEnvironment(environment).problems.map((problem) => problem.path)).toEqual([variable]);
  });
});

describe('Google Cloud Storage', () => {
  const json = JSON.stringify(serviceAccount);
  const inline = { kind: 'inline', key: serviceAccount };
  const user = { type: 'authorized_user', client_id: 'a', client_secret: 'b', refresh_token: 'c' };
  const cases: [string, string, object][] = [
    ['a path', '/etc/keys/google.json', { kind: 'file', path: '/etc/keys/google.json' }],
    ['a relative path', 'keys/google', { kind: 'file', path: 'keys/google' }],
    ['JSON', json, inline],
    ['JSON with indentation', JSON.stringify(serviceAccount, null, 2), inline],
    ['base64', base64(json), inline],
    ['base64 of indented JSON', base64(JSON.stringify(serviceAccount, null, 2)), inline],
    ['base64 in lines', base64(json).replace(/.{76}/g, '$&\n'), inline],
    ['base64 for URLs', Buffer.from(json).toString('base64url'), inline],
    ['line breaks that a shell expanded', json.replaceAll('\\n', '\n'), inline],
    ['line breaks that were escaped twice', json.replaceAll('\\n', '\\\\n'), inline],
    ['a user', JSON.stringify(user), { kind: 'inline', key: user }],
  ];
  test.each(cases)('%s', (_name, GOOGLE_APPLICATION_CREDENTIALS, credentials) => {
    const environment = { GCS_BUCKET: 'bucket', GOOGLE_APPLICATION_CREDENTIALS };
    expect(chosen(environment)).toMatchObject({
      backend: 'gcs',
      bucket: 'bucket',
      name: 'student_courses.db',
      endpoint: null,
      credentials,
    });
  });

  test('an endpoint of its own needs no credentials, and uses those that are given', () => {
    const environment = { GCS_BUCKET: 'bucket', GCS_ENDPOINT: 'http://127.0.0.1:4443/', GCS_KEY: 'a/b.db' };
    expect(chosen(environment)).toMatchObject({
      endpoint: 'http://127.0.0.1:4443',
      name: 'a/b.db',
      credentials: { kind: 'none' },
    });
    const emulated = { GCS_BUCKET: 'bucket', STORAGE_EMULATOR_HOST: 'localhost:4443' };
    expect(chosen(emulated)).toMatchObject({ endpoint: 'http://localhost:4443', credentials: { kind: 'none' } });
    const { GOOGLE_APPLICATION_CREDENTIALS } = completeEnvironment;
    expect(chosen({ ...environment, GOOGLE_APPLICATION_CREDENTIALS })).toMatchObject({ credentials: inline });
  });

  const wrong: [string, string][] = [
    ['cut off', json.slice(0, -20)],
    ['cut-off base64', base64(json.slice(0, -20))],
    ['in quotation marks', `'${json}'`],
    ['only the private key', serviceAccount.private_key],
    ['no type', JSON.stringify({ ...serviceAccount, type: undefined })],
    ['a type of prototypes', JSON.stringify({ ...serviceAccount, type: 'constructor' })],
    ['no address', JSON.stringify({ ...serviceAccount, client_email: '' })],
    ['half a private key', JSON.stringify({ ...serviceAccount, private_key: serviceAccount.private_key.slice(0, 40) })],
    ['a user without token', JSON.stringify({ ...user, refresh_token: 1 })],
    ['base64 of something else, too long for a file name', base64('x'.repeat(300))],
  ];
  test.each(wrong)('%s is refused', (_name, GOOGLE_APPLICATION_CREDENTIALS) => {
    const environment = { GCS_BUCKET: 'bucket', GOOGLE_APPLICATION_CREDENTIALS };
    expect(problems(environment)).toEqual([expect.stringMatching(/^GOOGLE_APPLICATION_CREDENTIALS (is|looks like) /)]);
  });
});
