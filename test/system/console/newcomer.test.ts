/**
 * The path of somebody who opens the console for the first time, on each kind of backend: a file becomes a table, a row is
 * edited, queried, charted, synced. Then the backend goes while they look, and comes back.
 */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Console, openConsole } from '../../support/browser.ts';
import { startPostgres } from '../../support/servers/postgres.ts';
import { startS3Server } from '../../support/servers/s3.ts';
import { startTcpProxy } from '../../support/servers/tcp-proxy.ts';

vi.setConfig({ testTimeout: 150_000 });

interface Backend {
  readonly environment: Readonly<Record<string, string>>;
  /** What the overview says of it. */
  readonly sentence: RegExp;
  /** What a sync says that it did. */
  readonly synced: string;
  /** Null when it does not go. */
  readonly goAway: (() => Promise<void> | void) | null;
  readonly comeBack: (() => Promise<void> | void) | null;
  readonly close: () => Promise<void>;
}

const starts: Readonly<Record<string, () => Promise<Backend>>> = {
  local: async () => ({
    environment: {},
    sentence: /^Data is in .* on this machine$/,
    synced: 'Database file published',
    goAway: null,
    comeBack: null,
    close: async () => {},
  }),
  async s3() {
    const server = await startS3Server();
    const address = new URL(server.endpoint);
    const proxy = await startTcpProxy({ host: address.hostname, port: Number(address.port) });
    address.port = String(proxy.port);
    return {
      environment: {
        S3_BUCKET: server.bucket,
        S3_ENDPOINT: address.href,
        S3_FORCE_PATH_STYLE: 'true',
        AWS_REGION: server.region,
        AWS_ACCESS_KEY_ID: server.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      },
      sentence: /^Data persists with external DuckDB storage$/,
      synced: 'Database file published',
      goAway: () => {
        proxy.hold();
        proxy.cut();
      },
      comeBack: () => proxy.release(),
      async close() {
        await proxy.close();
        await server.close();
      },
    };
  },
  async postgres() {
    const server = await startPostgres();
    return {
      environment: { DATABASE_URL: await server.createDatabase() },
      sentence: /^Data persists with external PostgreSQL$/,
      synced: 'At v',
      goAway: () => server.stop('immediate'),
      comeBack: () => server.start(),
      close: () => server.close(),
    };
  },
};

describe.each(Object.keys(starts))('on %s', (name) => {
  let backend: Backend;
  let site: Console;
  beforeAll(async () => {
    backend = await starts[name]!();
    site = await openConsole(backend.environment);
  });
  afterAll(async () => {
    await site.close();
    await backend.close();
  });

  test('a file becomes a table, is edited, queried, charted and synced', async () => {
    const { page, close } = await site.open();
    const began = performance.now();
    await page.getByText(backend.sentence).waitFor();
    if (name === 'local') await makeItPersist(page);
    await createTable(page);
    await page.getByRole('link', { name: 'Import a file' }).click();
    const lines = Array.from({ length: 10_000 }, (_, index) => `${index},group ${index % 5},${index / 4}`);
    const buffer = Buffer.from(`id,kind,score\n${lines.join('\n')}\n`);
    await page.setInputFiles('input[type=file]', { name: 'Measures 1.csv', mimeType: 'text/csv', buffer });
    await page.getByRole('button', { name: 'Import 10,000 rows' }).click();
    await page.waitForURL('**/#/tables/measures_1');
    await cell(page, 1, 2).getByText('group 1').waitFor();
    await page.getByText('10,000 rows', { exact: true }).waitFor();
    await cell(page, 1, 3).dblclick();
    await page.keyboard.type('1234.5');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+s');
    await page.getByText('1 saved').first().waitFor();
    await page.getByRole('link', { name: 'SQL' }).click();
    await page.locator('.cm-content').click();
    await page.keyboard.insertText('SELECT kind, max(score) AS best FROM measures_1 GROUP BY kind ORDER BY best');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('gridcell', { name: '2499.75' }).waitFor();
    await page.getByRole('button', { name: 'Chart' }).click();
    await page.locator('canvas').waitFor();
    await page.getByRole('link', { name: 'Overview' }).click();
    await page
      .getByRole('region', { name: 'Changes' })
      .getByText(/measures_1/)
      .first()
      .waitFor();
    await page.getByRole('region', { name: 'Sync' }).getByRole('button', { name: 'Sync now' }).click();
    await page.getByText(backend.synced).first().waitFor();
    console.log(`${name}: ${((performance.now() - began) / 1000).toFixed(1)} s of clicks and keys`);
    await close();
  });

  // What is on this machine does not go.
  test.each(name === 'local' ? [] : [name])(
    '%s goes while somebody looks: that shows, a write waits, and so does its return',
    async () => {
      const { page, close } = await site.open('#/tables/measures_1');
      await cell(page, 2, 1).getByText('2', { exact: true }).waitFor();
      // The tag of the row is asked for while it can be had.
      const tagged = page.waitForResponse('**/api/measures_1/2');
      await cell(page, 2, 2).dblclick();
      await page.keyboard.type('while away');
      await tagged;
      await page.keyboard.press('Enter');
      await backend.goAway?.();
      await page.getByText('Degraded.').waitFor({ timeout: 30_000 });
      await page.keyboard.press('Control+s');
      await page.getByText('1 pending until the database is back').first().waitFor({ timeout: 30_000 });
      await page.getByText('1 pending write', { exact: true }).waitFor();
      await backend.comeBack?.();
      await page.getByRole('link', { name: 'Overview' }).click();
      await page.getByRole('region', { name: 'Sync' }).getByRole('button', { name: 'Sync now' }).click();
      await page.getByText('Degraded.').waitFor({ state: 'detached', timeout: 60_000 });
      await page.getByText('No write is pending.').waitFor();
      const { rows } = (await site.sql('SELECT kind FROM measures_1 WHERE id = 2')) as { rows: unknown[] };
      expect(rows).toEqual([{ kind: 'while away' }]);
      await close();
    },
  );
});

/** What is missing for the data to stay, as the set-up says it. */
async function makeItPersist(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Keep it where every machine finds it' }).click();
  await page.getByRole('heading', { name: 'Set-up', exact: true }).waitFor();
  await page.getByText('BLOB_READ_WRITE_TOKEN').first().waitFor();
  await page.getByRole('link', { name: 'Overview' }).click();
}

async function createTable(page: Page): Promise<void> {
  await page.getByRole('link', { name: 'Tables', exact: true }).click();
  await page.getByRole('button', { name: 'Create a table' }).click();
  await page.getByLabel('Name', { exact: true }).fill('first_table');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.waitForURL('**/#/tables/first_table');
  await page.getByRole('link', { name: 'Overview' }).click();
}

function cell(page: Page, row: number, column: number) {
  return page.locator(`[role=row][aria-rowindex="${row + 2}"]:visible [aria-colindex="${column}"]`);
}
