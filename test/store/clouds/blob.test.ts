import { describeStore } from '../conformance.ts';
import { openStore, useBlobServer } from './blob-place.ts';

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
