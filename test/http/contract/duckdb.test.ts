import { describe } from 'vitest';
import { onDuckDb } from '../../support/deployments.ts';
import { conditionsContract } from './conditions.ts';
import { idempotencyContract } from './idempotency.ts';
import { importsContract } from './imports.ts';
import { manyRowsContract } from './many-rows.ts';

describe('conditions', () => {
  conditionsContract(onDuckDb);
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
