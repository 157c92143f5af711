import { describe, expect, test } from 'vitest';
import type { Candidate } from '../../../lib/config/choice.ts';
import type { Config } from '../../../lib/config/config.ts';
import { examineEnvironment, readConfig } from '../../../lib/config/config.ts';
import { backendNames, describeBackend } from '../../../lib/config/backends.ts';
import type { Environment } from '../../../lib/config/variables.ts';
import { isAppError } from '../../../lib/errors.ts';
import { completeEnvironment } from './environments.ts';

const { DATABASE_URL, BLOB_READ_WRITE_TOKEN, GOOGLE_APPLICATION_CREDENTIALS } = completeEnvironment;
const s3 = { S3_BUCKET: 'bucket', AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
const gcs = { GCS_BUCKET: 'bucket', GOOGLE_APPLICATION_CREDENTIALS };

function candidate(environment: Environment, backend: Candidate['backend']): Candidate {
  const found = examineEnvironment(environment).candidates.find((each) => each.backend === backend);
  if (found === undefined) throw new Error(`no candidate ${backend}`);
  return found;
}

/** The messages with which the environment is refused. */
function refusal(environment: Environment): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (!isAppError(error, 'invalid')) throw error;
    return (error.fields ?? []).map((field) => field.message);
  }
  throw new Error('The environment was accepted');
}

describe('the choice', () => {
  const cases: [string, Environment, Config['chosen']['backend'], Config['chosen']['backend'][]][] = [
    ['nothing set', {}, 'local', []],
    ['empty texts and blanks', { DATABASE_URL: '', S3_BUCKET: '  ', DB_BACKEND: '\n' }, 'local', []],
    ['everything set', completeEnvironment, 'postgres', ['network', 'volume', 'blob', 's3', 'gcs', 'local']],
    ['postgres alone', { DATABASE_URL }, 'postgres', ['local']],
    ['a volume and a cloud', { VERCEL_VOLUME_PATH: '/vol', ...s3 }, 'volume', ['s3', 'local']],
    ['two clouds', { ...gcs, ...s3 }, 's3', ['gcs', 'local']],
    ['Blob before S3', { ...s3, BLOB_READ_WRITE_TOKEN }, 'blob', ['s3', 'local']],
    ['AWS keys alone', { AWS_ACCESS_KEY_ID: 'ASIA', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: 'c' }, 'local', []],
    ['a Google key alone', { GOOGLE_APPLICATION_CREDENTIALS: '/key.json' }, 'local', []],
    ['forced', { ...completeEnvironment, DB_BACKEND: 's3' }, 's3', ['gcs', 'local']],
    ['forced, in capitals', { ...completeEnvironment, DB_BACKEND: ' GCS ' }, 'gcs', ['local']],
    ['forced local', { ...completeEnvironment, DB_BACKEND: 'local' }, 'local', []],
    ['a lower one is wrong', { NETWORK_DB_PATH: '/mnt', S3_BUCKET: '/', GCS_KEY: '/' }, 'network', ['local']],
    ['a higher one is wrong, but another forced', { DATABASE_URL: 'x', ...s3, DB_BACKEND: 's3' }, 's3', ['local']],
    ['one place twice', { NETWORK_DB_PATH: '/mnt', VERCEL_VOLUME_PATH: '/mnt/' }, 'network', ['local']],
  ];
  test.each(cases)('%s', (_name, environment, chosen, fallbacks) => {
    const config = readConfig(environment);
    expect(config.chosen.backend).toBe(chosen);
    expect(config.fallbacks.map((each) => each.backend)).toEqual(fallbacks);
    expect(config.candidates.map((each) => each.backend)).toEqual(backendNames);
    expect(config.candidates.filter((each) => each.state === 'chosen').map((each) => each.backend)).toEqual([chosen]);
    const standing = config.candidates.filter((each) => each.state === 'fallback').map((each) => each.backend);
    expect(standing).toEqual(fallbacks);
  });

  const refusals: [string, Environment, string[]][] = [
    ['a wrong first one is not passed over', { DATABASE_URL: 'mysql://h/db', ...s3 }, ['DATABASE_URL']],
    ['nor an incomplete one', { VERCEL: '1', S3_BUCKET: 'b', ...gcs }, ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']],
    ['nor a name that was left behind', { BLOB_NAME: 'a.db' }, ['BLOB_READ_WRITE_TOKEN']],
    [
      'nor an endpoint without its bucket',
      { S3_ENDPOINT: 'https://e', AWS_ROLE_ARN: 'x' },
      ['AWS_ROLE_ARN', 'S3_BUCKET'],
    ],
    ['an unknown backend', { ...s3, DB_BACKEND: 'oracle' }, ['DB_BACKEND']],
    ['a forced one that is not configured', { ...s3, DB_BACKEND: 'gcs' }, ['DB_BACKEND']],
    [
      'a forced one that is incomplete',
      { ...s3, GCS_BUCKET: 'b', DB_BACKEND: 'gcs' },
      ['GOOGLE_APPLICATION_CREDENTIALS'],
    ],
    [
      'all problems together, the forbidding first',
      { PUBLIC_READ: '?', ...s3, GCS_KEY: '/', DB_MAX_STALENESS_MS: '-1' },
      ['DB_MAX_STALENESS_MS', 'PUBLIC_READ', 'GCS_KEY', 'GCS_BUCKET', 'GOOGLE_APPLICATION_CREDENTIALS'],
    ],
  ];
  test.each(refusals)('%s', (_name, environment, variables) => {
    expect(() => readConfig(environment)).toThrow(/^The configuration is wrong: /);
    const { config, problems } = examineEnvironment(environment);
    expect(config).toBeNull();
    expect(problems.map((problem) => problem.path)).toEqual(variables);
    for (const message of refusal(environment)) expect(message).toMatch(/^[A-Z][A-Z0-9_]+ /);
  });
});

describe('the reasons', () => {
  const cases: [Environment, Candidate['backend'], Candidate['state'], string][] = [
    [{}, 'postgres', 'not-configured', 'DATABASE_URL is not set.'],
    [{}, 'local', 'chosen', 'A local file needs no configuration.'],
    [{ LOCAL_DB_PATH: 'x' }, 'local', 'chosen', 'LOCAL_DB_PATH is set.'],
    [
      { S3_BUCKET: 'b', AWS_SECRET_ACCESS_KEY: 's' },
      's3',
      'incomplete',
      'S3_BUCKET is set but AWS_ACCESS_KEY_ID is missing.',
    ],
    [
      { S3_BUCKET: 'b', AWS_SECRET_ACCESS_KEY: 's' },
      'local',
      'skipped',
      'A local file needs no configuration, but s3 comes first and cannot be used as it is.',
    ],
    [
      { AWS_ACCESS_KEY_ID: 'a' },
      's3',
      'not-configured',
      'AWS_ACCESS_KEY_ID is set, but it selects nothing without S3_BUCKET.',
    ],
    [
      { DATABASE_URL, NETWORK_DB_PATH: 'mnt' },
      'network',
      'invalid',
      'NETWORK_DB_PATH must be an absolute path, beginning with "/".',
    ],
    [
      { DATABASE_URL, ...s3, DB_BACKEND: 's3' },
      'postgres',
      'skipped',
      'DATABASE_URL is set, but DB_BACKEND asks for s3.',
    ],
    [{ ...s3, DB_BACKEND: 's3' }, 's3', 'chosen', 'S3_BUCKET and AWS keys are set, and DB_BACKEND asks for it.'],
    [
      { DATABASE_URL, ...s3 },
      's3',
      'fallback',
      'S3_BUCKET and AWS keys are set; it serves while the backends before it are away.',
    ],
    [
      { DATABASE_URL },
      'local',
      'fallback',
      'A local file needs no configuration; it serves while the backends before it are away, and what it holds may be lost with the machine.',
    ],
    [
      { NETWORK_DB_PATH: '/m', VERCEL_VOLUME_PATH: '/m/' },
      'volume',
      'skipped',
      'VERCEL_VOLUME_PATH is set, but it is the same place as one before it.',
    ],
    [{ DB_BACKEND: '?' }, 'local', 'skipped', 'A local file needs no configuration, but DB_BACKEND is wrong.'],
  ];
  test.each(cases)('%o: %s is %s', (environment, backend, state, reason) => {
    expect(candidate(environment, backend)).toEqual({ backend, state, reason });
  });
});

describe('what belongs to no backend', () => {
  test('defaults', () => {
    expect(readConfig({})).toMatchObject({
      maxStalenessMs: 0,
      fallbackWrites: 'accept',
      access: { adminToken: null, apiToken: null, cronSecret: null, publicRead: false },
      tmpDirectory: '/tmp',
      onVercel: false,
    });
  });

  test('values', () => {
    const config = readConfig({
      DB_MAX_STALENESS_MS: ' 1500 ',
      DB_FALLBACK_WRITES: 'Reject',
      ADMIN_TOKEN: 'a'.repeat(16),
      API_TOKEN: 'b'.repeat(16),
      CRON_SECRET: `${'c'.repeat(16)}\n`,
      PUBLIC_READ: 'on',
      TMPDIR: '/var/tmp',
      VERCEL: '1',
    });
    expect(config).toMatchObject({
      maxStalenessMs: 1500,
      fallbackWrites: 'reject',
      access: { adminToken: 'a'.repeat(16), apiToken: 'b'.repeat(16), cronSecret: 'c'.repeat(16), publicRead: true },
      tmpDirectory: '/var/tmp',
      onVercel: true,
    });
  });

  test('a token that two share is nobody’s', () => {
    const [one, two] = ['a'.repeat(16), 'b'.repeat(16)];
    for (const [environment, names] of [
      [{ ADMIN_TOKEN: one, API_TOKEN: one, CRON_SECRET: two }, ['API_TOKEN']],
      [{ ADMIN_TOKEN: two, API_TOKEN: one, CRON_SECRET: one }, ['CRON_SECRET']],
      [{ ADMIN_TOKEN: one, API_TOKEN: two, CRON_SECRET: one }, ['CRON_SECRET']],
    ] as const) {
      const { config, access, problems } = examineEnvironment(environment);
      expect([config, problems.map(({ path }) => path)]).toEqual([null, names]);
      const left = [access.adminToken, access.apiToken, access.cronSecret].filter((token) => token !== null);
      expect([left, access.hasWrongToken]).toEqual([[two], true]);
    }
  });

  test('access is known also when all else is wrong', () => {
    const { config, access, onVercel } = examineEnvironment({
      DB_BACKEND: 'x',
      ADMIN_TOKEN: 'a'.repeat(16),
      VERCEL: '1',
    });
    expect([config, access.adminToken, access.hasWrongToken, onVercel]).toEqual([null, 'a'.repeat(16), false, true]);
    expect(examineEnvironment({ ADMIN_TOKEN: 'short' }).access).toMatchObject({
      adminToken: null,
      hasWrongToken: true,
    });
  });

  test('origins are separated by commas, or all', () => {
    const origins = (text: string) => readConfig({ CORS_ORIGINS: text }).access.corsOrigins;
    expect(origins('https://a.example, http://localhost:5173')).toEqual(['https://a.example', 'http://localhost:5173']);
    expect(origins('*')).toEqual(['*']);
  });

  const wrong: [string, string][] = [
    ['DB_MAX_STALENESS_MS', '-1'],
    ['DB_MAX_STALENESS_MS', '1.5'],
    ['DB_MAX_STALENESS_MS', '1e3'],
    ['DB_MAX_STALENESS_MS', '9'.repeat(30)],
    ['DB_FALLBACK_WRITES', 'maybe'],
    ['DB_PREVIEW', 'yes'],
    ['PUBLIC_READ', 'ja'],
    ['ADMIN_TOKEN', 'a'.repeat(15)],
    ['API_TOKEN', 'with a blank in the middle'],
    ['CRON_SECRET', 'naïve-and-not-ascii'],
    ['TMPDIR', 'tmp'],
    ['CORS_ORIGINS', 'https://app.example.com/'],
    ['CORS_ORIGINS', 'app.example.com'],
    ['CORS_ORIGINS', 'https://app.example.com, *'],
    ['CORS_ORIGINS', 'null'],
    ['LOG_REQUESTS', 'all'],
  ];
  test.each(wrong)('%s=%s is refused', (variable, value) => {
    expect(examineEnvironment({ [variable]: value }).problems.map((problem) => problem.path)).toEqual([variable]);
  });
});

test('each backend has its message, and only the local one forgets', () => {
  const messages = backendNames.map((backend) => [backend, describeBackend(backend).message] as const);
  const external = 'Data persists with external DuckDB storage';
  expect(Object.fromEntries(messages)).toEqual({
    postgres: 'Data persists with external PostgreSQL',
    network: external,
    volume: external,
    blob: external,
    s3: external,
    gcs: external,
    local: 'Data is in a local DuckDB file and does not persist across deployments',
  });
  expect(backendNames.filter((backend) => !describeBackend(backend).persistent)).toEqual(['local']);
  expect(backendNames.filter((backend) => describeBackend(backend).engine === 'postgres')).toEqual(['postgres']);
});

test.each([
  ['1024', 1024 * 1024 * 1024],
  ['x', null],
  ['0', null],
])('the memory of a function of %s MB', (AWS_LAMBDA_FUNCTION_MEMORY_SIZE, bytes) => {
  expect(readConfig({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE }).memoryBytes).toBe(bytes);
});
