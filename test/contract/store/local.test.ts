import { createMemoryStore } from '../../../lib/testing/memory.ts';
import { testRuntime } from '../../support/runtime.ts';
import { describeStore } from '../../../lib/testing/conformance.ts';
import { directoryStore, makeFolder, removeFolder } from '../../support/places/directory.ts';

describeStore({
  name: 'memory',
  capabilities: { nestedKeys: true, shared: false },
  open: async () => {
    const open = () => createMemoryStore({ runtime: testRuntime() });
    return { store: open(), reopen: async () => open() };
  },
});

describeStore({
  name: 'directory',
  capabilities: { nestedKeys: false, shared: true },
  open: async () => {
    const folder = await makeFolder();
    const open = () => directoryStore(folder);
    return { store: open(), reopen: async () => open(), close: () => removeFolder(folder) };
  },
});
