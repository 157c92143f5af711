/** The catalog of a database on a store. */
import { describe } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { openDatabase } from '../../support/engine.ts';
import { catalogContract } from './contract.ts';

describe('the catalog of a database on a store', () => {
  catalogContract(() => {
    const store = createMemoryStore({ runtime });
    return Promise.resolve((migrations) => openDatabase({ store, migrations }));
  });
});
