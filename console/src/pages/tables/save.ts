/** Saves what is staged, row by row: each on the condition that nobody changed it since, so that one conflict stops no other row. */
import type { Column, Relation } from '../../api/catalog.ts';
import { ApiError, send } from '../../api/client.ts';
import { createRow, removeRow, rowPath, type RowInput, updateRow } from '../../api/rows.ts';
import { plural } from '../../ui/format.ts';
import type { Edit, Fault, Stage, Value, Values } from './staged.ts';

export interface SaveReport {
  readonly saved: number;
  readonly pending: number;
  readonly conflicts: number;
  readonly refused: number;
  /** The rows that were deleted, as JSON, to bring them back. */
  readonly removed: readonly string[];
}

export async function saveStaged(relation: Relation, stage: Stage): Promise<SaveReport> {
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
  for (const [id, edit] of Object.entries(edits)) {
    stage.settleEdit(id, await count(() => saveEdit(relation, stage, id, edit, report.removed)));
  }
  return report;
}

async function saveEdit(
  relation: Relation,
  stage: Stage,
  id: string,
  { key, values, isRemoved }: Edit,
  removed: string[],
) {
  const tag = await stage.tagOf(id, key);
  if (!isRemoved) return updateRow(relation, key, inputOf(relation, values), tag);
  const row = await (await send(rowPath(relation, key))).text();
  const saved = await removeRow(relation, key, tag);
  removed.push(row);
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

function inputOf({ columns }: Relation, values: Values): RowInput {
  const known = columns.filter(({ name }) => Object.hasOwn(values, name));
  return Object.fromEntries(
    known.flatMap((column): [string, string][] => {
      const json = jsonOf(column, values[column.name] ?? 'default');
      return json === null ? [] : [[column.name, json]];
    }),
  );
}

/** Null for a column that is left to its default. Numbers go as text, in which no digit is lost. */
function jsonOf({ type }: Column, value: Value): string | null {
  if (value === 'default') return null;
  const { text } = value;
  if (text === null) return 'null';
  switch (type.kind) {
    case 'boolean':
      return /^t(?:rue)?$/i.test(text) ? 'true' : /^f(?:alse)?$/i.test(text) ? 'false' : JSON.stringify(text);
    case 'json':
    case 'list':
    case 'struct':
    case 'map':
    case 'union':
      return isJson(text) ? text : JSON.stringify(text);
    case 'float':
      return Number.isFinite(Number(text)) && isJson(text) ? text : JSON.stringify(text);
    case 'blob':
      return JSON.stringify(base64Of(text));
    default:
      return JSON.stringify(text);
  }
}

/** Of `\\x00ff`. What is not written so goes as it is, and the server says what is wrong. */
function base64Of(text: string): string {
  if (!/^\\x(?:[\da-f]{2})*$/i.test(text)) return text;
  const bytes = text.slice(2).match(/../g) ?? [];
  return btoa(bytes.map((byte) => String.fromCharCode(Number.parseInt(byte, 16))).join(''));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
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
