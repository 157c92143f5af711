/**
 * Whose mirror a database is, asked of the database itself by what has queries and no session.
 */
import type { Queries } from '../../values.ts';

/** Whose mirror the database is, and since when; null when it is none. For what has queries and no session. */
export async function readMirrorSource(queries: Queries): Promise<{ source: string; at: string } | null> {
  const found = await queries
    .selectFrom('information_schema.tables')
    .select('table_name')
    .where('table_schema', '=', 'eider')
    .where('table_name', '=', 'mirror')
    .execute();
  if (found.length === 0) return null;
  const [row] = await queries.selectFrom('eider.mirror').select(['source', 'made_at as at']).execute();
  const { source, at } = row ?? {};
  return typeof source === 'string' && typeof at === 'string' ? { source, at } : null;
}
