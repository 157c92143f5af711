/**
 * What must hold after whatever happened: every acknowledged write is there, once and whole; what was refused left
 * nothing; what is in doubt is whole or absent; the log has no hole. Each check answers what it found wrong.
 */
import { isDeepStrictEqual } from 'node:util';
import { listAll, type Store } from '../../../lib/store/store.ts';
import { layoutOf } from '../../../lib/sync/layout.ts';
import { decodeRecord, type LogRecord } from '../../../lib/sync/record.ts';
import { accountIds, counterIds, type LedgerState, openingBalance, type Operation } from './ledger.ts';
import type { JournalLine, Refusal } from './protocol.ts';

type Fate = 'acknowledged' | 'refused' | 'in doubt';

/** An operation of some client, and what became of it. */
export interface Tried {
  readonly operation: Operation;
  readonly fate: Fate;
  /** Of an acknowledged one. */
  readonly version: number | null;
}

/** The fates of all operations, in the order in which each worker tried them. */
export function fatesOf(journals: readonly (readonly JournalLine[])[]): Tried[] {
  return journals.flatMap((journal) => {
    const tried = new Map<string, Tried>();
    for (const line of journal) {
      if (line.t === 'try')
        tried.set(line.operation.id, { operation: line.operation, fate: 'in doubt', version: null });
      if (line.t === 'ack') settle(tried, line.id, 'acknowledged', line.version);
      if (line.t === 'refused' && line.kind !== 'indeterminate') settle(tried, line.id, 'refused', null);
    }
    return [...tried.values()];
  });
}

function settle(tried: Map<string, Tried>, id: string, fate: Fate, version: number | null): void {
  const before = tried.get(id);
  if (before) tried.set(id, { ...before, fate, version });
}

/** Checks a state against what all workers tried. `expected`: refusals that the test brought about. */
export function auditLedger(
  state: LedgerState,
  journals: readonly (readonly JournalLine[])[],
  expected: readonly Refusal[] = [],
): string[] {
  const tried = fatesOf(journals);
  return [
    ...journals.flat().flatMap((line) => (line.t === 'violation' ? [line.message] : [])),
    ...auditRefusals(journals.flat(), expected),
    ...auditPosts(state, tried),
    ...auditCounters(state, tried),
    ...auditBalances(state, tried),
    ...auditMembers(state, tried),
  ];
}

/** Only what an operation can rightly meet: a clash its conflict, a transfer its lack of money, anyone an outage. */
function auditRefusals(lines: readonly JournalLine[], expected: readonly Refusal[]): string[] {
  const kinds = new Map(lines.flatMap((line) => (line.t === 'try' ? [[line.operation.id, line.operation.kind]] : [])));
  return lines.flatMap((line) => {
    if (line.t === 'ack') return kinds.get(line.id) === 'clash' ? [`The clash ${line.id} was acknowledged.`] : [];
    if (line.t !== 'refused') return [];
    const isRight =
      line.kind === 'unavailable' ||
      line.kind === 'indeterminate' ||
      expected.includes(line.kind) ||
      (line.kind === 'conflict' && kinds.get(line.id) === 'clash') ||
      (line.kind === 'overdrawn' && kinds.get(line.id) === 'transfer');
    return isRight ? [] : [`${kinds.get(line.id)} ${line.id} was refused (${line.kind}): ${line.message}`];
  });
}

function auditPosts({ posts, twins }: LedgerState, tried: readonly Tried[]): string[] {
  const wrong: string[] = [];
  if (!isDeepStrictEqual(posts, twins)) wrong.push('A post is there by half.');
  const strangers = new Set(Object.keys(posts));
  for (const { operation, fate } of tried) {
    strangers.delete(operation.id);
    const found = posts[operation.id];
    const mayBeThere = operation.kind === 'post' && fate !== 'refused';
    if (found === undefined && mayBeThere && fate === 'acknowledged') wrong.push(`${operation.id} is missing.`);
    if (found !== undefined && !mayBeThere) wrong.push(`${operation.kind} ${operation.id} left a post (${fate}).`);
    if (found !== undefined && operation.kind === 'post' && found !== operation.note)
      wrong.push(`${operation.id} is altered.`);
  }
  for (const id of strangers) wrong.push(`${id} was posted by nobody.`);
  return wrong;
}

function auditCounters({ counters }: LedgerState, tried: readonly Tried[]): string[] {
  return counterIds.flatMap((counter) => {
    const mine = tried.filter(({ operation }) => operation.kind === 'increment' && operation.counter === counter);
    const least = mine.filter(({ fate }) => fate === 'acknowledged').length;
    const most = least + mine.filter(({ fate }) => fate === 'in doubt').length;
    const value = counters[counter] ?? -1;
    return value >= least && value <= most ? [] : [`Counter ${counter} is ${value}, not ${least} to ${most}.`];
  });
}

/** The balances are the opening ones after the transfers that left receipts: all acknowledged ones, and none refused. */
function auditBalances({ balances, receipts }: LedgerState, tried: readonly Tried[]): string[] {
  const wrong: string[] = [];
  const values = accountIds.map(() => openingBalance);
  const strangers = new Set(Object.keys(receipts));
  for (const { operation, fate } of tried) {
    if (operation.kind !== 'transfer') continue;
    const happened = strangers.delete(operation.id);
    if (fate === (happened ? 'refused' : 'acknowledged'))
      wrong.push(`The transfer ${operation.id} was ${fate}, and ${happened ? 'happened' : 'did not happen'}.`);
    if (!happened) continue;
    values[operation.from]! -= operation.amount;
    values[operation.to]! += operation.amount;
  }
  for (const id of strangers) wrong.push(`The transfer ${id} was nobody's.`);
  const found = accountIds.map((id) => balances[id] ?? Number.NaN);
  if (!isDeepStrictEqual(found, values))
    wrong.push(`The balances are ${found.join(', ')}; the receipts give ${values.join(', ')}.`);
  return wrong;
}

/** Each member belongs to one client, who does one thing after another: all states it may be in are followed. */
function auditMembers({ members }: LedgerState, tried: readonly Tried[]): string[] {
  const possible = new Map<string, Set<number | undefined>>();
  for (const { operation, fate } of tried) {
    if (operation.kind !== 'join' && operation.kind !== 'revise' && operation.kind !== 'leave') continue;
    if (fate === 'refused') continue;
    const before = possible.get(operation.member) ?? new Set([undefined]);
    const after = new Set([...before].map((revision) => memberAfter(operation.kind, revision)));
    possible.set(operation.member, fate === 'in doubt' ? new Set([...before, ...after]) : after);
  }
  const wrong: string[] = [];
  for (const [member, revisions] of possible) {
    if (!revisions.has(members[member])) {
      wrong.push(`Member ${member} has revision ${members[member]}, not one of ${[...revisions].join(', ')}.`);
    }
  }
  for (const member of Object.keys(members)) if (!possible.has(member)) wrong.push(`${member} joined by nobody.`);
  return wrong;
}

function memberAfter(kind: 'join' | 'revise' | 'leave', revision: number | undefined): number | undefined {
  if (kind === 'join') return 0;
  return kind === 'leave' || revision === undefined ? undefined : revision + 1;
}

export interface AuditedLog {
  readonly wrong: readonly string[];
  readonly records: readonly LogRecord[];
}

/**
 * Reads the whole log: records follow one another without a gap, each names the one before, and what is before the
 * first is covered by a snapshot.
 */
export async function auditLog(store: Store, name: string): Promise<AuditedLog> {
  const layout = layoutOf(name);
  const wrong: string[] = [];
  const records: LogRecord[] = [];
  for (const key of await listKeys(store, layout.logPrefix)) {
    const version = layout.recordVersion(key);
    const bytes = await store.get(key);
    if (version === null || !bytes) wrong.push(`${key} is no record.`);
    else records.push(decodeRecord(bytes, key, version));
  }
  for (const [index, record] of records.entries()) {
    const before = records[index - 1];
    if (!before) continue;
    if (record.version !== before.version + 1)
      wrong.push(`A hole between records ${before.version} and ${record.version}.`);
    else if (record.previous !== before.id) wrong.push(`Record ${record.version} does not name the one before.`);
    if (record.database !== before.database) wrong.push(`Record ${record.version} is another database's.`);
  }
  const first = records[0]?.version ?? 1;
  const snapshots = (await listKeys(store, layout.snapshotPrefix)).map(
    (key) => layout.snapshotName(key)?.version ?? -1,
  );
  if (first > 1 && !snapshots.some((version) => version >= first - 1))
    wrong.push(`The log begins at ${first}, and no snapshot covers what was before.`);
  return { wrong, records };
}

/** An acknowledged post is in the record of the version that it was acknowledged with, as far as that is still there. */
export function auditVersions(tried: readonly Tried[], records: readonly LogRecord[]): string[] {
  const first = records[0]?.version ?? Infinity;
  const byVersion = new Map(records.map((record) => [record.version, postsOf(record)]));
  return tried.flatMap(({ operation, version }) => {
    if (operation.kind !== 'post' || version === null || version < first) return [];
    return byVersion.get(version)?.has(operation.id) ? [] : [`${operation.id} is not in record ${version}.`];
  });
}

function postsOf(record: LogRecord): Set<unknown> {
  const changes = record.changes.flatMap((change) => ('put' in change && change.table === 'posts' ? change.put : []));
  return new Set(changes.map((row) => row['id']));
}

async function listKeys(store: Store, prefix: string): Promise<string[]> {
  return (await listAll(store, prefix)).map(({ key }) => key);
}
