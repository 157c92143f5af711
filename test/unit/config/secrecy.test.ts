import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backendNames } from '../../../lib/config/backends.ts';
import { examineEnvironment, readConfig } from '../../../lib/config/config.ts';
import type { Environment } from '../../../lib/config/variables.ts';
import { platformVariableNames, variableNames } from '../../../lib/config/variables.ts';
import { AppError, isAppError } from '../../../lib/errors.ts';
import { completeEnvironment, serviceAccount } from './environments.ts';

const knownNames: readonly string[] = [...variableNames, ...platformVariableNames];
const canary = 'zqCanary7';

/** Everything that an error, or a candidate's reason, could show: also causes and hidden fields. */
function everythingSaid(environment: Environment): string {
  const { candidates, problems } = examineEnvironment(environment);
  const said = [JSON.stringify(candidates), JSON.stringify(problems)];
  for (let error = thrownBy(environment); error instanceof Error; error = error.cause) {
    const hidden: unknown[] = Object.getOwnPropertyNames(error).map((name) => Reflect.get(error as object, name));
    said.push(JSON.stringify(hidden), String(error), String(error.stack));
  }
  return said.join('\n');
}

function thrownBy(environment: Environment): unknown {
  try {
    readConfig(environment);
    return null;
  } catch (error) {
    return error;
  }
}

/** Values with the canary in them: some that fit, some that are wrong in all kinds of ways. */
const canaryValues = [
  canary,
  canary.repeat(3),
  `${canary} ${canary}`,
  `/mnt/${canary}/${canary}.db`,
  `/mnt/${canary}/${canary} x.db`,
  `relative/${canary}`,
  `postgres://${canary}:${canary}@host/${canary}`,
  `postgres://u:p#${canary}@host/db`,
  `https://${canary}:${canary}@host/?${canary}`,
  `http://host/${canary}`,
  `http://[${canary}`,
  `vercel_blob_rw_${canary}_${canary}`,
  `vercel_blob_rw_${canary}`,
  `arn:aws:iam::123456789012:role/${canary}`,
  `ASIA${canary}`,
  `-${canary}`,
  `{"type":"${canary}"}`,
  `{"type":"service_account","client_email":"${canary}","${canary}":1}`,
  JSON.stringify({ ...serviceAccount, private_key: canary }),
  JSON.stringify({ ...serviceAccount, client_email: canary, private_key: `${serviceAccount.private_key}${canary}` }),
  JSON.stringify({ ...serviceAccount, client_email: canary }).slice(0, -3),
  Buffer.from(`{"type":"service_account","private_key":"${canary}"`).toString('base64'),
  `${canary}\u0000\n${'x'.repeat(5_000)}`,
];

describe('no value is ever shown', () => {
  const cases = variableNames.flatMap((name) => canaryValues.map((value) => [name, value] as const));
  test.each(variableNames)('%s', (name) => {
    for (const [variable, value] of cases.filter(([each]) => each === name)) {
      for (const forced of [undefined, ...backendNames]) {
        const base = forced === undefined ? {} : { DB_BACKEND: forced };
        expect(everythingSaid({ ...completeEnvironment, ...base, [variable]: value })).not.toContain(canary);
        expect(everythingSaid({ ...base, [variable]: value })).not.toContain(canary);
      }
    }
  });

  test('the detector would see it in a message, a hint, a field, a cause', () => {
    const fields = [{ path: 'X', message: canary }];
    const errors = [
      new AppError('invalid', canary),
      new AppError('invalid', 'x', { hint: canary }),
      new AppError('invalid', 'x', { fields }),
    ];
    for (const error of errors) {
      const hidden: unknown[] = Object.getOwnPropertyNames(error).map((name) => Reflect.get(error, name));
      expect(JSON.stringify(hidden)).toContain(canary);
    }
  });
});

/** For each variable: unset, empty, a valid value, a canary, or any text. */
const anyEnvironment: fc.Arbitrary<Environment> = fc.record(
  Object.fromEntries(
    knownNames.map((name) => {
      const valid = (completeEnvironment as Environment)[name];
      const values = [fc.constant(''), fc.constantFrom(...canaryValues), fc.string({ unit: 'binary' })];
      if (valid !== undefined) values.push(fc.constant(valid), fc.constant(valid), fc.constant(` ${valid}\n`));
      if (name === 'DB_BACKEND') values.push(fc.constantFrom(...backendNames));
      return [name, fc.oneof(...values)];
    }),
  ),
  { requiredKeys: [] },
);

/** What is wrong with how this environment is read; nothing, if all is well. */
function violations(environment: Environment): readonly string[] {
  const { config, candidates, problems } = examineEnvironment(environment);
  const error = thrownBy(environment);
  const serving = candidates.filter(({ state }) => state === 'chosen' || state === 'fallback');
  const rules: [string, boolean][] = [
    ['every backend has its candidate', candidates.map((each) => each.backend).join() === backendNames.join()],
    ['no value is shown', !everythingSaid(environment).includes(canary)],
    ['reasons are sentences', candidates.every(({ reason }) => /^[A-Z].*\.$/.test(reason))],
    ['problems name known variables', problems.every(({ path }) => knownNames.includes(path))],
    ['problems say which', problems.every(({ path, message }) => message.includes(path))],
    ['there is a configuration, or a problem', (config === null) === problems.length > 0],
    ['an error is thrown when there is none', (config === null) === isAppError(error, 'invalid')],
    ['and no other error', config === null || error === null],
    ['the error has every problem', !isAppError(error) || isDeepStrictEqual(error.fields, problems)],
    [
      'candidates and settings agree',
      config === null ||
        isDeepStrictEqual(
          serving.map(({ backend }) => backend),
          [config.chosen, ...config.fallbacks].map(({ backend }) => backend),
        ),
    ],
  ];
  return rules.filter(([, holds]) => !holds).map(([rule]) => rule);
}

test('any environment gives a configuration, or an error that names only known variables', () => {
  const seen = { accepted: 0, refused: 0 };
  fc.assert(
    fc.property(anyEnvironment, (environment) => {
      seen[examineEnvironment(environment).config === null ? 'refused' : 'accepted'] += 1;
      expect(violations(environment)).toEqual([]);
    }),
    { numRuns: 3_000 },
  );
  expect(seen.accepted).toBeGreaterThan(20);
  expect(seen.refused).toBeGreaterThan(20);
});
