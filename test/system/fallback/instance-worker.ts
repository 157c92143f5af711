/** One instance of a deployment, as a process: the endpoints behind HTTP. Its argument is its environment, as JSON. */
import { createApp } from '../../../lib/app.ts';
import { backendFactories } from '../../../lib/backends.ts';
import { createEndpoints } from '../../../lib/http/endpoints.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { migrations } from '../../support/migrations.ts';
import { serveEndpoints } from '../../support/http-server.ts';

const environment = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
/** Its parent has died. */
process.once('disconnect', () => process.exit(1));

const app = createApp({
  migrations,
  runtime,
  environment: () => environment,
  factories: backendFactories,
  signals: process,
});
const endpoints = createEndpoints({
  trustsPeer: true,
  app,
  log: () => undefined,
  waitUntil: (promise) => void promise,
});
const { port } = await serveEndpoints(endpoints);
process.send?.({ port });
