/** `npm start -- --port <number> --host <address>`: serves api/ and public/ from one process. */
import { existsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';

if (existsSync('.env')) process.loadEnvFile('.env');

// Before anything of weight is loaded: half of the time that a start takes.
enableCompileCache();
const [{ serve }, { processEnvironment }, { systemRuntime }] = await Promise.all([
  import('../lib/server/serve.ts'),
  import('../lib/config/process.ts'),
  import('../lib/runtime.ts'),
]);

void import('./console.ts')
  .then(({ freshConsole }) => freshConsole())
  .catch((error: Error) => process.stderr.write(`${error.message}\n`));
process.exitCode = await serve({
  words: process.argv.slice(2),
  environment: processEnvironment(),
  load: async () => {
    const [{ default: server }, { app }] = await Promise.all([import('../server.ts'), import('../lib/app.ts')]);
    return { fetch: server.fetch, app };
  },
  signals: process,
  runtime: systemRuntime,
  out: (text) => process.stdout.write(text),
  log: (text) => process.stderr.write(text),
});
// Whatever still keeps this process, such as a connection of an SDK that is kept warm, has nothing left to do.
process.exit();
