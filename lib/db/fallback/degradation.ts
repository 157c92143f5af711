/**
 * What is said of an answer that is not the primary's: nothing that tells a location.
 */
import type { Answer, OutageStatus } from '../database.ts';
import type { Base } from './base.ts';
import type { Link } from './link.ts';
import type { Outage } from './outage.ts';
import type { PendingLog } from './pending-log.ts';

type Description = Pick<
  Answer<unknown>,
  'version' | 'degraded' | 'ageMs' | 'servedBy' | 'isIncomplete' | 'isOfOtherLog'
>;

export interface Described {
  readonly primary: Link;
  readonly outage: Outage | null;
  readonly base: Base;
  readonly pending: PendingLog;
  readonly atLeast: number | undefined;
}

export function describeRead({ primary, outage, base, pending, atLeast }: Described): Description {
  const { copy, isPrimarys, sharesVersions } = base;
  const why = outage ? `${primary.label} ${outage.reason}` : `${primary.label} is just back`;
  const withPending = pending.size > 0 ? `, with ${pending.size} pending writes on top` : '';
  const ageMs = base.ageMs();
  // A bookmark of another log says nothing here.
  const lacks = sharesVersions && atLeast !== undefined && atLeast > copy.version;
  return {
    version: copy.version,
    degraded: `${why}; ${sourceOf(base)} answers${withPending}`,
    servedBy: base.link.name,
    ...(ageMs === null ? {} : { ageMs }),
    ...(isPrimarys && !lacks ? {} : { isIncomplete: true }),
    ...(sharesVersions ? {} : { isOfOtherLog: true }),
  };
}

function sourceOf({ kind, link, isPrimarys }: Base): string {
  if (!isPrimarys) return `${link.label}, which is not known to have a copy of its data,`;
  if (kind === 'replica') return "this instance's replica";
  if (kind === 'leftover') return 'a replica left on this machine';
  return `the copy in ${link.label}`;
}

export function describeWrite(read: Description, keeper: Link): Description {
  return { ...read, degraded: `${read.degraded}; the write is kept in ${keeper.label} until then${riskOf(keeper)}` };
}

function riskOf({ persistent }: Link): string {
  return persistent ? '' : ' and is lost if this machine is';
}

export interface OutageFacts {
  readonly outage: Outage;
  readonly base: Base;
  readonly pending: PendingLog;
  readonly writes: 'accept' | 'reject';
}

export function describeOutage({ outage, base, pending, writes }: OutageFacts): OutageStatus {
  const ageMs = base.ageMs();
  const { keeper } = pending;
  const mayLose = pending.isAtRisk || (writes === 'accept' && keeper?.persistent === false);
  return {
    since: new Date(outage.sinceMs).toISOString(),
    reason: outage.detail,
    nextLookInSeconds: Math.ceil(outage.untilLookMs / 1000),
    servedBy: base.link.name,
    source: sourceOf(base),
    ageSeconds: ageMs === null ? null : Math.round(ageMs / 1000),
    writes: writes === 'reject' ? 'are refused' : `are kept in ${keeper?.label ?? 'no place'} until it is back`,
    atRisk: mayLose
      ? 'Pending writes on the disk of this machine are lost if the machine goes before they are run.'
      : null,
  };
}
