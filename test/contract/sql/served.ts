/** A deployment with tokens behind a real HTTP server, and Neon's driver that talks to it. */
import { neon, neonConfig, NeonDbError } from '@neondatabase/serverless';
import { expect, onTestFinished } from 'vitest';
import type { Deployment } from '../../support/deployments.ts';
import { serveEndpoints } from '../../support/http-server.ts';
import type { Service } from '../../support/service.ts';

export const tokens = {
  ADMIN_TOKEN: 'admin-token:100%of@some/length?',
  API_TOKEN: 'api-token-of-some-length',
  CRON_SECRET: 'cron-secret-of-some-length',
} as const;

export interface Served {
  readonly service: Service;
  /** `http://127.0.0.1:1234` */
  readonly url: string;
  /** A connection string with the token as its password. */
  as(token: string): string;
}

export async function serve(deployment: Deployment, environment: Record<string, string> = {}): Promise<Served> {
  const service = await deployment.instance({ environment: { ...tokens, ...environment } });
  const server = await serveEndpoints(service.endpoints);
  onTestFinished(() => server.close());
  const url = `http://127.0.0.1:${server.port}`;
  return {
    service,
    url,
    as: (token) => {
      // Global to the driver: the host of the connection string is the server's.
      neonConfig.fetchEndpoint = (host, port) => `http://${host}:${port}/api/sql`;
      return `postgresql://anyone:${encodeURIComponent(token)}@127.0.0.1:${server.port}/eider`;
    },
  };
}

export type Sql = ReturnType<typeof neon<false, false>>;

export function driver(served: Served, token: string = tokens.ADMIN_TOKEN): Sql {
  return neon(served.as(token));
}

/** The error that the work ends with, as the driver throws it. */
export async function errorOf(work: Promise<unknown>): Promise<NeonDbError> {
  const error: unknown = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(NeonDbError);
  return error as NeonDbError;
}
