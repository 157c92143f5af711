import { describe } from 'vitest';
import { onDuckDb } from '../../support/deployments.ts';
import { conditionsContract } from './conditions.ts';
import { habitsContract } from './habits.ts';
import { idempotencyContract } from './idempotency.ts';
import { importsContract } from './imports.ts';
import { manyRowsContract } from './many-rows.ts';
import { scriptsContract } from './scripts.ts';

describe('conditions', () => {
  conditionsContract(onDuckDb);
});
describe('the habit tracker', () => {
  habitsContract(onDuckDb);
});
describe('idempotency keys', () => {
  idempotencyContract(onDuckDb);
});
describe('imports', () => {
  importsContract(onDuckDb);
});
describe('many rows', () => {
  manyRowsContract(onDuckDb);
});
describe('scripts with combining marks', () => {
  scriptsContract(onDuckDb);
});
