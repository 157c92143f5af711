/**
 * All of api/ and public/ as one handler: the one function of a deployment, and what `vercel dev` and `npm start` serve.
 * https://vercel.com/docs/functions/runtimes/node-js
 */
import { provideThreads } from './lib/config/threads.ts';
import { loadRoutes } from './lib/server/load-routes.ts';
import { createRouter } from './lib/http/router.ts';
import { withStaticFiles } from './lib/server/static-files.ts';

provideThreads();
const routes = await loadRoutes(new URL('api/', import.meta.url));

export default { fetch: withStaticFiles(new URL('public/', import.meta.url), createRouter(routes)) };
