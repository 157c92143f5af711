import { afterAll, beforeAll } from 'vitest';
import { startBlobServer, type BlobServer } from '../../support/servers/blob.ts';
import { redirectBlob } from '../../support/servers/blob-redirect.ts';
import { systemRuntime } from '../../../lib/runtime.ts';
import { createBlobStore } from '../../../lib/store/blob.ts';
import { describeStore } from '../conformance.ts';

let server: BlobServer;
let restore: () => void;

beforeAll(async () => {
  server = await startBlobServer();
  restore = redirectBlob(server.url);
});

afterAll(async () => {
  restore();
  await server.close();
});

describeStore({
  name: 'vercel blob',
  capabilities: { nestedKeys: true, shared: true },
  raceRounds: 100,
  open: async () => {
    const place = server.addStore();
    const open = () =>
      createBlobStore({
        credentials: { kind: 'token', token: place.token },
        runtime: systemRuntime,
        partBytes: 5 * 1024 * 1024,
      });
    return { store: open(), reopen: async () => open(), close: async () => server.removeStore(place) };
  },
});
