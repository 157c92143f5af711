/** Endpoints behind a real HTTP server on loopback, as a platform puts them there. */
import type { Endpoints } from '../../lib/http/routes.ts';
import { type FunctionServer, serveFetch } from './function-server.ts';
import { answerRequest } from './service.ts';

export function serveEndpoints(endpoints: Endpoints): Promise<FunctionServer> {
  return serveFetch((request) => answerRequest(endpoints, request));
}
