/**
 * The console in a real browser, on the real server, under the real policy. A test fails with whatever nobody should see: a
 * violation of the policy, a message of the console, an error of the page, a dialog of the browser, a request elsewhere.
 */
import { AxeBuilder } from '@axe-core/playwright';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { freshConsole } from '../../scripts/console.ts';
import { repository } from '../../scripts/deployable.ts';
import { type ServedProject, startServer } from './programs.ts';

const executablePath = '/usr/bin/chromium';
const switches = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

export interface Looks {
  readonly colours?: 'light' | 'dark';
  /** 390 is a phone. */
  readonly width?: number;
  readonly height?: number;
  /** Pixels of a screenshot for one of the page. */
  readonly scale?: number;
}

export const allLooks: readonly Required<Pick<Looks, 'colours' | 'width'>>[] = [
  { colours: 'light', width: 1440 },
  { colours: 'dark', width: 1440 },
  { colours: 'light', width: 390 },
  { colours: 'dark', width: 390 },
];

export interface Console {
  readonly url: string;
  /** A browser of its own each time: nothing kept. */
  open(hash?: string, looks?: Looks): Promise<OpenPage>;
  /** Rows and definitions for a test, past the console. @throws when it is refused */
  sql(query: string): Promise<unknown>;
  readonly close: () => Promise<void>;
}

export interface OpenPage {
  readonly page: Page;
  /** What nobody should have seen; empty. */
  readonly faults: string[];
  /** @throws AssertionError when axe finds a violation of WCAG 2.2 AA */
  readonly expectAccessible: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * A server with a local database of its own, and a browser.
 *
 * @example const site = await openConsole(); const { page } = await site.open('#/tables');
 */
export async function openConsole(environment: Readonly<Record<string, string>> = {}): Promise<Console> {
  await freshConsole();
  const folder = await mkdtemp(join(tmpdir(), 'eider-console-'));
  const server = await startServer({
    cwd: repository,
    environment: { TMPDIR: folder, LOCAL_DB_PATH: join(folder, 'data.db'), ...environment },
  });
  const browser = await chromium.launch({ executablePath, args: switches });
  return {
    url: server.url,
    open: (hash = '', looks = {}) => openPage(browser, server, hash, looks),
    sql: (query) => runSql(server, query, environment['ADMIN_TOKEN']),
    async close() {
      await browser.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function runSql({ url }: ServedProject, query: string, token: string | undefined): Promise<unknown> {
  const response = await fetch(`${url}/api/sql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query }),
  });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

async function openPage(browser: Browser, { url }: ServedProject, hash: string, looks: Looks): Promise<OpenPage> {
  const { colours = 'light', width = 1440, scale = 1 } = looks;
  const { height = width < 500 ? 844 : 900 } = looks;
  const context = await browser.newContext({
    colorScheme: colours,
    viewport: { width, height },
    deviceScaleFactor: scale,
    hasTouch: width < 500,
    acceptDownloads: true,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const faults = await watch(context, page, url);
  await page.goto(`${url}/${hash}`);
  return {
    page,
    faults,
    async expectAccessible() {
      const { violations } = await new AxeBuilder({ page })
        .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
        .analyze();
      const told = violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id}: ${String(target)}: ${failureSummary}`),
      );
      expect(told).toEqual([]);
    },
    async close() {
      await context.close();
      expect(faults).toEqual([]);
    },
  };
}

/** What the server refuses, or that it is away, the browser tells its console: that is the test's to expect. */
const isOfStatus = (text: string): boolean =>
  /^Failed to load resource: (?:.* status of \d+|net::ERR_(?:INTERNET_DISCONNECTED|CONNECTION_REFUSED))/.test(text);

async function watch(context: BrowserContext, page: Page, url: string): Promise<string[]> {
  const faults: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !isOfStatus(message.text()))
      faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`) && !request.url().startsWith('blob:'))
      faults.push(`elsewhere: ${request.url()}`);
  });
  await context.exposeFunction('tellViolation', (what: string) => faults.push(`policy: ${what}`));
  await context.addInitScript(`document.addEventListener('securitypolicyviolation', (event) =>
    tellViolation(event.violatedDirective + ' ' + event.sourceFile + ' ' + event.sample))`);
  return faults;
}
