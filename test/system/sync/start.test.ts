/** Processes that start while another one makes the database. */
import { describe, expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { withCounting } from '../../../lib/testing/counting.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import type { Store } from '../../../lib/store/store.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { accountIds, insertAccount, openDatabase, temporaryFolder } from '../../support/engine.ts';

const layout = layoutOf('test.db');

/** Another process makes the database just before `store` first answers whether there are any records. */
function overtaken(inner: Store): Store {
  let isFirst = true;
  return {
    ...withCounting(inner),
    list: async (prefix, options) => {
      if (prefix === layout.logPrefix && isFirst) {
        isFirst = false;
        await insertAccount(await openDatabase({ store: inner }), 'of the other');
      }
      return inner.list(prefix, options);
    },
  };
}

describe('a process that is overtaken while it looks whether there is a database', () => {
  it('takes part in the one that it finds', async () => {
    const database = await openDatabase({ store: overtaken(createMemoryStore({ runtime })) });
    await insertAccount(database, 'own');
    expect(await accountIds(database)).toEqual(['of the other', 'own']);
  });

  it('takes part in the one that the other adopted', async () => {
    const path = join(await temporaryFolder(), 'made.db');
    const instance = await DuckDBInstance.create(path);
    const connection = await instance.connect();
    await connection.run('CREATE TABLE legacy (note VARCHAR); CHECKPOINT');
    connection.disconnectSync();
    instance.closeSync();
    const inner = createMemoryStore({ runtime });
    await inner.create(layout.databaseFile, new Uint8Array(await readFile(path)));
    const database = await openDatabase({ store: overtaken(inner) });
    expect(await accountIds(database)).toEqual(['of the other']);
  });
});
