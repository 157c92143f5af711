/** How many rows each table has now. */
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type Catalog, sqlName } from './catalog.ts';
import { rowsKey } from './fresh.ts';
import { quoteText, runSql } from './sql.ts';

/** More than people look at. */
const mostTables = 100;

/**
 * By path. DuckDB counts a table in less than a millisecond; the catalog's estimates are as old as the last change of definitions.
 * Where there is no count, and on PostgreSQL, they have to do.
 */
export function useRowCounts(catalog: Catalog | undefined): ReadonlyMap<string, number> {
  const tables = catalog?.relations.filter(({ kind }) => kind === 'table').slice(0, mostTables) ?? [];
  const query = tables
    .map((table) => `SELECT ${quoteText(table.path)}, count(*) FROM ${sqlName(table)}`)
    .join(' UNION ALL ');
  const { data } = useQuery({
    queryKey: [rowsKey, 'counts', query],
    queryFn: async ({ signal }) => (await runSql({ query }, { signal })).value.rows,
    enabled: catalog?.engine === 'duckdb' && tables.length > 0,
  });
  return useMemo(() => {
    const estimates = (catalog?.relations ?? []).flatMap(({ path, estimatedRows }): [string, number][] =>
      estimatedRows === null ? [] : [[path, estimatedRows]],
    );
    const counts = (data ?? []).map(([path, count]): [string, number] => [path ?? '', Number(count)]);
    return new Map([...estimates, ...counts]);
  }, [catalog, data]);
}
