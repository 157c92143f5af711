import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClientProvider } from '@tanstack/react-query';
import { Component, lazy, type ReactNode, Suspense } from 'react';
import { queryClient } from './api/fresh.ts';
import { type Page, useRoute } from './route.ts';
import { Shell } from './shell/shell.tsx';
import { Failure, Loading } from './ui/states.tsx';
import { Toasts } from './ui/toast.tsx';
import { Overview } from './pages/overview/overview.tsx';

/** One folder a page. Only the first is in the first load. */
const views: Readonly<Record<Page, React.ComponentType>> = {
  overview: Overview,
  tables: lazy(() => import('./pages/tables/tables.tsx')),
  sql: lazy(() => import('./pages/sql/sql.tsx')),
  history: lazy(() => import('./pages/history/history.tsx')),
  schema: lazy(() => import('./pages/schema/schema.tsx')),
  setup: lazy(() => import('./pages/setup/setup.tsx')),
};

export function App() {
  const { page } = useRoute();
  const View = views[page];
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queryClient}>
        <Shell>
          <Boundary key={page}>
            <Suspense
              fallback={
                <div className="page">
                  <Loading label="Loading the page" />
                </div>
              }
            >
              <View />
            </Suspense>
          </Boundary>
        </Shell>
        <Toasts />
      </QueryClientProvider>
    </CSPProvider>
  );
}

/** A defect of one page leaves the others. */
class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    return (
      <div className="page">
        <Failure error={error} onRetry={() => this.setState({ error: null })} />
      </div>
    );
  }
}
