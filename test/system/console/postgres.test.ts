/** The pages of SQL, history and schema on PostgreSQL: its dialect, its plans, its versions with gaps. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Console, openConsole } from '../../support/browser.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
let site: Console;
beforeAll(async () => {
  server = await startPostgres();
  site = await openConsole({ DATABASE_URL: await server.createDatabase() });
  await site.sql(
    'CREATE TABLE parts (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, part_of BIGINT REFERENCES parts (id), name TEXT)',
  );
  await site.sql(`INSERT INTO parts (name) VALUES ('wheel'), ('spoke')`);
  // Numbers of transactions that are no versions of ours.
  for (let index = 0; index < 150; index++) await server.run('SELECT pg_current_xact_id()');
  await site.sql('UPDATE parts SET part_of = 1 WHERE id = 2');
});
afterAll(async () => {
  await site.close();
  await server.close();
});

test('runs, explains and underlines', async () => {
  const { page, close } = await site.open('#/sql');
  const run = async (text: string): Promise<void> => {
    await page.locator('.cm-content').click();
    await page.keyboard.press('Control+a');
    await page.keyboard.press('Delete');
    await page.keyboard.insertText(text);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Enter');
  };
  await run(`SELECT $q$a;b$q$ AS quoted, name FROM parts WHERE name ILIKE 'WH%'`);
  await page.getByRole('gridcell', { name: 'a;b' }).waitFor();
  for (const way of ['The plan', 'Run it and measure']) {
    await page.getByRole('button', { name: 'Explain' }).click();
    await page.getByRole('menuitem', { name: way }).click();
    await page.getByRole('region', { name: 'Plan' }).getByText('Seq Scan').waitFor();
  }
  await run('SELECT name,\n  nmae FROM parts');
  await page.getByText('column "nmae" does not exist').waitFor();
  expect(await page.locator('.cm-fault').allTextContents()).toEqual(['nmae']);
  await close();
});

test('finds versions across gaps, and the references of a table', async () => {
  const { page, close } = await site.open('#/history?table=parts&key=2');
  const changed = page.getByRole('listitem').filter({ hasText: 'changed' });
  await changed.getByRole('row', { name: 'part_of NULL 1' }).waitFor();
  await page.goto(`${site.url}/#/schema?table=parts&show=neighbours`);
  await page.getByText('1 table of 4, 1 reference').waitFor();
  await close();
});
