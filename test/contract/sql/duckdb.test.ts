import { describe } from 'vitest';
import { onDuckDb } from '../../support/deployments.ts';
import { clientsContract } from './clients.ts';
import { requestsContract } from './requests.ts';

describe('clients', () => {
  clientsContract(onDuckDb);
});
describe('requests', () => {
  requestsContract(onDuckDb);
});
