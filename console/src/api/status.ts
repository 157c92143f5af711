/** What serves, and how it is: of everything for the operator, a summary for everybody else. */
import { useQuery } from '@tanstack/react-query';
import { ApiError, degraded, send, sendJson } from './client.ts';
import { readEvents } from './events.ts';
import { noteSize } from './seen-sizes.ts';

export interface Candidate {
  readonly backend: string;
  readonly state: 'chosen' | 'fallback' | 'skipped' | 'incomplete' | 'invalid' | 'not-configured' | (string & {});
  readonly reason: string;
}

export interface RejectedWrite {
  readonly id: string;
  readonly acceptedAt: string;
  readonly rejectedAt: string;
  readonly reason: string;
  readonly command: unknown;
}

/** What the store was sent since the process began. */
export interface Usage {
  readonly sinceMs: number;
  readonly write: number;
  readonly read: number;
  readonly free: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

export interface Outage {
  readonly since: string;
  readonly reason: string;
  readonly nextLookInSeconds: number;
  readonly servedBy: string;
  readonly ageSeconds: number | null;
  readonly writes: string;
  readonly atRisk: string | null;
}

export interface Mirror {
  readonly backend: string;
  readonly version: number | null;
  readonly at: string | null;
  readonly trouble: string | null;
}

export interface Status {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly message: string;
  /** Only in the summary: how to learn more. */
  readonly hint?: string;
  readonly degraded?: string | null;
  readonly outage?: Outage | null;
  readonly backend?: string | null;
  readonly engine?: string | null;
  readonly persistent?: boolean | null;
  readonly location?: string | null;
  readonly databaseId?: string | null;
  readonly version?: number | null;
  /** Only for operators, as what follows. */
  readonly candidates?: readonly Candidate[];
  readonly checkpoint?: {
    readonly version: number | null;
    readonly at: string | null;
    readonly bytes: number | null;
    readonly recordsSince: number;
  } | null;
  readonly pendingWrites?: number | null;
  readonly rejectedWrites?: readonly RejectedWrite[] | null;
  readonly transfers?: readonly Transfer[];
  readonly usage?: Usage | null;
  readonly mirror?: Mirror | null;
  readonly warnings?: readonly string[];
}

export interface Transfer {
  readonly direction: 'upload' | 'download';
  readonly key: string;
  readonly bytes: number;
  readonly totalBytes: number;
}

export interface SyncReport {
  readonly from: number;
  readonly version: number;
  readonly recordsApplied: number;
  readonly checkpoint: { readonly version: number; readonly bytes: number; readonly uploaded: boolean } | null;
  readonly published: boolean;
  readonly pendingDrained: number;
  readonly pendingRejected?: number;
  readonly durationMs: number;
}

export const statusKey = ['status'] as const;

/** Asked every five seconds while the page is seen: that something stands in for the database has to show. */
export function useStatus() {
  return useQuery({ queryKey: statusKey, queryFn: fetchStatus, refetchInterval: 5000, retry: false });
}

/** A 503 of this function says what is wrong, as any answer of it does. */
async function fetchStatus({ signal }: { signal: AbortSignal }): Promise<Status> {
  try {
    const status = await sendJson<Status>('db-status', { signal });
    noteSize(status);
    degraded.set(status.status === 'ok' ? null : (status.degraded ?? status.message));
    return status;
  } catch (error) {
    const isStatus = error instanceof ApiError && error.status === 503 && 'message' in error.problem;
    if (!isStatus) throw error;
    const down = error.problem as unknown as Status;
    degraded.set(down.message);
    return down;
  }
}

/** Tells of the transfers while it runs. @throws ApiError */
export async function syncNow(onProgress: (transfers: readonly Transfer[]) => void): Promise<SyncReport> {
  const response = await send('db-sync', { method: 'POST', headers: { accept: 'text/event-stream' } });
  for await (const { event, data } of readEvents(response)) {
    if (event === 'progress') onProgress((JSON.parse(data) as { transfers: readonly Transfer[] }).transfers);
    if (event === 'done') return JSON.parse(data) as SyncReport;
    if (event === 'problem') throw new ApiError(JSON.parse(data) as ApiError['problem']);
  }
  throw new ApiError({ title: 'The answer broke off', status: 0, detail: 'Whether it was synced, the version says.' });
}

/** Forgets rejected writes that somebody has seen to. */
export function dismissRejected(ids: readonly string[] | 'all'): Promise<unknown> {
  return sendJson('db-sync', { method: 'POST', body: JSON.stringify({ dismiss: ids }) });
}
