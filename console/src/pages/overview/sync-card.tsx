import { RefreshCw } from 'lucide-react';
import { useCatalog } from '../../api/catalog.ts';
import type { Status, SyncReport } from '../../api/status.ts';
import { lastSync, useSync } from '../../shell/sync.ts';
import { useStore } from '../../store.ts';
import { Button } from '../../ui/button.tsx';
import { formatBytes, formatDuration, plural } from '../../ui/format.ts';
import { Failure } from '../../ui/states.tsx';

/** Catches up, runs what is pending, uploads a snapshot: for who may do everything. */
export function SyncCard({ status }: { status: Status }) {
  const { data: catalog } = useCatalog();
  const { run, isRunning, error, transfers } = useSync();
  const report = useStore(lastSync);
  if (catalog?.may.define !== true) return null;
  return (
    <section className="card stack tight" aria-label="Sync">
      <div className="row">
        <h2 className="grow">Sync</h2>
        <Button look="primary" disabled={isRunning} icon={<RefreshCw aria-hidden />} onClick={run}>
          {isRunning ? 'Syncing' : 'Sync now'}
        </Button>
      </div>
      {transfers.map(({ key, direction, bytes, totalBytes }) => (
        <label key={`${direction} ${key}`} className="field">
          <span>
            {direction === 'upload' ? 'Uploading' : 'Downloading'} <bdi>{key}</bdi>: {formatBytes(bytes)} of{' '}
            {formatBytes(totalBytes)}
          </span>
          <progress className="progress" value={bytes} max={totalBytes} />
        </label>
      ))}
      {isRunning && transfers.length === 0 ? <progress className="progress" aria-label="Syncing" /> : null}
      {error ? (
        <Failure error={error} onRetry={run} />
      ) : report ? (
        <Report report={report} />
      ) : (
        <p className="muted">{purposeOf(status)}</p>
      )}
    </section>
  );
}

function purposeOf({ engine }: Status): string {
  return engine === 'postgres'
    ? 'Refreshes the DuckDB copy, and runs what is pending.'
    : 'Catches up, runs what is pending, and publishes the database file with all that was written.';
}

function Report({ report }: { report: SyncReport }) {
  const { version, recordsApplied, checkpoint, published, pendingDrained, pendingRejected = 0, durationMs } = report;
  return (
    <ul className="report" role="status">
      <li>
        At <strong>v{version}</strong>, in {formatDuration(durationMs)}
      </li>
      {recordsApplied > 0 ? <li>{plural(recordsApplied, 'record')} of others applied</li> : null}
      {checkpoint === null ? null : (
        <li>
          {checkpoint.uploaded
            ? `Snapshot of v${checkpoint.version} uploaded, ${formatBytes(checkpoint.bytes)}`
            : 'The newest snapshot has everything already'}
        </li>
      )}
      {published ? <li>Database file published</li> : null}
      {pendingDrained + pendingRejected > 0 ? (
        <li>
          {plural(pendingDrained, 'pending write')} run, {pendingRejected} rejected
        </li>
      ) : null}
    </ul>
  );
}
