/** The contract over the driver, on a real S3 server. */
import { afterAll, beforeAll } from 'vitest';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createS3Store, type S3StoreOptions } from '../../../lib/store/s3.ts';
import { type S3Server, startS3Server } from '../../support/servers/s3.ts';
import { describeStore } from '../../../lib/testing/conformance.ts';

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server();
});

afterAll(() => server.close());

function optionsOf({ endpoint, region, bucket, accessKeyId, secretAccessKey }: S3Server): S3StoreOptions {
  const credentials = { kind: 'keys', accessKeyId, secretAccessKey, sessionToken: null } as const;
  return { endpoint, region, bucket, forcePathStyle: true, credentials, runtime: systemRuntime };
}

describeStore({
  name: 's3',
  capabilities: { nestedKeys: true, shared: true },
  raceRounds: 100,
  open: async () => {
    await server.reset();
    const open = () => createS3Store(optionsOf(server));
    return { store: open(), reopen: async () => open() };
  },
});
