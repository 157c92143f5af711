/** What the property test of capture runs on: the repository's own lib/, or a copy in which something was changed. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { openDuckDbDatabase } from '../../../lib/db/duckdb/duckdb-database.ts';
import type { AppError } from '../../../lib/errors.ts';
import type { systemRuntime } from '../../../lib/runtime.ts';
import type { createMemoryStore } from '../../../lib/testing/memory.ts';

export interface Library {
  readonly openDuckDbDatabase: typeof openDuckDbDatabase;
  readonly createMemoryStore: typeof createMemoryStore;
  readonly systemRuntime: typeof systemRuntime;
  readonly AppError: typeof AppError;
}

const ownLibrary: string = join(import.meta.dirname, '../../../lib');

export async function loadLibrary(folder: string = ownLibrary): Promise<Library> {
  const paths = ['db/duckdb/duckdb-database.ts', 'testing/memory.ts', 'runtime.ts', 'errors.ts'];
  const modules = await Promise.all(paths.map((path) => import(pathToFileURL(join(folder, path)).href)));
  return Object.assign({}, ...(modules as object[])) as Library;
}
