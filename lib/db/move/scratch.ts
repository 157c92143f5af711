/**
 * A DuckDB session apart from every database: on a file of its own, or in memory.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { duckDbOptions } from '../../sync/duckdb-options.ts';
import { Session } from '../../sync/sql.ts';

/** Lends a session on the DuckDB file at `path`, in memory without one. What does not fit goes to `spillFolder`. */
export async function withScratch<T>(
  { path = ':memory:', spillFolder }: { readonly path?: string; readonly spillFolder: string },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(path, {
    ...duckDbOptions(spillFolder),
    default_block_size: '16384',
    memory_limit: '512MB',
  });
  const session = new Session(await instance.connect());
  try {
    await session.execute("SET GLOBAL TimeZone = 'UTC'");
    return await work(session);
  } finally {
    session.close();
    instance.closeSync();
  }
}
