/** What is asked again after a change: everything that shows rows, and after DDL the catalog, too. */
import { QueryClient } from '@tanstack/react-query';
import { catalogKey } from './catalog.ts';
import { ApiError } from './client.ts';
import { statusKey } from './status.ts';

/** The first part of the keys of queries that show rows. */
export const rowsKey = 'rows';

export const queryClient = new QueryClient({
  defaultOptions: {
    // The machine itself is reached without any network; whether the server is, the requests tell.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      staleTime: 30_000,
      retry: (count, error) => count < 2 && error instanceof ApiError && (error.status === 0 || error.status === 503),
    },
  },
});

/** After somebody signed in: what is under way was asked with less right, and its answer would count as fresh. */
export async function refreshEverything(): Promise<void> {
  await queryClient.cancelQueries();
  await queryClient.invalidateQueries();
}

/** After rows were changed. */
export async function refreshRows(): Promise<void> {
  await Promise.all([
    queryClient.invalidateQueries({ queryKey: [rowsKey] }),
    queryClient.invalidateQueries({ queryKey: statusKey }),
  ]);
}

/** After definitions were changed. */
export async function refreshDefinitions(): Promise<void> {
  await Promise.all([queryClient.invalidateQueries({ queryKey: catalogKey }), refreshRows()]);
}
