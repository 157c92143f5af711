/** The overview and the set-up: what serves and why, what is durable, and what shows when it is not well. */
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { allLooks, type Console, openConsole } from '../../support/browser.ts';

// Axe looks at everything, several times.
vi.setConfig({ testTimeout: 120_000 });

describe('on a new machine', () => {
  let site: Console;
  beforeAll(async () => {
    site = await openConsole();
  });
  afterAll(() => site.close());

  test.each(allLooks)('neither page fails axe: $colours, $width px', async (looks) => {
    const { page, expectAccessible, close } = await site.open('', looks);
    await page.getByText('on this machine').waitFor();
    await page.getByRole('heading', { name: 'Live' }).waitFor();
    await expectAccessible();
    await page.getByRole('link', { name: 'Keep it where every machine finds it' }).click();
    await page.getByRole('tab', { name: 'S3' }).click();
    await page.getByText('S3_BUCKET is not set.').waitFor();
    await expectAccessible();
    await close();
  });

  test('a newcomer sees the local default, the way to persist it, and the version after a sync', async () => {
    const { page, close } = await site.open();
    const firstSteps = page.getByRole('region', { name: 'First steps' });
    await firstSteps.waitFor();
    const chain = page.getByRole('region', { name: 'Where the database can be' });
    await chain.getByRole('listitem').filter({ hasText: 'Local file' }).getByText('chosen').waitFor();
    expect(await chain.getByRole('listitem').allInnerTexts()).toHaveLength(7);
    await chain.getByRole('link', { name: 'Set up Vercel Blob' }).click();
    await page.getByText('BLOB_READ_WRITE_TOKEN=').waitFor();
    await page.getByRole('button', { name: 'Copy the variables of Vercel Blob' }).click();
    expect(await page.evaluate('navigator.clipboard.readText()')).toContain('BLOB_READ_WRITE_TOKEN=');
    await page.getByRole('tab', { name: 'supabase-js' }).click();
    await page.getByText(`createClient('${site.url}/api'`).waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await site.sql(`INSERT INTO courses (code, title, credits) VALUES ('L1', 'Live', 1)`);
    await page.getByRole('region', { name: 'Changes' }).getByText('courses +1').waitFor();
    await firstSteps.waitFor({ state: 'detached' });
    await page.getByRole('region', { name: 'Sync' }).getByRole('button', { name: 'Sync now' }).click();
    await page.getByText('Database file published').waitFor();
    await page.getByText(/^Synced at v\d+: uploaded a snapshot/).waitFor();
    await close();
  });

  test('a server that goes is told of, and so is its return; what was typed stays', async () => {
    const { page, close } = await site.open('#/tables/courses');
    await page.getByRole('button', { name: 'Row', exact: true }).click();
    await page.getByText('1 changed row', { exact: true }).waitFor();
    await page.context().setOffline(true);
    await page.getByText('The server cannot be reached.').waitFor();
    await page.context().setOffline(false);
    await page.getByText('The server cannot be reached.').waitFor({ state: 'detached' });
    await page.getByText('1 changed row', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Discard' }).click();
    await close();
  });
});

test('a drive that is gone shows within seconds; what is refused stays staged, and is saved when it is back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eider-drive-'));
  const [drive, away] = [join(folder, 'drive'), join(folder, 'away')];
  await mkdir(drive);
  const site = await openConsole({ NETWORK_DB_PATH: drive });
  try {
    const { page, expectAccessible, close } = await site.open('#/tables/courses');
    await page.getByText('No rows yet').waitFor();
    await rename(drive, away);
    await page.getByText('Degraded.').waitFor({ timeout: 30_000 });
    await page.getByRole('button', { name: 'Add a row' }).click();
    const cell = (column: number) => page.locator(`[role=row][aria-rowindex="2"]:visible [aria-colindex="${column}"]`);
    for (const [column, text] of [
      [2, 'P1'],
      [3, 'Pending'],
      [4, '3'],
    ] as const) {
      await cell(column).dblclick();
      await page.keyboard.type(text);
      await page.keyboard.press('Enter');
    }
    await page.keyboard.press('Control+s');
    await page.getByText('1 refused').first().waitFor();
    await page.getByText('1 changed row', { exact: true }).waitFor();
    await expectAccessible();
    await rename(away, drive);
    await page.getByText('Degraded.').waitFor({ state: 'detached', timeout: 100_000 });
    await page.getByRole('button', { name: /^Save/ }).click();
    await page.getByText('1 saved').first().waitFor();
    await close();
  } finally {
    await site.close();
    await rm(folder, { recursive: true, force: true });
  }
});

describe('who may less', () => {
  const tokens = {
    ADMIN_TOKEN: 'admin-token-of-some-length',
    API_TOKEN: 'api-token-of-some-length',
    PUBLIC_READ: 'true',
  };
  let site: Console;
  beforeAll(async () => {
    site = await openConsole(tokens);
  });
  afterAll(() => site.close());

  test('sees tables without a token where they are public, and nothing that changes them', async () => {
    const { page, close } = await site.open('#/tables/courses');
    await page.getByText('Your token only reads.').waitFor();
    for (const name of ['Row', 'Import', 'Save', 'Sync now'])
      expect(await page.getByRole('button', { name: new RegExp(`^${name}`) }).count()).toBe(0);
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('this says more').waitFor();
    await close();
  });

  test('changes rows with API_TOKEN, and no definitions', async () => {
    const { page, close } = await site.open('#/tables/courses');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByLabel('ADMIN_TOKEN or API_TOKEN').fill(tokens.API_TOKEN);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Row', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Structure' }).click();
    await page.getByRole('heading', { name: 'Columns' }).waitFor();
    expect(await page.getByRole('heading', { name: 'Change', exact: true }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Sync now' }).count()).toBe(0);
    await close();
  });
});
