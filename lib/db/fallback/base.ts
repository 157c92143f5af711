import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import { withinTime } from '../../store/time-limit.ts';
import type { Queries } from '../../values.ts';
import type { Answer, OutageStatus } from '../database.ts';
import type { LocalCopy } from '../duckdb/local-copy.ts';
import type { BackendLink, LinkDatabase } from './link.ts';
import type { Outage } from './outage.ts';
import type { PendingLog } from './pending-log.ts';

export interface Base {
  readonly copy: LocalCopy;
  readonly link: BackendLink;
  readonly kind: 'replica' | 'idle-replica' | 'database';
  /** Whether they were the primary's at some time, so that what is missing was missing then. */
  readonly isPrimarys: boolean;
  /** The primary's identity, as far as the copy has it. */
  readonly primaryId: string | null;
  /** Whether versions are those of the primary's log. */
  readonly sharesVersions: boolean;
  /** Age of the primary's state that they show, in ms; null when unknown. */
  readonly ageMs: () => number | null;
  /** The database that has the copy, for what only it can do; null when there is the copy alone. */
  readonly database: LinkDatabase | null;
  close(): Promise<void>;
}

interface BaseOptions {
  readonly primary: BackendLink;
  readonly fallbacks: readonly BackendLink[];
  readonly runtime: Runtime;
  readonly database: string | null;
  readonly openPrimary: () => LinkDatabase | null;
  readonly warn: (message: string, cause?: unknown) => void;
}

/** How long a fallback may take to open before the next one is tried, in ms. */
const openMs = 3000;
const lastOpenMs = 6000;
const nothing = (): Promise<void> => Promise.resolve();

export async function findBase(options: BaseOptions): Promise<Base> {
  const { primary, fallbacks } = options;
  const own = (await warmReplica(options)) ?? (await idleReplicaOf(primary, true, options));
  if (own) return own;
  let last: unknown = null;
  for (const link of fallbacks) {
    try {
      const withinMs = link === fallbacks.at(-1) ? lastOpenMs : openMs;
      return (await openFallback(link, withinMs, options)) ?? (await requireIdleReplica(link, options));
    } catch (error) {
      last = error;
      options.warn(`${link.label} is not available as a fallback, either.`, error);
    }
  }
  throw new AppError('unavailable', 'The database is unavailable, and so are all its fallbacks.', {
    cause: last,
    retryAfterMs: 5000,
  });
}

async function warmReplica({ primary, openPrimary }: BaseOptions): Promise<Base | null> {
  const database = openPrimary();
  const copy = database?.copy;
  if (!copy) return null;
  const isReadable = await copy.read(() => Promise.resolve(true)).catch(() => false);
  if (!isReadable) return null;
  return { ...ofPrimary(primary, copy), kind: 'replica', database, close: nothing };
}

function ofPrimary(link: BackendLink, copy: LocalCopy): Omit<Base, 'kind' | 'close' | 'database'> {
  return { copy, link, isPrimarys: true, primaryId: copy.databaseId, sharesVersions: true, ageMs: () => copy.ageMs };
}

async function idleReplicaOf(link: BackendLink, isPrimary: boolean, options: BaseOptions): Promise<Base | null> {
  const copy = await link.idleReplica().catch(() => null);
  if (!copy) return null;
  const close = (): Promise<void> => copy.close();
  if (isPrimary) return { ...ofPrimary(link, copy), kind: 'idle-replica', database: null, close };
  return { ...(await ofFallback(link, copy, options)), kind: 'idle-replica', database: null, close };
}

async function requireIdleReplica(link: BackendLink, options: BaseOptions): Promise<Base> {
  const base = await idleReplicaOf(link, false, options);
  if (base) return base;
  throw new AppError('unavailable', `This machine has no copy of ${link.label}.`);
}

/** Null when it is unavailable, too. One that opens too late is closed. */
async function openFallback(link: BackendLink, withinMs: number, options: BaseOptions): Promise<Base | null> {
  const opening = link.open();
  try {
    const database = await withinTime(options.runtime, withinMs, () => opening);
    if (!database.copy) return null;
    const close = (): Promise<void> => database.close();
    return { ...(await ofFallback(link, database.copy, options)), kind: 'database', database, close };
  } catch (error) {
    options.warn(`${link.label} cannot be opened.`, error);
    void opening.then((database) => database.close()).catch(() => undefined);
    return null;
  }
}

/** A mirror of the primary says so itself, and how old it is. */
async function ofFallback(
  link: BackendLink,
  copy: LocalCopy,
  { primary, runtime, database }: BaseOptions,
): Promise<Omit<Base, 'kind' | 'close' | 'database'>> {
  const mirror = await copy.read((queries) => readMirrorSource(queries)).catch(() => null);
  const isOfPlace = mirror !== null && [primary.address, primary.formerAddress].includes(mirror.source);
  if (mirror === null || !(database === null ? isOfPlace : mirror.sourceId === database))
    return { copy, link, isPrimarys: false, primaryId: null, sharesVersions: false, ageMs: () => null };
  const sinceMs = Date.parse(mirror.at);
  const ageMs = (): number => Math.max(0, runtime.now() - sinceMs);
  return { copy, link, isPrimarys: true, primaryId: mirror.sourceId, sharesVersions: false, ageMs };
}

async function readMirrorSource(queries: Queries) {
  const found = await queries
    .selectFrom('information_schema.tables')
    .select('table_name')
    .where('table_schema', '=', 'eider')
    .where('table_name', '=', 'mirror')
    .execute();
  if (found.length === 0) return null;
  const [row] = await queries.selectFrom('eider.mirror').select(['source', 'source_id', 'made_at as at']).execute();
  const { source, source_id: sourceId, at } = row ?? {};
  const isWhole = typeof source === 'string' && typeof sourceId === 'string' && typeof at === 'string';
  return isWhole ? { source, sourceId, at } : null;
}

type Description = Pick<
  Answer<unknown>,
  'version' | 'degraded' | 'ageMs' | 'servedBy' | 'isIncomplete' | 'isOfOtherLog'
>;

interface DescribedBase {
  readonly primary: BackendLink;
  readonly outage: Outage | null;
  readonly base: Base;
  readonly pending: PendingLog;
  readonly atLeast: number | undefined;
}

export function describeRead({ primary, outage, base, pending, atLeast }: DescribedBase): Description {
  const { copy, isPrimarys, sharesVersions } = base;
  const why = outage ? `${primary.label} ${outage.state.reason}` : `${primary.label} is just back`;
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
  if (kind === 'idle-replica') return 'a replica left on this machine';
  return `the copy in ${link.label}`;
}

export function describeWrite(read: Description, keeper: BackendLink): Description {
  return { ...read, degraded: `${read.degraded}; the write is kept in ${keeper.label} until then${riskOf(keeper)}` };
}

function riskOf({ persistent }: BackendLink): string {
  return persistent ? '' : ' and is lost if this machine is';
}

interface OutageFacts {
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
    since: new Date(outage.state.sinceMs).toISOString(),
    reason: outage.state.detail,
    nextLookInSeconds: Math.ceil(outage.untilLookMs / 1000),
    servedBy: base.link.name,
    source: sourceOf(base),
    ageSeconds: ageMs === null ? null : Math.round(ageMs / 1000),
    writes: writes === 'reject' ? 'are refused' : `are kept in ${keeper?.label ?? 'no place'} until it is back`,
    atRisk: mayLose
      ? 'Pending writes on the disk of this machine are lost if the machine is lost before they are run.'
      : null,
  };
}
