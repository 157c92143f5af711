/**
 * Whose mirror a database is, asked of the database itself by what has queries and no session.
 */
import type { Queries } from '../../values.ts';

export interface MirrorSource {
  /** The address of the PostgreSQL database. */
  readonly source: string;
  /** What it says of itself. */
  readonly sourceId: string;
  readonly at: string;
}

/** Whose mirror the database is, and since when; null when it is none. For what has queries and no session. */
export async function readMirrorSource(queries: Queries): Promise<MirrorSource | null> {
  const found = await queries
    .selectFrom('information_schema.tables')
    .select('table_name')
    .where('table_schema', '=', 'eider')
    .where('table_name', '=', 'mirror')
    .execute();
  if (found.length === 0) return null;
  const [row] = await queries.selectFrom('eider.mirror').select(['source', 'source_id', 'made_at as at']).execute();
  const { source, source_id: sourceId, at } = row ?? {};
  const isWhole = typeof source === 'string' && typeof sourceId === 'string' && typeof at === 'string';
  return isWhole ? { source, sourceId, at } : null;
}
