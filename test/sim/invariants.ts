/**
 * What must hold of every run, whatever went wrong in it: the clients' history against the log as it was written.
 */
import type { Recorded, Request } from './history.ts';
import type { Version } from './log-model.ts';
import { Violation } from './violation.ts';
import { minute } from './plan.ts';
import { checkRegisters } from './registers.ts';
import { applyToModel, copyModel, type State, totalBalance, type Write } from './workload.ts';

/** How far back the wall clock of a process may be set while its monotonic one stands still, in ms. */
export const mostClockStepBackMs = 45_000;

export interface Evidence {
  readonly history: readonly Recorded[];
  /** Index is version. */
  readonly versions: readonly Version[];
  /** Pending writes that the primary lists as rejected. */
  readonly rejected: ReadonlySet<string>;
  /** Number of registers on which the checker gave up. */
  undecided: number;
}

/** Throws the first violation. */
export function checkHistory(evidence: Evidence): void {
  const places = placesOf(evidence.versions);
  const floors = floorsOf(evidence.history);
  for (const each of evidence.history) {
    if (each.request.kind === 'write') checkWrite(evidence, places, floors, each, each.request);
    else if (each.request.kind === 'read') checkRead(evidence, floors, each, each.request);
    else checkFeed(evidence, floors, each, each.request.after);
  }
  for (const [key, verdict] of checkRegisters(evidence.history)) {
    if (verdict === 'not linearizable') throw new Violation('registers are linearizable', `register ${key}`);
    if (verdict === 'undecided') evidence.undecided++;
  }
}

interface Place {
  readonly version: number;
  readonly answer: string;
}

/** Where the log has each operation. That none is there twice, the journal's key holds. */
function placesOf(versions: readonly Version[]): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const { version, operations } of versions) {
    for (const { id, outcome } of operations) {
      if (places.has(id)) throw new Violation('no write applied twice', `${id} in record ${version} again`);
      places.set(id, { version, answer: outcome.ok ? outcome.answer : '' });
    }
  }
  return places;
}

/** For a stamp: the highest version that somebody had seen at the head, or written, before. */
function floorsOf(history: readonly Recorded[]): (stamp: number) => number {
  const seen = history
    .filter(({ request }) => request.kind !== 'read' || request.maxStalenessMs === 0)
    .flatMap(({ reply, answered }) => (reply.kind === 'ok' ? [{ answered, version: reply.version }] : []))
    .toSorted((a, b) => a.answered - b.answered);
  return (stamp) => {
    let floor = 0;
    for (const { answered, version } of seen) {
      if (answered > stamp) break;
      floor = Math.max(floor, version);
    }
    return floor;
  };
}

/** The newest version whose record was there at `stamp`. */
function headAt(versions: readonly Version[], stamp: number): number {
  return versions.findLastIndex(({ born }) => born <= stamp);
}

type Floors = (stamp: number) => number;

function checkWrite(
  { versions, rejected }: Evidence,
  places: ReadonlyMap<string, Place>,
  floors: Floors,
  each: Recorded,
  { write, isKeyed }: Request & { readonly kind: 'write' },
): void {
  const { id, reply } = each;
  const place = places.get(id);
  if (reply.kind === 'pending') {
    requireSettled(each, write, place, rejected);
    return;
  }
  if (rejected.has(id) && reply.kind !== 'unknown')
    throw new Violation('pending writes are run once or listed', `${id} is listed, and was answered ${reply.kind}`);
  if (reply.kind === 'failed' || reply.kind === 'refused') {
    if (place) throw new Violation('a failed write leaves no trace', `${id} is in record ${place.version}`);
    if (reply.kind === 'refused') requireState(versions, floors, each, write, { ok: false, reason: reply.reason });
    return;
  }
  if (place && each.refusedAttempts.some((begun) => begun > versions[place.version]!.born))
    throw new Violation('a key decides once', `${id} is in record ${place.version}, and was refused after that`);
  if (reply.kind !== 'ok') return;
  if (write.kind === 'peek' || reply.answer === 'was absent') {
    requireState(versions, floors, each, write, { ok: true, answer: reply.answer });
    return;
  }
  if (!place) throw new Violation('no acknowledged write lost', `${id} is in no record`);
  // One that was sent again may have been done before.
  if (isKeyed ? place.version > reply.version : place.version !== reply.version)
    throw new Violation('serializable', `${id} was answered ${reply.version}, and is in record ${place.version}`);
  if (place.answer !== reply.answer)
    throw new Violation(
      'serializable',
      `${id} was answered "${reply.answer}"; its place in the log says "${place.answer}"`,
    );
  if (versions[place.version]!.born > each.answered)
    throw new Violation('no acknowledged write lost', `${id} was answered before record ${place.version} was there`);
  if (place.version <= floors(each.asked))
    throw new Violation('serializable', `${id} is in record ${place.version}, asked when that had been seen`);
}

/** Kinds that leave no trace where there was nothing to do. */
const mayDoNothing: ReadonlySet<Write['kind']> = new Set([
  'peek',
  'remove',
  'dissolve',
  'finish',
  'hand',
  'forget',
  'widen',
]);

/** One that left no trace where it was run cannot be told from one that was not. */
function requireSettled(
  { id, attempts }: Recorded,
  write: Write,
  place: Place | undefined,
  rejected: ReadonlySet<string>,
): void {
  const invariant = 'pending writes are run once or listed';
  if (!place && !rejected.has(id) && !mayDoNothing.has(write.kind))
    throw new Violation(invariant, `${id} was kept, and is neither in the log nor listed`);
  // Of one that was sent again, one attempt may have been kept beside another.
  if (place && rejected.has(id) && attempts === 1)
    throw new Violation(invariant, `${id} is in record ${place.version}, and is listed as rejected`);
}

/** Some state between the call and the answer must have given this answer. */
function requireState(
  versions: readonly Version[],
  floors: Floors,
  { id, asked, answered }: Recorded,
  write: Write,
  outcome: { readonly ok: true; readonly answer: string } | { readonly ok: false; readonly reason: string },
): void {
  const [least, most] = [floors(asked), headAt(versions, answered)];
  for (const state of statesBetween(versions, least, most)) {
    const expected = applyToModel(copyModel(state), id, write);
    if (JSON.stringify(expected) === JSON.stringify(outcome)) return;
  }
  const said = outcome.ok ? outcome.answer : outcome.reason;
  throw new Violation('strict reads are linearizable', `no state from ${least} to ${most} answers ${id} "${said}"`);
}

function* statesBetween(versions: readonly Version[], least: number, most: number): Generator<State> {
  for (const { version, state, operations } of versions.slice(least, most + 1)) {
    if (version > least) for (const { after } of operations) yield after;
    yield state;
  }
}

function checkRead(
  { versions, history }: Evidence,
  floors: Floors,
  { id, reply, asked, answered, askedMs }: Recorded,
  { maxStalenessMs, bookmark }: { readonly maxStalenessMs: number; readonly bookmark: number },
): void {
  if (reply.kind !== 'ok' && reply.kind !== 'degraded') return;
  const balances = [...(/accounts ([^;]*)/.exec(reply.answer)?.[1] ?? '').matchAll(/=(-?\d+)/g)];
  const total = balances.reduce((sum, [, balance]) => sum + Number(balance), 0);
  if (total !== totalBalance) throw new Violation('money is kept', `${id} sees ${total}`);
  if (reply.kind === 'degraded') return;
  const { version, answer } = reply;
  if (version > headAt(versions, answered))
    throw new Violation('strict reads are linearizable', `${id} sees ${version} before its record is there`);
  if (answer !== versions[version]?.text)
    throw new Violation(
      'same state at the same version',
      `${id} at ${version} sees "${answer}", not "${versions[version]?.text}"`,
    );
  if (version < bookmark)
    throw new Violation('bookmarks never go back', `${id} sees ${version}, its client had seen ${bookmark}`);
  if (maxStalenessMs === 0 && version < floors(asked))
    throw new Violation(
      'strict reads are linearizable',
      `${id} sees ${version}, ${floors(asked)} had been seen before`,
    );
  if (maxStalenessMs > 0) requireFresh(versions, history, { id, version, sinceMs: askedMs - maxStalenessMs });
}

function requireFresh(
  versions: readonly Version[],
  history: readonly Recorded[],
  { id, version, sinceMs }: { readonly id: string; readonly version: number; readonly sinceMs: number },
): void {
  const acknowledged = new Set(history.flatMap(({ reply }) => (reply.kind === 'ok' ? [reply.version] : [])));
  const oldest = versions.findLast(
    (each) => acknowledged.has(each.version) && each.bornMs < sinceMs - mostClockStepBackMs - minute,
  );
  if (oldest && version < oldest.version)
    throw new Violation('staleness is bounded', `${id} sees ${version}, though ${oldest.version} is much older`);
}

/** The feed tells each version's changes, and no other's. */
function checkFeed({ versions }: Evidence, floors: Floors, { id, reply, asked }: Recorded, after: number): void {
  if (reply.kind !== 'ok') return;
  if (reply.version < floors(asked))
    throw new Violation(
      'strict reads are linearizable',
      `${id} follows to ${reply.version}, more had been seen before`,
    );
  for (const [index, set] of reply.answer.split(';').entries()) {
    if (set === '' || set === 'dropped') continue;
    const version = after + 1 + index;
    const ids = versions[version]?.operations.map((operation) => operation.id) ?? [];
    if (set !== [version, ...ids].join(' '))
      throw new Violation('the feed tells the log', `${id} is told "${set}" where ${version} made ${ids.join(' ')}`);
  }
}

/** What one replica, or one file, holds at the end. */
export function checkFinalState(versions: readonly Version[], who: string, version: number, text: string): void {
  const expected = versions[version]?.text;
  if (text === expected) return;
  throw new Violation('same state at the same version', `${who} at ${version} holds "${text}", not "${expected}"`);
}
