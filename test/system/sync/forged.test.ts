/** What an enemy put into the store: a record, a snapshot or a file may break its own database, and nothing else. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import type { Store } from '../../../lib/store/store.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { decodeRecord, encodeRecord } from '../../../lib/sync/record.ts';
import { accountIds, insertAccount, openDatabase, temporaryFolder } from '../../support/engine.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';

const layout = layoutOf('test.db');

/** A record with a good checksum on top of the log. */
async function forge(store: Store, version: number, ddl: string): Promise<void> {
  const key = layout.recordKey(version);
  const last = decodeRecord((await store.get(key))!, key, version);
  const next = { ...last, version: version + 1, id: runtime.uuid(), previous: last.id, changes: [{ ddl }] };
  await store.create(layout.recordKey(version + 1), encodeRecord(next));
}

const statements: readonly [kind: string, ddl: (outside: string) => string][] = [
  ['COPY … TO', (outside) => `COPY (SELECT 'forged') TO '${outside}'`],
  ['COPY behind a CREATE', (outside) => `CREATE TABLE x (a INTEGER); COPY (SELECT 'forged') TO '${outside}'`],
  ['EXPORT DATABASE', (outside) => `EXPORT DATABASE '${outside}'`],
  ['ATTACH', () => `ATTACH ':memory:' AS other`],
  ['SET', () => 'SET GLOBAL threads = 64'],
  ['PRAGMA', () => 'PRAGMA enable_profiling'],
  ['LOAD', () => 'LOAD httpfs'],
  ['CALL', () => 'CALL pragma_version()'],
  ['COMMIT', () => 'COMMIT'],
  ['a secret', () => `CREATE SECRET s (TYPE s3, KEY_ID 'k', SECRET 's')`],
  ['a temporary table', () => 'CREATE TEMP TABLE accounts (x INTEGER)'],
  ['a view of a file', () => `CREATE VIEW leak AS SELECT * FROM read_text('/etc/passwd')`],
  ['rows', () => 'DELETE FROM accounts'],
  ['an UPDATE that is no default', () => `UPDATE accounts SET balance = DEFAULT, owner = 'x'`],
];

it.each(statements)('a record is not replayed that has %s for DDL', async (_, ddl) => {
  const store = createMemoryStore({ runtime });
  const warm = await openDatabase({ store });
  const version = await insertAccount(warm, 'a');
  const outside = join(await temporaryFolder(), 'outside');
  await forge(store, version, ddl(outside));
  for (const opening of [accountIds(warm), openDatabase({ store })])
    await expect(opening).rejects.toMatchObject({
      kind: 'corrupt',
      message: expect.stringContaining('DDL') as unknown,
    });
  expect(existsSync(outside)).toBe(false);
  expect(await accountIds(await openDatabase({ store: createMemoryStore({ runtime }) }))).toEqual([]);
});
