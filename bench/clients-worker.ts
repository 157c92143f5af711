/**
 * One warm instance behind HTTP, in a process of its own: `node bench/clients-worker.ts`, configured by its environment.
 * Tells its port when it listens, and then twice a second how much memory it holds.
 */
import { serveFunctions } from '../test/support/function-server.ts';
import { loadRoutes } from '../test/support/routes.ts';

export type Said = { readonly port: number } | { readonly rssBytes: number };

const say = (said: Said): void => void process.send?.(said);

const server = await serveFunctions(await loadRoutes());
say({ port: server.port });
setInterval(() => say({ rssBytes: process.memoryUsage.rss() }), 500);
process.once('disconnect', () => process.exit());
