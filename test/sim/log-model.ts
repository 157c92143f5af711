/**
 * The log as it was written, replayed in plain JavaScript: the state at each version by the row images in the records, and
 * beside it by what the operations named in them must do. Independent of the engine's own reading of records.
 */
import {
  applyToModel,
  copyModel,
  emptyModel,
  type Model,
  type Outcome,
  type State,
  stateText,
  type Write,
} from './workload.ts';
import { applyProjectImages, type ChangeText, isOfProjects, numbersOf, requireReferences } from './project-images.ts';
import type { StoredObject } from './store.ts';
import { Violation } from './violation.ts';

interface RecordText {
  readonly database: string;
  readonly version: number;
  readonly id: string;
  readonly previous: string;
  readonly changes: readonly ChangeText[];
}

/** One operation of a record, and the state after it. */
export interface Applied {
  readonly id: string;
  readonly outcome: Outcome;
  readonly after: State;
}

export interface Version {
  readonly version: number;
  /** When the record appeared, as a stamp of the world. */
  readonly born: number;
  readonly bornMs: number;
  readonly state: State;
  readonly text: string;
  /** In the order in which they ran. */
  readonly operations: readonly Applied[];
}

/** The versions of the log, the empty one at 0 first. Throws when the log is no single history. */
export function replayLog(objects: readonly StoredObject[], writes: ReadonlyMap<string, Write>): Version[] {
  const empty = emptyModel();
  const versions: Version[] = [
    { version: 0, born: 0, bornMs: 0, state: empty, text: stateText(empty), operations: [] },
  ];
  let last: RecordText | null = null;
  for (const { object, record } of records(objects)) {
    // Made by an instance that slept while the record of this number was dropped: nobody may be told that it is committed.
    if (record.version < versions.length) continue;
    requireContinuation(last, record);
    last = record;
    const before = versions.at(-1)!.state;
    const byImages = applyImages(copyModel(before), record);
    requireReferences(byImages.projects, record.version);
    const operations = applyOperations(copyModel(before), record, writes);
    const [text, expected] = [stateText(byImages), stateText(operations.at(-1)?.after ?? byImages)];
    if (text !== expected) {
      throw new Violation('serializable', `record ${record.version} makes "${text}", its operations "${expected}"`);
    }
    const { version } = record;
    versions.push({ version, born: object.born, bornMs: object.bornMs, state: byImages, text, operations });
  }
  return versions;
}

function records(objects: readonly StoredObject[]): { object: StoredObject; record: RecordText }[] {
  return objects
    .filter(({ key }) => key.includes('.log/'))
    .map((object) => ({ object, record: JSON.parse(Buffer.from(object.bytes).toString()) as RecordText }))
    .toSorted((a, b) => a.record.version - b.record.version || a.object.born - b.object.born);
}

function requireContinuation(last: RecordText | null, record: RecordText): void {
  const version = (last?.version ?? 0) + 1;
  if (record.version > version) throw new Violation('one history', `record ${version} is missing`);
  if (!last) return;
  if (record.previous !== last.id) throw new Violation('one history', `record ${version} does not name the one before`);
  if (record.database !== last.database) throw new Violation('one history', `record ${version} is of another database`);
}

function applyImages(model: Model, record: RecordText): Model {
  for (const change of record.changes) {
    if (change.schema !== undefined && change.schema !== 'main') continue;
    if (isOfProjects(change)) {
      applyProjectImages(model.projects, record.version, change);
      continue;
    }
    for (const row of change.put ?? []) putImage(model, record.version, change.table ?? '', row, change.fresh === true);
    for (const row of change.delete ?? []) removeImage(model, change.table ?? '', String(row['id']));
  }
  return model;
}

function putImage(
  model: Model,
  version: number,
  table: string,
  row: Readonly<Record<string, unknown>>,
  fresh: boolean,
): void {
  const id = String(row['id']);
  const isThere = table === 'journal' ? model.journal.has(id) : tableOf(model, table).has(id);
  if (fresh && isThere) {
    const invariant = table === 'journal' ? 'no write applied twice' : 'serializable';
    throw new Violation(invariant, `record ${version} inserts ${table} ${id}, which is there`);
  }
  if (table === 'journal') model.journal.add(id);
  else tableOf(model, table).set(id, Number(row['value'] ?? row['balance'] ?? row['added']));
}

function removeImage(model: Model, table: string, id: string): void {
  tableOf(model, table).delete(id);
}

function tableOf(model: Model, table: string): Map<string, number> {
  if (table === 'registers' || table === 'accounts' || table === 'members') return model[table];
  throw new Violation('serializable', `a record changes the table ${table}`);
}

function applyOperations(model: Model, record: RecordText, writes: ReadonlyMap<string, Write>): Applied[] {
  const signed = record.changes
    .filter(({ table }) => table === 'journal')
    .flatMap(({ put }) => (put ?? []).map((row) => String(row['id'])));
  const numbers = numbersOf(record.changes);
  return signed.map((id) => {
    const write = writes.get(id);
    if (!write) throw new Violation('serializable', `record ${record.version} holds ${id}, which nobody asked for`);
    const outcome = applyToModel(model, id, write, write.kind === 'file' ? numbers.shift() : undefined);
    if (!outcome.ok) {
      const why = `record ${record.version} holds ${id}, which its state refuses (${outcome.reason})`;
      throw new Violation(write.kind === 'spoiled' ? 'a failed write leaves no trace' : 'serializable', why);
    }
    return { id, outcome, after: copyModel(model) };
  });
}
