/**
 * The engine under test, loaded from a folder: the repository's own lib/, or a copy in which something was changed.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { openDuckDbDatabase } from '../../lib/db/duckdb/duckdb-database.ts';
import type { AppError } from '../../lib/errors.ts';
import type { Migration } from '../../lib/schema/migration.ts';
import type { once } from '../../lib/schema/write/idempotency.ts';
import type { withRetry } from '../../lib/store/retry.ts';

export interface Library {
  readonly openDuckDbDatabase: typeof openDuckDbDatabase;
  readonly AppError: typeof AppError;
  readonly withRetry: typeof withRetry;
  readonly once: typeof once;
  /** The migration that makes the table of keys. */
  readonly migration: Migration;
}

export async function loadLibrary(folder: string): Promise<Library> {
  // First, so that DuckDB's package meets what replaces its bindings.
  await import('./natives.ts');
  const load = async (path: string): Promise<unknown> => import(pathToFileURL(join(folder, path)).href);
  const modules = await Promise.all(
    [
      'db/duckdb/duckdb-database.ts',
      'errors.ts',
      'store/retry.ts',
      'schema/write/idempotency.ts',
      'schema/migrations/0002_idempotency_keys.ts',
    ].map(load),
  );
  return Object.assign({}, ...(modules as object[])) as Library;
}
