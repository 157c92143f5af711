/** The newest commits, as they come. */
import { useQuery } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { type ChangeSet, type CountedChange, fetchCounts, useChanges } from '../../api/changes.ts';
import { ApiError } from '../../api/client.ts';
import { refreshDefinitions, refreshRows } from '../../api/fresh.ts';
import { useStatus } from '../../api/status.ts';
import { href } from '../../route.ts';
import { formatAge, formatCount, formatTime } from '../../ui/format.ts';
import { Failure, Loading } from '../../ui/states.tsx';

const most = 12;

type Counted = ChangeSet<CountedChange>;

export function LiveChanges() {
  const { data: status } = useStatus();
  const [came, setCame] = useState<readonly Counted[]>([]);
  const latest = useQuery({
    queryKey: ['latest changes'],
    queryFn: ({ signal }) => newestSets(status?.version ?? 0, signal),
    enabled: typeof status?.version === 'number',
    // What came while another page was open is not known here.
    staleTime: 0,
  });
  useChanges(
    useCallback((set: Counted) => {
      setCame((before) => [set, ...before].slice(0, most));
      void (set.changes.some(({ kind }) => kind === 'schema') ? refreshDefinitions() : refreshRows());
    }, []),
  );
  const isRefused = latest.error instanceof ApiError && [401, 403].includes(latest.error.status);
  if (isRefused) return null;
  const known = new Map([...(latest.data ?? []), ...came].map((set) => [set.version, set]));
  const sets = [...known.values()].toSorted((a, b) => b.version - a.version).slice(0, most);
  return (
    <section className="card stack tight" aria-label="Changes">
      <div className="row">
        <h2 className="grow">Live</h2>
        <a href={href('history')}>History</a>
      </div>
      {latest.error && sets.length === 0 ? (
        <Failure error={latest.error} onRetry={() => void latest.refetch()} />
      ) : latest.data === undefined ? (
        <Loading label="Loading the changes" />
      ) : sets.length === 0 ? (
        <p className="muted">Nothing was written lately.</p>
      ) : (
        <ol className="changes" aria-live="polite">
          {sets.map((set) => (
            <ChangeLine key={set.version} set={set} />
          ))}
        </ol>
      )}
    </section>
  );
}

/** A page has fewer sets where these are large. */
const mostPages = 6;

async function newestSets(version: number, signal: AbortSignal): Promise<readonly Counted[]> {
  const sets: Counted[] = [];
  let after = Math.max(0, version - most);
  try {
    for (let pages = 0; pages < mostPages; pages++) {
      const { data, next, head } = await fetchCounts({ after, limit: most }, signal);
      sets.push(...data);
      after = next;
      if (next >= head) break;
    }
  } catch (error) {
    // What is older is no longer kept one by one: then there is nothing to show yet.
    if (!(error instanceof ApiError) || error.status !== 410) throw error;
  }
  return sets;
}

function ChangeLine({ set: { version, at, changes } }: { set: Counted }) {
  return (
    <li className="row">
      <strong className="mono">v{version}</strong>
      <span className="grow changes-what">
        {changes.map((change, index) => (
          <span key={index}>{wordsOf(change)}</span>
        ))}
      </span>
      <time className="muted" dateTime={at} title={formatTime(at)}>
        {formatAge(at)}
      </time>
    </li>
  );
}

function wordsOf(change: CountedChange) {
  switch (change.kind) {
    case 'put':
      return (
        <a href={href('tables', change.table)}>
          <bdi>{change.table}</bdi> +{formatCount(change.count)}
        </a>
      );
    case 'delete':
      return (
        <a href={href('tables', change.table)}>
          <bdi>{change.table}</bdi> −{formatCount(change.count)}
        </a>
      );
    case 'schema':
      return 'definitions';
    case 'reset':
      return 'many rows at once';
  }
}
