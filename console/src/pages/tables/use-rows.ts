/** The rows of a view, in windows that are asked for as they come into sight, and how many there are. */
import { keepPreviousData, useQueries, useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useRef, useState } from 'react';
import type { Catalog, Relation } from '../../api/catalog.ts';
import { rowsKey } from '../../api/fresh.ts';
import { runSql, type SqlValue } from '../../api/sql.ts';
import { countStatement, windowSize, windowStatement } from './statements.ts';
import type { TableView } from './view-state.ts';

export interface Rows {
  /** Undefined: not loaded. */
  readonly row: (index: number) => readonly SqlValue[] | undefined;
  readonly count: number;
  /** False while the number is a guess. */
  readonly isCounted: boolean;
  readonly isLoading: boolean;
  readonly error: Error | null;
  readonly retry: () => void;
  /** Call it with what is seen. */
  readonly see: (first: number, last: number) => void;
}

/** Scrolled past faster than this, a window is not asked for. */
const settleMs = 60;

export function useRows(catalog: Catalog, relation: Relation, view: TableView): Rows {
  const { engine } = catalog;
  const viewKey = JSON.stringify([relation.path, relation.columns.length, view]);
  const [seen, see] = useSeenWindows(viewKey);
  const queries = useQueries({
    queries: seen.map((index) => ({
      queryKey: [rowsKey, viewKey, 'window', index],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        runSql(windowStatement(engine, relation, view, index), { signal }).then(({ value }) => value.rows),
      placeholderData: keepPreviousData<readonly (readonly SqlValue[])[]>,
    })),
    combine: combined,
  });
  const first = queries.loaded[seen.indexOf(0)];
  const isWhole = first !== undefined && first.length < windowSize;
  const counted = useQuery({
    queryKey: [rowsKey, viewKey, 'count'],
    queryFn: ({ signal }) =>
      runSql(countStatement(relation, view), { signal }).then(({ value }) => Number(value.rows[0]?.[0] ?? 0)),
    // The rows come first.
    enabled: queries.loaded.some((each) => each !== undefined),
  });
  const count = isWhole ? first.length : (counted.data ?? Math.max(relation.estimatedRows ?? 0, first?.length ?? 0));
  const row = useCallback(
    (index: number) => queries.loaded[seen.indexOf(Math.floor(index / windowSize))]?.[index % windowSize],
    [queries.loaded, seen],
  );
  return useMemo(
    () => ({
      row,
      count,
      isCounted: isWhole || counted.data !== undefined,
      isLoading: queries.isLoading,
      error: queries.error ?? counted.error,
      retry: () => {
        queries.retry();
        void counted.refetch();
      },
      see,
    }),
    [row, count, isWhole, counted, queries, see],
  );
}

interface Asked {
  readonly data: readonly (readonly SqlValue[])[] | undefined;
  readonly isPlaceholderData: boolean;
  readonly error: Error | null;
  readonly isPending: boolean;
  readonly refetch: () => unknown;
}

function combined(queries: readonly Asked[]) {
  return {
    loaded: queries.map(({ data, isPlaceholderData }) => (isPlaceholderData ? undefined : data)),
    error: queries.find(({ error }) => error !== null)?.error ?? null,
    isLoading: queries.some(({ isPending, isPlaceholderData }) => isPending || isPlaceholderData),
    retry: () => {
      for (const query of queries) void query.refetch();
    },
  };
}

/** The numbers of windows in sight, once scrolling pauses; those of another view are forgotten. */
function useSeenWindows(viewKey: string): [readonly number[], (first: number, last: number) => void] {
  const [state, setState] = useState<{ viewKey: string; windows: readonly number[] }>({ viewKey, windows: [0] });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const windows = useMemo(() => (state.viewKey === viewKey ? state.windows : [0]), [state, viewKey]);
  const see = useCallback(
    (first: number, last: number) => {
      const from = Math.max(0, Math.floor(first / windowSize));
      const next = Array.from(
        { length: Math.max(0, Math.floor(Math.max(last, 0) / windowSize) - from + 1) },
        (_, index) => from + index,
      );
      clearTimeout(timer.current);
      if (next.length === 0 || next.join() === windows.join()) return;
      timer.current = setTimeout(() => setState({ viewKey, windows: next }), settleMs);
    },
    [viewKey, windows],
  );
  return [windows, see];
}
