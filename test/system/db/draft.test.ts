/** Writes that are tried out on a copy: what one of them must not be able to get past. */
import { expect, it } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { insertAccount, openDatabase } from '../../support/engine.ts';

it('refuses a write of which a statement failed, also when its work caught the error and went on', async () => {
  const database = await openDatabase({ store: createMemoryStore({ runtime: systemRuntime }) });
  await insertAccount(database, 'ada');
  const account = { id: 'ada', owner: 'ada', balance: 1 };
  for (const goesOn of [false, true]) {
    const draft = await database.copy.openDraft();
    const caught = draft.write(async (queries) => {
      await queries
        .insertInto('accounts')
        .values(account)
        .execute()
        .catch(() => undefined);
      if (goesOn) await queries.selectFrom('accounts').select('id').execute();
    });
    await expect(caught).rejects.toMatchObject({ kind: 'conflict' });
    expect(draft.isSound).toBe(false);
    await draft.end();
  }
});
