import { lazy, Suspense, useMemo } from 'react';
import type { Catalog } from '../../api/catalog.ts';
import { useRowCounts } from '../../api/row-counts.ts';
import { sizesSeen } from '../../api/seen-sizes.ts';
import { useStatus } from '../../api/status.ts';
import type { ChartData } from '../../ui/chart-data.ts';
import { formatAge, formatBytes, formatCount, plural } from '../../ui/format.ts';
import { Loading } from '../../ui/states.tsx';
import { growthChart, snapshotChart } from './growth.ts';
import type { Timeline } from './timeline.ts';

const ChartCanvas = lazy(() => import('../../ui/chart.tsx'));

/** How large it is, and how much changed when. */
export function Sizes({ timeline, catalog }: { timeline: Timeline; catalog: Catalog | undefined }) {
  const growth = useMemo(() => growthChart(timeline.entries), [timeline.entries]);
  const counts = useRowCounts(catalog);
  const sizes = useMemo(() => tableSizes(counts), [counts]);
  return (
    <div className="history-charts">
      <figure className="card">
        <figcaption>
          <h2>Rows changed</h2>
          <p className="muted">
            In the {plural(timeline.entries.length, 'version')} below, {growth.x.title}.
          </p>
        </figcaption>
        <Drawing label={`Rows written and deleted, ${growth.x.title}`} data={growth} />
      </figure>
      {sizes ? (
        <figure className="card">
          <figcaption>
            <h2>Rows now</h2>
            <p className="muted">The largest tables first.</p>
          </figcaption>
          <Drawing label={`Rows: ${sizes.text}`} data={sizes.data} />
        </figure>
      ) : null}
      <SnapshotSizes />
      <Snapshot oldest={timeline.oldest} />
    </div>
  );
}

/** One size is no growth. */
function SnapshotSizes() {
  const { data: status } = useStatus();
  const newest = status?.checkpoint?.version;
  const databaseId = status?.databaseId ?? null;
  const data = useMemo(
    () => (databaseId === null || newest === undefined ? null : snapshotChart(sizesSeen(databaseId))),
    [databaseId, newest],
  );
  if (!data) return null;
  return (
    <figure className="card">
      <figcaption>
        <h2>Size in MB</h2>
        <p className="muted">Of the snapshots that this browser has seen; the newest one is below.</p>
      </figcaption>
      <Drawing label="Size of the snapshots over time" data={data} />
    </figure>
  );
}

function Drawing({ label, data }: { label: string; data: ChartData }) {
  return (
    <Suspense fallback={<Loading label="Loading the chart" />}>
      <ChartCanvas label={label} data={data} />
    </Suspense>
  );
}

const mostTables = 12;

function tableSizes(counts: ReadonlyMap<string, number>): { readonly data: ChartData; readonly text: string } | null {
  const known = [...counts].map(([path, rows]) => ({ path, rows }));
  const largest = known.toSorted((a, b) => b.rows - a.rows).slice(0, mostTables);
  if (largest.length === 0) return null;
  const data: ChartData = {
    type: 'bar',
    x: { kind: 'category', title: 'table', labels: largest.map(({ path }) => path) },
    series: [{ name: 'rows', values: largest.map(({ rows }) => rows) }],
  };
  return { data, text: largest.map(({ path, rows }) => `${path} ${formatCount(rows)}`).join(', ') };
}

function Snapshot({ oldest }: { oldest: number }) {
  const { data: status } = useStatus();
  const checkpoint = status?.checkpoint;
  return (
    <section className="card stack tight" aria-label="Snapshots">
      <h2>Snapshots</h2>
      {checkpoint?.version === null || checkpoint?.version === undefined ? (
        <p className="muted">
          {status?.hint ??
            (status?.engine === 'postgres' ? 'PostgreSQL keeps its data itself.' : 'There is no snapshot yet.')}
        </p>
      ) : (
        <dl className="history-facts">
          <dt>Newest</dt>
          <dd>version {formatCount(checkpoint.version)}</dd>
          <dt>Taken</dt>
          <dd>{checkpoint.at === null ? 'unknown' : formatAge(checkpoint.at)}</dd>
          <dt>Size</dt>
          <dd>{checkpoint.bytes === null ? 'unknown' : formatBytes(checkpoint.bytes)}</dd>
          <dt>Records since</dt>
          <dd>{formatCount(checkpoint.recordsSince)}</dd>
        </dl>
      )}
      <p className="muted">Versions are told one by one back to {formatCount(oldest)}.</p>
    </section>
  );
}
