/** Views and macros of a file that was adopted are somebody's queries: they show what a query may read, and no more. */
import { DuckDBInstance } from '@duckdb/node-api';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { temporaryFolder } from '../../support/engine.ts';
import { startReplicated } from '../../support/replicated.ts';
import { createMemoryStore } from '../../../lib/testing/memory.ts';

/** A service on a file that a plain DuckDB made. */
async function adopt(statements: string) {
  const path = join(await temporaryFolder(), 'made.db');
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  await connection.run(statements);
  connection.closeSync();
  instance.closeSync();
  const store = createMemoryStore({ runtime });
  await store.create('test.db', await readFile(path));
  return startReplicated({ store });
}

it('are not read when they show settings, files, catalogs or tables of Eider, whoever reads them by whatever way', async () => {
  const secret = join(await temporaryFolder(), 'secret.txt');
  await writeFile(secret, 'the secret');
  const service = await adopt(`
    CREATE TABLE notes (id INTEGER PRIMARY KEY, note VARCHAR); INSERT INTO notes VALUES (1, 'a note');
    CREATE SCHEMA eider; CREATE TABLE eider.migrations (name VARCHAR PRIMARY KEY, "at" TIMESTAMPTZ NOT NULL, sha256 VARCHAR);
    CREATE VIEW good AS SELECT note || '!' AS loud FROM notes;
    CREATE VIEW good_too AS SELECT loud FROM good;
    CREATE VIEW of_file AS SELECT content FROM read_text('${secret}');
    CREATE VIEW of_settings AS SELECT name, value FROM duckdb_settings();
    CREATE VIEW of_tables AS SELECT table_name FROM information_schema.tables;
    CREATE VIEW of_eider AS SELECT name AS value FROM eider.migrations;
    CREATE VIEW of_query AS SELECT * FROM query('SELECT 1');
    CREATE VIEW behind AS SELECT * FROM of_settings;
    CREATE VIEW behind_both AS SELECT value FROM behind;
    CREATE MACRO setting(n) AS current_setting(n);
    CREATE MACRO all_settings() AS TABLE SELECT value FROM duckdb_settings();
    CREATE MACRO upper(x) AS current_setting('temp_directory');
    CREATE VIEW of_macro AS SELECT setting('temp_directory') AS value;
    CREATE VIEW of_table_macro AS SELECT * FROM all_settings();
    CREATE VIEW shadowed AS SELECT upper(note) AS value FROM notes;
  `);
  const bad = ['of_file', 'of_settings', 'of_tables', 'of_eider', 'of_query', 'behind', 'behind_both', 'of_macro'];
  for (const view of [...bad, 'of_table_macro', 'shadowed']) {
    const asked = [
      await service.send('GET', `/api/${view}`),
      await service.send('GET', `/api/rest/v1/${view}`),
      await service.send('GET', `/api/export?table=${view}&format=csv`),
      await service.send('POST', '/api/sql', { json: { query: `SELECT * FROM ${view}` } }),
      await service.send('POST', '/api/sql', { json: { query: `INSERT INTO notes SELECT 2, value FROM ${view}` } }),
      await service.send('POST', '/api/sql', { json: { query: `CREATE TABLE copied AS SELECT * FROM ${view}` } }),
    ];
    expect([view, ...asked.map(({ status }) => (status < 400 || status > 499 ? status : 'refused'))]).toEqual([
      view,
      ...asked.map(() => 'refused'),
    ]);
  }
  expect(await (await service.send('GET', '/api/good_too')).json()).toMatchObject({ data: [{ loud: 'a note!' }] });
  for (const name of ['setting', 'all_settings']) {
    const called = await service.send('GET', `/api/rest/v1/rpc/${name}?n=temp_directory`);
    expect([name, called.status >= 400 && called.status < 500]).toEqual([name, true]);
  }
  const status = (await (await service.send('GET', '/api/db-status')).json()) as { warnings: string[] };
  expect(status.warnings).toContainEqual(expect.stringMatching(/view main\.of_settings .*duckdb_settings/));
});

it('a schema that is spelled like Eider’s goes when it is empty, and is refused with the way out when not', async () => {
  const service = await adopt('CREATE SCHEMA "Eider"; CREATE TABLE notes (id INTEGER PRIMARY KEY)');
  expect((await service.send('POST', '/api/notes', { json: { id: 1 } })).status).toBe(201);
  const closed = await adopt('CREATE SCHEMA "Eider"; CREATE TABLE "Eider".notes (id INTEGER PRIMARY KEY)');
  await expect(closed.app.open()).rejects.toMatchObject({
    message: expect.stringContaining('has notes in a schema Eider') as unknown,
    hint: expect.stringContaining('another schema') as unknown,
  });
});
