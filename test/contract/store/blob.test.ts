import { describeStore } from '../../../lib/testing/conformance.ts';
import { openStore, useBlobServer } from '../../support/places/blob.ts';

const blob = useBlobServer(2);

describeStore({
  name: 'vercel blob',
  capabilities: { nestedKeys: true, shared: true },
  raceRounds: 100,
  open: async () => {
    const place = blob.server.addStore();
    const open = () => openStore(place);
    return { store: open(), reopen: async () => open(), close: async () => blob.server.removeStore(place) };
  },
});

// Its CDN cannot be asked past its cache, so what is replaced may not be read for a minute: here it is served at once.
describeStore({
  name: 'vercel blob, public',
  capabilities: { nestedKeys: true, shared: true },
  raceRounds: 5,
  modelRuns: 10,
  open: async () => {
    const place = blob.server.addStore('public');
    place.staleMs = 0;
    const open = () => openStore(place);
    return { store: open(), reopen: async () => open(), close: async () => blob.server.removeStore(place) };
  },
});
