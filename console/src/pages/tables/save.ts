/** Saves what is staged, row by row: each on the condition that nobody changed it since, so that one conflict stops no other row. */
import { type Catalog, isKeyless, type Relation } from '../../api/catalog.ts';
import { ApiError, send } from '../../api/client.ts';
import { bodyOf, createRow, readRow, removeRow, replaceRow, type Saved, updateRow } from '../../api/rows.ts';
import { runSql } from '../../api/sql.ts';
import { plural } from '../../ui/format.ts';
import { inputOf } from './row-input.ts';
import type { Edit, Fault, Stage } from './staged.ts';
import { wholeStatement, wholeText } from './statements.ts';
import { removeWholeRow, updateWholeRow } from './whole-row.ts';

export interface SaveReport {
  readonly saved: number;
  readonly pending: number;
  readonly conflicts: number;
  readonly refused: number;
  /** The rows that were deleted, as JSON, to bring them back. */
  readonly removed: readonly string[];
}

type Engine = Catalog['engine'];

export async function saveStaged({ engine }: Catalog, relation: Relation, stage: Stage): Promise<SaveReport> {
  const report = { saved: 0, pending: 0, conflicts: 0, refused: 0, removed: [] as string[] };
  const { edits, additions } = stage.store.get();
  const count = async (work: () => Promise<{ readonly isPending: boolean }>): Promise<Fault | null> => {
    try {
      const { isPending } = await work();
      report[isPending ? 'pending' : 'saved']++;
      return null;
    } catch (error) {
      const fault = faultOf(error);
      report[fault.status === 412 ? 'conflicts' : 'refused']++;
      return fault;
    }
  };
  for (const { id, values } of [...additions].toReversed()) {
    stage.settleAddition(id, await count(() => createRow(relation, inputOf(relation, values))));
  }
  for (const entry of Object.entries(edits)) {
    stage.settleEdit(entry[0], await count(() => saveEdit(engine, relation, stage, entry, report.removed)));
  }
  return report;
}

async function saveEdit(
  engine: Engine,
  relation: Relation,
  stage: Stage,
  [id, edit]: readonly [string, Edit],
  removed: string[],
): Promise<Saved> {
  if (isKeyless(relation)) return saveWhole(engine, relation, edit, removed);
  const { key, values, isRemoved } = edit;
  const tag = await stage.tagOf(id, key);
  if (isRemoved) {
    const row = await readRow(relation, key);
    const saved = await removeRow(relation, key, tag);
    removed.push(row);
    return saved;
  }
  const defaults = Object.keys(values).filter((name) => values[name] === 'default');
  const input = inputOf(relation, values);
  if (defaults.length === 0) return updateRow(relation, key, input, tag);
  // A whole row is given without the columns that are to have their defaults.
  const row = JSON.parse(await readRow(relation, key)) as Record<string, unknown>;
  const kept = relation.columns.filter(({ name, generated }) => !generated && !defaults.includes(name));
  const whole = kept.map(({ name }): [string, string] => [name, input[name] ?? JSON.stringify(row[name])]);
  return replaceRow(relation, key, Object.fromEntries(whole), tag);
}

async function saveWhole(engine: Engine, relation: Relation, edit: Edit, removed: string[]): Promise<Saved> {
  const identity = edit.key[0] ?? '';
  if (!edit.isRemoved) return updateWholeRow(engine, relation, identity, edit.values);
  const columns = relation.columns.filter(({ generated }) => !generated);
  const { value } = await runSql(wholeStatement(engine, relation, edit.key, columns));
  const saved = await removeWholeRow(engine, relation, identity);
  const texts = columns.map((column, index) => wholeText(engine, column, value.rows[0]?.[index] ?? null));
  const values = Object.fromEntries(columns.map(({ name }, index) => [name, { text: texts[index] ?? null }]));
  removed.push(bodyOf(inputOf(relation, values)));
  return saved;
}

/** Puts rows back that were deleted. */
export async function bringBack(relation: Relation, rows: readonly string[]): Promise<void> {
  const generated = relation.columns.filter((column) => column.generated).map(({ name }) => name);
  const inputs = rows.map((row) => (generated.length === 0 ? row : without(row, generated)));
  await send(encodeURIComponent(relation.path), { method: 'POST', body: `[${inputs.join(',')}]` });
}

function without(row: string, names: readonly string[]): string {
  const given = JSON.parse(row) as Record<string, unknown>;
  return JSON.stringify(Object.fromEntries(Object.entries(given).filter(([name]) => !names.includes(name))));
}

export function wordsOf({ saved, pending, conflicts, refused }: SaveReport): string {
  const parts = [
    saved > 0 ? `${saved} saved` : '',
    pending > 0 ? `${pending} pending until the database is back` : '',
    conflicts > 0 ? plural(conflicts, 'conflict') : '',
    refused > 0 ? `${refused} refused` : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function faultOf(error: unknown): Fault {
  if (!(error instanceof ApiError)) return { status: 0, message: String(error), fields: {} };
  const { errors = [] } = error.problem;
  return {
    status: error.status,
    message: error.message,
    fields: Object.fromEntries(errors.map(({ path, message }) => [path, message])),
  };
}
