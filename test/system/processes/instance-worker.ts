/**
 * One instance of a deployment, as a process: the endpoints behind HTTP, over a database on a directory. Its arguments
 * are the store's folder and that of the replicas. A step of the engine, sent to it as a message, is where it dies.
 */
import { createApp } from '../../../lib/app.ts';
import { openDuckDbDatabase } from '../../../lib/db/duckdb/duckdb-database.ts';
import { createEndpoints } from '../../../lib/http/endpoints.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { migrations } from '../../support/migrations.ts';
import { createDirectoryStore } from '../../../lib/store/directory.ts';
import { serveEndpoints } from '../../support/http-server.ts';
import { everyBackend } from '../../support/service.ts';

const [root = '', slotRoot = ''] = process.argv.slice(2);
let diesAt: unknown = null;
process.on('message', (step) => {
  diesAt = step;
  process.send?.({ armed: step });
});
/** Its parent has died. */
process.once('disconnect', () => process.exit(1));

const app = createApp({
  migrations,
  runtime,
  environment: () => ({}),
  factories: everyBackend(() =>
    openDuckDbDatabase({
      store: createDirectoryStore({ root, create: true, runtime }),
      name: 'school.db',
      slotRoot,
      runtime,
      migrations,
      maxStalenessMs: 0,
      onStep: (step) => {
        if (step === diesAt) process.kill(process.pid, 'SIGKILL');
      },
    }),
  ),
  signals: process,
});
const endpoints = createEndpoints({
  trustsPeer: true,
  app,
  log: (entry) => process.send?.({ log: entry }),
  waitUntil: (promise) => void promise,
});
await app.open();
const { port } = await serveEndpoints(endpoints);
process.send?.({ port });
