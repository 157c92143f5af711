/**
 * A program, `node loaded-modules.ts <module> <folder>`: asks db-status of the app that its environment describes, through
 * the module whose default export answers requests, and writes which files below the folder were loaded for it: first for
 * its import alone, then for the request.
 */
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Fetch } from '../../lib/http/router.ts';

const [module = '', folder = ''] = process.argv.slice(2);
const prefix = pathToFileURL(join(folder, '/')).href;
const loaded = new Set<string>();
registerHooks({
  load: (url, context, next) => {
    if (url.startsWith(prefix)) loaded.add(decodeURI(url.slice(prefix.length)));
    return next(url, context);
  },
});

const { default: server } = (await import(module)) as { default: { fetch: Fetch } };
const atStart = [...loaded];
const response = await server.fetch(
  new Request('http://localhost/api/db-status', { headers: { 'x-real-ip': '127.0.0.1' } }),
);
const { status, backend } = (await response.json()) as { status: string; backend: string };
process.stdout.write(`\n${JSON.stringify({ status, backend, atStart, all: [...loaded] })}\n`);
process.exit();
