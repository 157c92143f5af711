import { describe } from 'vitest';
import { onDuckDb } from '../../support/deployments.ts';
import { conditionsContract } from './conditions.ts';
import { idempotencyContract } from './idempotency.ts';
import { manyRowsContract } from './many-rows.ts';

describe('conditions', () => {
  conditionsContract(onDuckDb);
});
describe('idempotency keys', () => {
  idempotencyContract(onDuckDb);
});
describe('many rows', () => {
  manyRowsContract(onDuckDb);
});
