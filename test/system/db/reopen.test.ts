/** A replica whose process was killed: DuckDB replays what stands in the write-ahead log beside its file. */
import { cp } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { openDatabase, temporaryFolder } from '../../support/engine.ts';
import { withCounting } from '../../../lib/testing/counting.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';

it.each([
  ['a new column', 'ALTER TABLE notes ADD COLUMN author VARCHAR'],
  ['a new default', 'ALTER TABLE notes ALTER COLUMN text SET DEFAULT upper(current_database())'],
  ['a comment', `COMMENT ON COLUMN notes.text IS 'what it says'`],
])('opens with %s of a table whose defaults and checks call functions', async (_, alter) => {
  const store = createMemoryStore({ runtime });
  const slotRoot = await temporaryFolder();
  const options = { store, name: 'killed.db' };
  const database = await openDatabase({ ...options, slotRoot });
  for (const sql of [
    'CREATE TABLE notes (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), text VARCHAR CHECK (length(text) > 0))',
    alter,
    `INSERT INTO notes (text) VALUES ('kept')`,
  ])
    await database.write((_queries, scope) => scope.run(sql));
  // As a kill leaves it: closing would fold the write-ahead log into the file.
  const killed = await temporaryFolder();
  await cp(slotRoot, killed, { recursive: true });
  const counting = withCounting(store);
  const again = await openDatabase({ ...options, store: counting, slotRoot: killed });
  const { value } = await again.read((_queries, scope) => scope.run('SELECT text FROM notes'));
  expect(value.rows).toEqual([['kept']]);
  // It went on from its file: one that cannot be opened is made anew from the log.
  expect(counting.counts().operations.get).toBeLessThan(10);
});

it.each([
  ['put', `UPDATE notes SET text = 'second' WHERE id = 1`],
  ['removed and put', `DELETE FROM notes WHERE id = 1; INSERT INTO notes VALUES (1, 7, 'second')`],
])('holds a row that is %s against a unique index as it was before', async (_, change) => {
  const store = createMemoryStore({ runtime });
  const slotRoot = await temporaryFolder();
  const options = { store, name: 'indexed.db' };
  const other = await openDatabase(options);
  for (const sql of [
    'CREATE TABLE notes (id INTEGER PRIMARY KEY, number INTEGER, text VARCHAR)',
    'CREATE UNIQUE INDEX numbers ON notes (number)',
    `INSERT INTO notes VALUES (1, 7, 'first')`,
  ])
    await other.write((_queries, scope) => scope.run(sql));
  const database = await openDatabase({ ...options, slotRoot });
  await database.close();
  await other.write(async (_queries, scope) => {
    for (const sql of change.split('; ')) await scope.run(sql);
  });
  // Its file has version 3; version 4 is applied to it.
  const again = await openDatabase({ ...options, slotRoot });
  const { value } = await again.read((_queries, scope) => scope.run('SELECT text FROM notes'));
  expect(value.rows).toEqual([['second']]);
  await again.write((_queries, scope) => scope.run(`UPDATE notes SET number = 7, text = 'third'`));
});

it('leaves no index behind when a key is added in another spelling of the name, and not committed', async () => {
  const database = await openDatabase({ store: createMemoryStore({ runtime }), name: 'keyed.db' });
  const addKey = 'ALTER TABLE IF EXISTS NOTES ADD PRIMARY KEY (id)';
  await database.write((_queries, scope) => scope.run('CREATE TABLE notes (id INTEGER)'));
  const gone = database.write(async (_queries, scope) => {
    await scope.run(addKey);
    throw new Error('Not this one.');
  });
  await expect(gone).rejects.toThrow('Not this one.');
  await database.write((_queries, scope) => scope.run('INSERT INTO notes VALUES (1), (1)'));
  await database.write((_queries, scope) => scope.run('DELETE FROM notes'));
  await database.write((_queries, scope) => scope.run(addKey));
  const twice = database.write((_queries, scope) => scope.run('INSERT INTO notes VALUES (2), (2)'));
  await expect(twice).rejects.toMatchObject({ kind: 'conflict' });
});
