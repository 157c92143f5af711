/** Changes of one table or of one row, out of all. */
import { type Catalog, displayName, findRelation, type Relation } from '../catalog/catalog.ts';
import type { ChangeSet, Database, TableChange } from '../db/database.ts';
import type { PlainValue, Row } from '../values.ts';
import { RequestError } from './problem.ts';

export interface ChangeFilter {
  /** As paths name it; null: all tables. */
  readonly table: string | null;
  /** As paths name a row; null: all rows. */
  readonly key: string | null;
}

/** What of a set passes; null when nothing does. */
export type PassChanges = (set: ChangeSet) => ChangeSet | null;

/** A change of rows as their number. */
type CountedChange =
  | Exclude<TableChange, { readonly table: string }>
  | { readonly kind: 'put' | 'delete'; readonly table: string; readonly count: number };

export interface CountedSet extends Omit<ChangeSet, 'changes'> {
  readonly changes: readonly CountedChange[];
}

/** For clients that only need to know that something changed: rows may be many and long. */
export function counted(set: ChangeSet): CountedSet {
  return { ...set, changes: set.changes.map(countedChange) };
}

function countedChange(change: TableChange): CountedChange {
  if (!('table' in change)) return change;
  const { kind, table } = change;
  return { kind, table, count: (kind === 'put' ? change.rows : change.keys).length };
}

/** @throws RequestError 404, 400 */
export async function changeFilter(database: Database, { table, key }: ChangeFilter): Promise<PassChanges> {
  if (table === null) return (set) => set;
  const { catalog, relation } = await findTable(database, table);
  const name = displayName(catalog, relation);
  const hasKey = key === null ? (): boolean => true : keyMatcher(relation, key);
  const pass = (change: TableChange): TableChange[] => {
    if (!('table' in change)) return [change];
    if (change.table !== name) return [];
    const passed =
      change.kind === 'put'
        ? { ...change, rows: change.rows.filter(hasKey) }
        : { ...change, keys: change.keys.filter(hasKey) };
    return (passed.kind === 'put' ? passed.rows : passed.keys).length > 0 ? [passed] : [];
  };
  return (set) => {
    const changes = set.changes.flatMap(pass);
    return changes.length > 0 ? { ...set, changes } : null;
  };
}

/** Also a table that another instance made a moment ago. */
async function findTable(
  database: Database,
  table: string,
): Promise<{ readonly catalog: Catalog; readonly relation: Relation }> {
  for (const maxStalenessMs of [Infinity, 0]) {
    const catalog = await database.catalog({ maxStalenessMs });
    const relation = findRelation(catalog, table);
    if (relation) return { catalog, relation };
  }
  throw new RequestError(404, `There is no table "${table}".`);
}

function keyMatcher({ name, key }: Relation, text: string): (row: Row) => boolean {
  const parts = key.length === 1 ? [text] : text.split(',');
  if (key.length === 0 || parts.length !== key.length) {
    const message = key.length === 0 ? `${name} has no primary key` : `expects ${key.join(',')}`;
    throw new RequestError(400, `The parameter key ${message}.`, { fields: [{ path: 'key', message }] });
  }
  const values = parts.map(decodePart);
  return (row) => key.every((column, index) => textOf(row[column]) === values[index]);
}

function textOf(value: PlainValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
