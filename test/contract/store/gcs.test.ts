/** The store contract over the driver and the server of the JSON API. */
import { afterAll } from 'vitest';
import { createGcsStore } from '../../../lib/store/gcs.ts';
import { GcsServer } from '../../support/servers/gcs.ts';
import { describeStore } from '../../../lib/testing/conformance.ts';

const server = await GcsServer.start({ asksForTokens: false });
afterAll(() => server.stop());

describeStore({
  name: 'gcs',
  capabilities: { nestedKeys: true, shared: true },
  raceRounds: 100,
  open: async () => {
    const bucket = server.makeBucket();
    const open = () =>
      createGcsStore({
        bucket: bucket.name,
        endpoint: server.url,
        credentials: { kind: 'none' },
        partBytes: 1024 * 1024,
      });
    return { store: open(), reopen: async () => open(), close: async () => server.dropBucket(bucket) };
  },
});
