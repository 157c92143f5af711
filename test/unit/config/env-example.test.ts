import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { expect, test } from 'vitest';
import { backendNames } from '../../../lib/config/backends.ts';
import { readConfig } from '../../../lib/config/config.ts';
import { variableNames } from '../../../lib/config/variables.ts';
import { completeEnvironment } from './environments.ts';

const text = readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8');
const lines = text.split('\n');
const assigned = lines.flatMap((line) => /^([A-Z0-9_]+)=/.exec(line)?.[1] ?? []);

test('.env.example names exactly the variables that are read, once each', () => {
  expect(assigned.toSorted()).toEqual([...variableNames].toSorted());
});

test('the tests know every variable too', () => {
  expect(['DB_BACKEND', ...Object.keys(completeEnvironment)].toSorted()).toEqual([...variableNames].toSorted());
});

test('copied as it is, it changes nothing', () => {
  expect(readConfig(parseEnv(text))).toEqual(readConfig({}));
});

test('it lists the backends in their order', () => {
  const listed = lines.flatMap((line) => /^# {3}(\w+) {2,}/.exec(line)?.[1] ?? []);
  expect(listed).toEqual(backendNames);
});

test('it explains every section and variable', () => {
  const unexplained = assigned.filter((name) => {
    const above = lines.slice(0, lines.indexOf(`${name}=`)).toReversed();
    const block = above.slice(0, Math.max(above.indexOf(''), 0));
    return !block.some((line) => line.startsWith('# '));
  });
  expect(unexplained).toEqual([]);
});
