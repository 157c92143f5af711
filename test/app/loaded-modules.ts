/**
 * A program, `node loaded-modules.ts <module of the endpoints>`: asks db-status of the app that its environment describes,
 * and writes which files of ours, and which packages, were loaded for it: first for its import alone, then for the request.
 */
import { registerHooks } from 'node:module';
import type { Endpoints } from '../../lib/http/endpoints.ts';

const loaded = new Set<string>();
registerHooks({
  load: (url, context, next) => {
    const file = /\/(?:lib|\.packages|node_modules)\/(?!.*\/node_modules\/).+$/.exec(url)?.[0];
    if (file !== undefined) loaded.add(file.slice(1));
    return next(url, context);
  },
});

const { endpoints } = (await import(process.argv[2]!)) as { endpoints: Endpoints };
const atStart = [...loaded];
const response = await endpoints.status(
  new Request('http://localhost/api/db-status', { headers: { 'x-real-ip': '127.0.0.1' } }),
);
const { status, backend } = (await response.json()) as { status: string; backend: string };
process.stdout.write(`\n${JSON.stringify({ status, backend, atStart, all: [...loaded] })}\n`);
process.exit();
