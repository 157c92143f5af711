/** Folders for tests, and stores on them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRuntime, type Runtime } from '../../../lib/runtime.ts';
import { createDirectoryStore } from '../../../lib/store/directory.ts';
import type { Store } from '../../../lib/store/store.ts';

export async function makeFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'eider-store-'));
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

export function directoryStore(root: string, runtime: Runtime = systemRuntime, create = false): Store {
  return createDirectoryStore({ root, create, runtime });
}
