/** The contract on DuckDB, whose log is in a folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openDuckDbDatabase } from '../../../lib/db/duckdb/duckdb-database.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { createDirectoryStore } from '../../../lib/store/directory.ts';
import { databaseContract } from './contract.ts';

let folder: string;
let places = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-contract-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the contract on DuckDB', () => {
  databaseContract(async () => {
    const own = join(folder, String(places++));
    const store = createDirectoryStore({ root: join(own, 'store'), create: true, runtime });
    return {
      open: (migrations) =>
        openDuckDbDatabase({
          store,
          name: 'test.db',
          slotRoot: join(own, 'slots'),
          runtime,
          migrations,
          maxStalenessMs: 0,
        }),
    };
  });
});
