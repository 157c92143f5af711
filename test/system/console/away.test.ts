/** The pages of SQL, history and schema while the database or the server is away: it shows, and nothing that was typed is lost. */
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Console, openConsole } from '../../support/browser.ts';

vi.setConfig({ testTimeout: 300_000 });

let folder: string;
let drive: string;
let site: Console;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eider-away-'));
  drive = join(folder, 'drive');
  await mkdir(drive);
  site = await openConsole({ NETWORK_DB_PATH: drive });
  await site.sql('CREATE TABLE notes (id INTEGER PRIMARY KEY, body VARCHAR)');
  await site.sql(`INSERT INTO notes VALUES (1, 'kept')`);
});
afterAll(async () => {
  await site.close();
  await rm(folder, { recursive: true, force: true });
});

/** What each page shows once it is there. */
const pages: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  sql: (page) => page.locator('.cm-content').waitFor(),
  history: (page) => page.getByRole('list', { name: 'Versions' }).locator('> li').first().waitFor(),
  schema: (page) => page.locator('.table-node').first().waitFor(),
};

async function run(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+Enter');
}

test.each(Object.keys(pages))(
  '%s: that the server is away shows, what is seen stays, and so does its return',
  async (name) => {
    const { page, expectAccessible, close } = await site.open(`#/${name}`);
    await pages[name]?.(page);
    await page.context().setOffline(true);
    await page.getByText('The server cannot be reached.').waitFor();
    await pages[name]?.(page);
    await expectAccessible();
    await page.context().setOffline(false);
    await page.getByText('The server cannot be reached.').waitFor({ state: 'detached' });
    await pages[name]?.(page);
    await close();
  },
);

test('a statement that does not reach the server stays, and runs when it is back', async () => {
  const { page, close } = await site.open('#/sql');
  await pages['sql']?.(page);
  await page.context().setOffline(true);
  await run(page, 'SELECT body FROM notes');
  await page.getByRole('alert').getByText('The server did not answer').first().waitFor();
  expect(await page.locator('.cm-content').textContent()).toBe('SELECT body FROM notes');
  await page.context().setOffline(false);
  await page.getByText('The server cannot be reached.').waitFor({ state: 'detached' });
  await page.locator('.cm-content').click();
  await page.keyboard.press('Control+Enter');
  await page.getByRole('gridcell', { name: 'kept' }).waitFor();
  await close();
});

test('a drive that is gone shows on each of them, and a statement says why it did not run', async () => {
  const away = join(folder, 'away');
  const banner = /^(?:Degraded|The database cannot be used)\.$/;
  const statement = `UPDATE notes SET body = 'changed' WHERE id = 1`;
  const { page, expectAccessible, close } = await site.open('#/sql');
  await pages['sql']?.(page);
  await rename(drive, away);
  await page.getByText(banner).waitFor({ timeout: 60_000 });
  await run(page, statement);
  await page.getByRole('alert').first().waitFor({ timeout: 60_000 });
  expect(await page.locator('.cm-content').textContent()).toBe(statement);
  await expectAccessible();
  for (const [link, heading] of [
    ['History', 'History'],
    ['Schema', 'Schema'],
  ] as const) {
    await page.getByRole('link', { name: link, exact: true }).click();
    await page.getByRole('heading', { name: heading, exact: true }).waitFor();
    await page.getByText(banner).waitFor();
    await expectAccessible();
  }
  await rename(away, drive);
  await page.getByText(banner).waitFor({ state: 'detached', timeout: 120_000 });
  await page.getByRole('link', { name: 'SQL', exact: true }).click();
  expect(await page.locator('.cm-content').textContent()).toBe(statement);
  await close();
  expect(await site.sql('SELECT body FROM notes')).toMatchObject({ rows: [{ body: 'kept' }] });
});
