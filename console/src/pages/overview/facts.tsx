import type { ReactNode } from 'react';
import type { Status, Usage } from '../../api/status.ts';
import { formatAge, formatBytes, formatCount, formatDuration, formatTime, plural } from '../../ui/format.ts';
import { href } from '../../route.ts';

export function Facts({ status }: { status: Status }) {
  const { version, checkpoint, usage, backend, mirror, databaseId } = status;
  if (version === null || version === undefined) return null;
  return (
    <dl className="facts">
      <Fact name="Version" value={`v${version}`}>
        {databaseId ? <span title={databaseId}>{databaseId.slice(0, 8)} is the database</span> : null}
        <a href={href('history')}>History</a>
      </Fact>
      {checkpoint === undefined ? null : checkpoint === null ? (
        <Fact name="Checkpoint" value="none">
          PostgreSQL keeps its data itself.
        </Fact>
      ) : (
        <>
          <Fact name="Last checkpoint" value={checkpoint.version === null ? 'not yet' : `v${checkpoint.version}`}>
            {checkpoint.at === null ? 'The first comes with writes, or with Sync now.' : <Ago at={checkpoint.at} />}
            {checkpoint.bytes === null ? null : <span>{formatBytes(checkpoint.bytes)}</span>}
          </Fact>
          <Fact name="Tail of the log" value={plural(checkpoint.recordsSince, 'record')}>
            since the checkpoint, read by whoever starts
          </Fact>
        </>
      )}
      {usage ? <Month usage={usage} backend={backend ?? ''} /> : null}
      {mirror ? (
        <Fact name={`Copy in ${mirror.backend}`} value={mirror.version === null ? 'not yet' : `v${mirror.version}`}>
          {mirror.trouble ?? (mirror.at === null ? 'Sync now makes it.' : <Ago at={mirror.at} />)}
        </Fact>
      ) : null}
    </dl>
  );
}

function Fact({ name, value, children }: { name: string; value: string; children?: ReactNode }) {
  return (
    <div className="card fact">
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong>
        <span className="muted fact-more">{children}</span>
      </dd>
    </div>
  );
}

function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={formatTime(at)}>
      {formatAge(at)}
    </time>
  );
}

/** USD for a million writes and reads. Read in November 2026. */
const prices: Readonly<Record<string, readonly [write: number, read: number]>> = {
  s3: [5, 0.4],
  gcs: [5, 0.4],
  blob: [5, 0.4],
};
const monthMs = 30 * 24 * 3_600_000;
/** From less than this, a month would be a wild guess. */
const leastMs = 60_000;

/** What this process sent, and what a month of that would be. */
function Month({ usage: { sinceMs, write, read, bytesUp, bytesDown }, backend }: { usage: Usage; backend: string }) {
  const told = `${plural(write, 'write')}, ${plural(read, 'read')} in ${formatDuration(sinceMs)}; ${formatBytes(bytesUp)} up, ${formatBytes(bytesDown)} down`;
  const price = prices[backend];
  if (price === undefined || sinceMs < leastMs) {
    return (
      <Fact name="Operations" value={formatCount(write + read)}>
        {told}
      </Fact>
    );
  }
  const inMonth = (count: number): number => Math.round((count * monthMs) / sinceMs);
  const dollars = (inMonth(write) * price[0] + inMonth(read) * price[1]) / 1_000_000;
  return (
    <Fact name="A month at this pace" value={`about $${dollars.toFixed(2)}`}>
      <span>
        {formatCount(inMonth(write))} writes, {formatCount(inMonth(read))} reads
      </span>
      <span>This instance: {told}</span>
    </Fact>
  );
}
