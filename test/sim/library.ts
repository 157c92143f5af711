/**
 * The engine under test, loaded from a folder: the repository's own lib/, or a copy in which something was changed.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { openIdleCopy } from '../../lib/db/duckdb/local-copy.ts';
import type { openDuckDbDatabase } from '../../lib/db/duckdb/duckdb-database.ts';
import type { openFallbackDatabase } from '../../lib/db/fallback/fallback-database.ts';
import type { pingStore } from '../../lib/db/fallback/link.ts';
import type { outageFile } from '../../lib/db/fallback/outage.ts';
import type { AppError } from '../../lib/errors.ts';
import type { once } from '../../lib/rows/idempotency.ts';
import type { withRetry } from '../../lib/store/retry.ts';
import type { withTimeLimits } from '../../lib/store/time-limit.ts';

export interface Library {
  readonly openDuckDbDatabase: typeof openDuckDbDatabase;
  readonly AppError: typeof AppError;
  readonly withRetry: typeof withRetry;
  readonly withTimeLimits: typeof withTimeLimits;
  readonly once: typeof once;
  readonly openFallbackDatabase: typeof openFallbackDatabase;
  readonly openIdleCopy: typeof openIdleCopy;
  readonly outageFile: typeof outageFile;
  readonly pingStore: typeof pingStore;
}

export async function loadLibrary(folder: string): Promise<Library> {
  // First, so that DuckDB's package meets what replaces its bindings.
  await import('./natives.ts');
  const load = async (path: string): Promise<unknown> => import(pathToFileURL(join(folder, path)).href);
  const modules = await Promise.all(
    [
      'db/duckdb/duckdb-database.ts',
      'db/duckdb/local-copy.ts',
      'db/fallback/fallback-database.ts',
      'db/fallback/outage.ts',
      'db/fallback/link.ts',
      'errors.ts',
      'store/retry.ts',
      'store/time-limit.ts',
      'rows/idempotency.ts',
    ].map(load),
  );
  return Object.assign({}, ...(modules as object[])) as Library;
}
