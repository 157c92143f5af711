/**
 * What has to be looked up after a request changed rows: for each reference, the values that must be found, and the values
 * of which nothing may be left.
 */
import { type Catalog, relationId } from '../../../catalog/catalog.ts';
import type { RowChange } from '../../../sync/record.ts';
import type { PlainValue, Row } from '../../../values.ts';
import { type ReferenceLink, linksOf } from './links.ts';

/** The changes of a statement, with what makes checks cheap: all of it may be missing. */
export type CheckedChange = RowChange & {
  /** For rows put by an UPDATE: the columns that it sets. The others are as they were. */
  readonly assigned?: readonly string[] | undefined;
  /** The rows that were deleted or changed as they were before, all of them. Needed where a unique set that is not the key is referred to. */
  readonly before?: readonly Row[] | undefined;
};

export type Values = readonly PlainValue[];

export interface Question {
  readonly link: ReferenceLink;
  /**
   * `new`: these values of the child's columns must be found in the parent. `gone`: the parent may have these no longer,
   * then the child must not have them. `any`: it is not known which; every row of the child is asked about.
   */
  readonly about: 'new' | 'gone' | 'any';
  /** Distinct as texts, without nulls. Empty for `any`. */
  readonly values: readonly Values[];
}

/** The questions that the changes raise, one for each reference and end at most. */
export function questionsOf(catalog: Catalog, changes: readonly CheckedChange[]): Question[] {
  const links = linksOf(catalog);
  if (links.all.length === 0) return [];
  const found = new Questions();
  for (const change of changes) {
    const id = relationId({ schema: change.schema ?? 'main', name: change.table });
    for (const link of links.ofChild.get(id) ?? []) found.add(link, 'new', newRows(change, link));
    for (const link of links.ofParent.get(id) ?? []) found.add(link, 'gone', lostRows(change, link));
  }
  return found.list();
}

class Questions {
  readonly #links = new Map<ReferenceLink, { any: boolean; new: Map<string, Values>; gone: Map<string, Values> }>();

  /** `rows`: null when it is not known which. */
  add(link: ReferenceLink, about: 'new' | 'gone', rows: readonly Row[] | null): void {
    if (rows?.length === 0) return;
    let entry = this.#links.get(link);
    if (!entry) this.#links.set(link, (entry = { any: false, new: new Map(), gone: new Map() }));
    const columns = about === 'new' ? link.reference.columns : link.reference.targetColumns;
    if (rows === null) entry.any = true;
    else for (const row of rows) addValues(entry[about], row, columns);
  }

  list(): Question[] {
    return [...this.#links].flatMap(([link, entry]): Question[] => {
      if (entry.any) return [{ link, about: 'any', values: [] }];
      const sides = (['new', 'gone'] as const).map((about) => ({ link, about, values: [...entry[about].values()] }));
      return sides.filter(({ values }) => values.length > 0);
    });
  }
}

/** A null anywhere refers to nothing, and nothing refers to it. */
function addValues(found: Map<string, Values>, row: Row, columns: readonly string[]): void {
  const values = columns.map((column) => row[column] ?? null);
  if (!values.includes(null)) found.set(JSON.stringify(values), values);
}

/** Rows whose values in the child's columns may be new. */
function newRows(change: CheckedChange, { reference }: ReferenceLink): readonly Row[] {
  if ('add' in change) return change.add;
  if (!('put' in change)) return [];
  return assignsNoneOf(change, reference.columns) ? [] : change.put;
}

/** Rows, as they were, of which the parent may have lost the values that are referred to; null when it is not known which. */
function lostRows(change: CheckedChange, { reference, parent }: ReferenceLink): readonly Row[] | null {
  const columns = reference.targetColumns;
  if ('add' in change) return [];
  if ('remove' in change) return change.remove;
  if ('delete' in change) {
    const rows = change.before ?? change.delete;
    return rows.every((row) => columns.every((column) => Object.hasOwn(row, column))) ? rows : null;
  }
  if (change.fresh === true || assignsNoneOf(change, columns)) return [];
  // A put keeps its key in the table; without a key, nothing is replaced.
  if (parent.key.length === 0 || columns.every((column) => parent.key.includes(column))) return [];
  return change.before ?? null;
}

function assignsNoneOf({ assigned }: CheckedChange, columns: readonly string[]): boolean {
  return assigned !== undefined && !columns.some((column) => assigned.includes(column));
}
