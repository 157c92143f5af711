#!/usr/bin/env node
/** The command `eider`, which is also `npm run db --` and `npm start`: see `eider --help`. */
import { existsSync, readFileSync } from 'node:fs';
// By name, an older Node would not even load this file.
import module from 'node:module';
import type { ServeWords } from '../lib/cli/terminal.ts';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  console.error(`Eider needs Node 22.13 or newer; this is ${process.version}.`);
  process.exit(1);
}
if (existsSync('.env')) process.loadEnvFile('.env');
// Before anything of weight is loaded: half of the time that a start takes.
module.enableCompileCache();

/** The package has this file compiled, beside the console's. */
const isSource = import.meta.url.endsWith('.ts');
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const [{ runCommand }, { processEnvironment }, { systemRuntime: runtime }, { provideThreads }] = await Promise.all([
  import('../lib/cli/command.ts'),
  import('../lib/config/process.ts'),
  import('../lib/runtime.ts'),
  import('../lib/config/threads.ts'),
]);
provideThreads();
const { stdin, stdout, stderr } = process;
// Who reads the answer may have seen enough, such as `head`.
stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const environment = processEnvironment();
const terminal = { environment, stdin, stdout, stderr, runtime, version, serve };
const exitCode = await runCommand(process.argv.slice(2), terminal);
// Whatever still keeps this process, such as a connection of an SDK that is kept warm, has nothing left to do.
process.exit(exitCode);

async function serve(options: ServeWords): Promise<number> {
  const { serve: serveUntilSignal } = await import('../lib/server/serve.ts');
  let isListening = false;
  const code = await serveUntilSignal({
    ...options,
    environment,
    load: async () => {
      isListening = true;
      const [fetch, { app }] = await Promise.all([
        isSource ? fetchOfProject() : fetchOfPackage(),
        import('../lib/app.ts'),
      ]);
      return { fetch, app };
    },
    signals: process,
    runtime,
    out: (text) => stdout.write(text),
    log: (text) => stderr.write(text),
  });
  // `node --watch` would wait for a source to change, which does not free an address.
  if (!isListening && process.env['WATCH_REPORT_DEPENDENCIES'] !== undefined) process.kill(process.ppid, 'SIGTERM');
  return code;
}

type Fetch = (request: Request) => Promise<Response>;

/** With the files of api/ as they are. */
async function fetchOfProject(): Promise<Fetch> {
  const path = new URL('../server.ts', import.meta.url).href;
  const { freshConsole, showBuilding } = await import('./console.ts');
  await showBuilding();
  void freshConsole().catch((error: Error) => stderr.write(`${error.message}\n`));
  return ((await import(path)) as { default: { fetch: Fetch } }).default.fetch;
}

async function fetchOfPackage(): Promise<Fetch> {
  const [{ api }, { withStaticFiles }] = await Promise.all([
    import('../eider.ts'),
    import('../lib/server/static-files.ts'),
  ]);
  return withStaticFiles(new URL('public/', import.meta.url), api.fetch);
}
