/**
 * The state of a mirror, in its table `eider.mirror`. It is valid only as long as nothing but the mirror has written.
 */
import { type Catalog, findRelation } from '../../catalog/catalog.ts';
import { AppError, isAppError } from '../../errors.ts';
import { applyRowChanges } from '../../sync/apply.ts';
import type { WriteTransaction } from '../../sync/batch.ts';
import type { Engine } from '../../sync/engine.ts';
import { changedRows, type RowChange, type SequenceChange } from '../../sync/record.ts';
import type { Session } from '../../sync/sql.ts';
import type { ChangeSet, TableChange } from '../database.ts';
import { fingerprintOf } from '../move/earlier.ts';
import { hasTable } from '../move/into-duckdb.ts';
import { definitionsOfPostgres, sequencesOfPostgres } from '../move/postgres-definitions.ts';
import type { PostgresSession } from '../move/postgres-session.ts';
import type { MovedSums } from '../move/report.ts';
import { lastOf, type MovedSequence, namesOf } from '../move/tables.ts';

export interface MirrorState {
  readonly source: string;
  readonly sourceId: string;
  /** All transactions up to this one are in the mirror. */
  readonly version: number;
  /** The mirror has some beyond it: changes are not replayed before all up to this one can be. */
  readonly leastHead: number;
  readonly at: string;
  /** Of the DuckDB database, when the mirror wrote last. */
  readonly ownVersion: number;
  readonly untracked: Untracked;
}

const createStateTable = `CREATE TABLE IF NOT EXISTS eider.mirror (source VARCHAR PRIMARY KEY,
  source_id VARCHAR NOT NULL, version BIGINT NOT NULL, least_head BIGINT NOT NULL, made_at TIMESTAMP WITH TIME ZONE NOT NULL,
  own_version BIGINT NOT NULL, sums VARCHAR NOT NULL)`;

function stateRow(note: MirrorState): Readonly<Record<string, string>> {
  return {
    source: note.source,
    source_id: note.sourceId,
    version: String(note.version),
    least_head: String(note.leastHead),
    made_at: note.at.replace(/(?:\.(\d{1,6}))?Z$/, (_, fraction: string = '') => `.${fraction.padEnd(6, '0')}Z`),
    own_version: String(note.ownVersion),
    sums: JSON.stringify(note.untracked),
  };
}

export async function readMirrorState(session: Session): Promise<MirrorState | null> {
  if (!(await hasTable(session, 'mirror'))) return null;
  const [row] = await session.rows(
    `SELECT source, source_id, strftime(made_at, '%Y-%m-%dT%H:%M:%S.%fZ'), sums, version, least_head, own_version FROM eider.mirror`,
  );
  if (!row) return null;
  const [source = '', sourceId = '', at = '', sums = ''] = row.map(String);
  const [version = 0, leastHead = 0, ownVersion = 0] = row.slice(4).map(Number);
  // An earlier version wrote only sums: then the definitions differ, and all is copied.
  const untracked = { definitions: '', sums: {}, sequences: [], ...(JSON.parse(sums) as Partial<Untracked>) };
  return { source, sourceId, version, leastHead, at, ownVersion, untracked };
}

export async function writeMirrorState(session: Session, note: MirrorState): Promise<void> {
  await session.execute(`${createStateTable}; DELETE FROM eider.mirror`);
  const row = stateRow(note);
  await session.run(
    `INSERT INTO eider.mirror VALUES ($1, $2, $3::BIGINT, $4::BIGINT, $5::TIMESTAMPTZ, $6::BIGINT, $7)`,
    Object.values(row),
  );
}

export async function versionToCome(session: Session): Promise<number> {
  const [row] = await session.rows('SELECT version FROM eider.state');
  return Number(row?.[0]) + 1;
}

/** What the change feed does not track, and so is compared as a whole at each refresh. */
export interface Untracked {
  /** A text that other definitions change; where sequences are does not. */
  readonly definitions: string;
  readonly sums: MovedSums;
  readonly sequences: readonly SequenceChange[];
}

export async function readUntracked(postgres: PostgresSession, catalog: Catalog, sums: MovedSums): Promise<Untracked> {
  const found = await definitionsOfPostgres(postgres, catalog);
  const sequences = found.sequences.map((sequence) => ({ ...sequence, next: null }));
  const definitions = fingerprintOf(catalog, { ...found, sequences });
  return { definitions, sums, sequences: found.sequences.map(changeTo) };
}

export async function readSequences(postgres: PostgresSession, current: string): Promise<readonly SequenceChange[]> {
  return (await sequencesOfPostgres(postgres, current)).map(changeTo);
}

function changeTo(sequence: MovedSequence): SequenceChange {
  const { duckdb, next, increment } = sequence;
  const name = { ...(duckdb.schema === 'main' ? {} : { schema: duckdb.schema }), sequence: duckdb.name };
  return { ...name, next: String(next ?? lastOf(sequence) + increment) };
}

/** A replica takes each number on the way: where these are more, the mirror is copied. */
const mostNumbers = 1_000_000n;

export function movedSequences({ sequences }: Untracked, now: readonly SequenceChange[]): SequenceChange[] | null {
  const before = new Map(sequences.map((each) => [JSON.stringify([each.schema, each.sequence]), each.next]));
  const moved: SequenceChange[] = [];
  for (const each of now) {
    const next = before.get(JSON.stringify([each.schema, each.sequence])) ?? '0';
    const way = BigInt(each.next) - BigInt(next);
    if (way > mostNumbers || way < -mostNumbers) return null;
    if (way !== 0n) moved.push(each);
  }
  return moved;
}

interface Replay {
  readonly engine: Engine;
  readonly catalog: Catalog;
  readonly from: MirrorState;
  readonly to: MirrorState;
  readonly sets: readonly ChangeSet[];
  readonly sequences: readonly SequenceChange[];
}

/** `overtaken`: another process has refreshed the mirror meanwhile. `unfit`: a commit cannot be replayed on the mirror. */
export async function replayChanges(
  replay: Replay,
): Promise<{ rows: number; note: MirrorState } | 'overtaken' | 'unfit'> {
  const { engine, sets, to } = replay;
  const changes = sets.flatMap((set) => set.changes.map((change) => rowChangeOf(change, replay.catalog)));
  if (!changes.every((change) => change !== null)) return 'unfit';
  try {
    const { value: note } = await engine.write((transaction) => replayOnce(replay, transaction, changes));
    return note ? { rows: changes.reduce((sum, change) => sum + changedRows(change).length, 0), note } : 'overtaken';
  } catch (error) {
    // One commit holds so many bytes: what is left is done in halves.
    if (!isAppError(error, 'invalid')) throw error;
    if (sets.length < 2) return 'unfit';
    const middle = Math.floor(sets.length / 2);
    const between = { ...to, version: sets[middle - 1]!.version };
    const first = await replayChanges({ ...replay, to: between, sets: sets.slice(0, middle) });
    if (typeof first === 'string') return first;
    const second = await replayChanges({ ...replay, from: first.note, sets: sets.slice(middle), sequences: [] });
    return typeof second === 'string' ? second : { rows: first.rows + second.rows, note: second.note };
  }
}

function rowChangeOf(change: TableChange, catalog: Catalog): RowChange | null {
  if (change.kind !== 'put' && change.kind !== 'delete') return null;
  const relation = findRelation(catalog, change.table);
  if (!relation) return null;
  const { schema, name: table } = namesOf(relation, 'postgres', catalog.defaultSchema).duckdb;
  const target = { ...(schema === 'main' ? {} : { schema }), table };
  const hasKey = relation.key.length > 0;
  if (change.kind === 'put') return hasKey ? { ...target, put: change.rows } : { ...target, add: change.rows };
  return hasKey ? { ...target, delete: change.keys } : { ...target, remove: change.keys };
}

async function replayOnce(
  { engine, from, to, sequences }: Replay,
  transaction: WriteTransaction,
  changes: readonly RowChange[],
): Promise<MirrorState | null> {
  const { session } = transaction;
  const present = await readMirrorState(session);
  if (present?.version !== from.version || present.at !== from.at) return null;
  const note = { ...to, ownVersion: await versionToCome(session) };
  for (const change of changes) await requireSameKey(engine, change);
  const all: RowChange[] = [...changes, { schema: 'eider', table: 'mirror', put: [stateRow(note)] }];
  try {
    await applyRowChanges(session, engine.shapes, all);
  } catch (error) {
    transaction.spoil(error);
    throw error;
  }
  for (const sequence of sequences) await engine.shapes.sequences.move(sequence);
  for (const change of [...all, ...sequences]) transaction.capture(change);
  return (await readMirrorState(session)) ?? note;
}

/** A key of PostgreSQL may be none for the mirror: of a float, say. */
async function requireSameKey({ shapes }: Engine, change: RowChange): Promise<void> {
  const { schema = 'main', table } = change;
  const shape = await shapes.find({ schema, table });
  const hasKey = 'put' in change || 'delete' in change;
  if (!shape || shape.key.length > 0 !== hasKey)
    throw new AppError('invalid', `The mirror cannot tell the rows of ${table} apart by their key.`);
}
