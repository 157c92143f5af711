/** `eider status` and `eider sync`: what /api/db-status and /api/db-sync answer. */
import { styleText } from 'node:util';
import type { Candidate } from '../config/choice.ts';
import type { CheckpointStatus, OutageStatus, SyncReport } from '../db/database.ts';
import { statusHandler, syncHandler } from '../http/operations.ts';
import { type LocalApi, withApi } from './api.ts';
import { ProgressBar } from './progress.ts';
import { type Common, counted, exitCodes, report, type Terminal } from './terminal.ts';

/** The members of db-status that are put into words. */
interface Status {
  readonly status: 'ok' | 'degraded' | 'down';
  readonly message: string;
  readonly outage: OutageStatus | null;
  readonly backend: string | null;
  readonly engine: string | null;
  readonly location: string | null;
  readonly version: number | null;
  readonly checkpoint: CheckpointStatus | null;
  readonly pendingWrites: number | null;
  readonly rejectedWrites: readonly { readonly id: string; readonly reason: string }[] | null;
  readonly strandedWrites: readonly { readonly id: string; readonly reason: string; readonly keptIn: string }[] | null;
  readonly warnings: readonly string[];
  readonly candidates: readonly Candidate[];
}

const codes = { ok: exitCodes.done, degraded: exitCodes.attention, down: exitCodes.failed } as const;
const colors = { ok: 'green', degraded: 'yellow', down: 'red' } as const;

export function status(terminal: Terminal, options: Common): Promise<number> {
  return withApi(terminal, async ({ app, call }) => {
    const terms = { permission: 'status', load: 'free', maxBodyBytes: 0 } as const;
    const response = await call(statusHandler(app), terms, '/api/db-status');
    const found = (await response.json()) as Status;
    await report(terminal, options, found, describeStatus(found, terminal));
    return codes[found.status];
  });
}

function describeStatus(found: Status, { stdout }: Terminal): string {
  const { outage, backend, engine, location, version, pendingWrites, rejectedWrites, warnings, candidates } = found;
  const lines = [
    `${styleText(colors[found.status], found.status, { stream: stdout })}: ${found.message}`,
    ...line('outage', outage && `since ${outage.since}: ${outage.reason}`),
    ...line('at risk', outage && outage.atRisk),
    ...line('backend', backend && `${backend} (${engine})`),
    ...line('location', location),
    ...line('version', version),
    ...line('checkpoint', describeCheckpoint(found)),
    ...line('pending', pendingWrites === null ? null : counted(pendingWrites, 'write')),
    ...(rejectedWrites ?? []).flatMap(({ id, reason }) => line('rejected', `${id}: ${reason}`)),
    ...(found.strandedWrites ?? []).flatMap(({ id, reason, keptIn }) =>
      line('stranded', `${id} in ${keptIn}: ${reason}`),
    ),
    ...warnings.flatMap((warning) => line('warning', warning)),
    'Candidates',
    ...candidates.map(({ backend: name, state, reason }) => `  ${name.padEnd(8)} ${state.padEnd(14)} ${reason}`),
  ];
  return `${lines.join('\n')}\n`;
}

function line(name: string, value: string | number | null): string[] {
  return value === null ? [] : [`  ${name.padEnd(12)} ${value}`];
}

function describeCheckpoint({ checkpoint }: Status): string | null {
  return checkpoint && `${checkpoint.version ?? 'none yet'}, ${counted(checkpoint.recordsSince, 'record')} since`;
}

export interface SyncWords extends Common {
  /** Writes that were dealt with, or `all`. */
  readonly dismiss?: readonly string[];
}

export function sync(terminal: Terminal, options: SyncWords): Promise<number> {
  return withApi(terminal, async ({ app, call }) => {
    const terms = { permission: 'sync', load: 'free', maxBodyBytes: 1_000_000 } as const;
    const asked = call(syncHandler(app), terms, '/api/db-sync', { method: 'POST', ...dismissal(options.dismiss) });
    const done = await new ProgressBar(terminal).during('synchronizing', asked, transfersOf(app));
    const body = (await done.json()) as SyncReport | Dismissed;
    if ('dismissed' in body) {
      await report(terminal, options, body, `Dismissed ${counted(body.dismissed, 'write')}\n`);
      return exitCodes.done;
    }
    await report(terminal, options, body, describeSync(body));
    const isWhole = body.mirror?.how !== 'failed' && (body.pendingRejected ?? 0) === 0;
    return isWhole ? exitCodes.done : exitCodes.attention;
  });
}

interface Dismissed {
  readonly dismissed: number;
}

function dismissal(ids: SyncWords['dismiss']): RequestInit {
  if (ids === undefined) return {};
  const dismiss = ids.length === 1 && ids[0] === 'all' ? 'all' : ids;
  return { body: JSON.stringify({ dismiss }), headers: { 'content-type': 'application/json' } };
}

/** What the store is being sent. */
export function transfersOf(app: LocalApi['app']) {
  return async () => (await (await app.open()).database.status()).transfers;
}

function describeSync(done: SyncReport): string {
  const { from, version, checkpoint, published, pendingDrained, pendingRejected = 0, mirror, dropped } = done;
  const lines = [
    `Version ${version}${from === version ? ', as before' : `, from ${from}`}`,
    ...(checkpoint
      ? [`Checkpoint at version ${checkpoint.version}, ${checkpoint.uploaded ? 'new' : 'as before'}`]
      : []),
    ...(published ? ['The database file was published'] : []),
    ...(dropped.records + dropped.snapshots > 0
      ? [
          `Dropped ${counted(dropped.records, 'record')} and ${counted(dropped.snapshots, 'snapshot')} that are no longer needed`,
        ]
      : []),
    ...(pendingDrained > 0 ? [`Ran ${counted(pendingDrained, 'pending write')}`] : []),
    ...(pendingRejected > 0
      ? [`Rejected ${counted(pendingRejected, 'pending write')}, which no longer apply: see status`]
      : []),
    ...(mirror
      ? [`Mirror: ${mirror.how === 'failed' ? `failed, ${mirror.reason}` : `${mirror.how}, ${mirror.rows} rows`}`]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}
