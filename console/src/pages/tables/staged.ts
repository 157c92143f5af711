/**
 * What was changed and not saved yet, a table at a time. It outlives the page, not the browser tab; each step can be undone.
 */
import { isKeyless, type Relation } from '../../api/catalog.ts';
import { fetchTag } from '../../api/rows.ts';
import type { SqlValue } from '../../api/sql.ts';
import { createStore, type Store } from '../../store.ts';

/** `default`: what the database gives. */
export type Value = { readonly text: SqlValue } | 'default';
export type Values = Readonly<Record<string, Value>>;

export interface Fault {
  readonly status: number;
  readonly message: string;
  /** By column. */
  readonly fields: Readonly<Record<string, string>>;
}

export interface Edit {
  readonly key: readonly SqlValue[];
  /** As it was seen when the edit began. */
  readonly before: Readonly<Record<string, SqlValue>>;
  readonly values: Values;
  readonly isRemoved: boolean;
  readonly fault: Fault | null;
}

export interface Addition {
  readonly id: number;
  readonly values: Values;
  readonly fault: Fault | null;
}

export interface Staged {
  /** By `rowId`. */
  readonly edits: Readonly<Record<string, Edit>>;
  readonly additions: readonly Addition[];
}

const nothing: Staged = { edits: {}, additions: [] };

export class Stage {
  readonly store: Store<Staged> = createStore(nothing);
  readonly #relation: Relation;
  readonly #past: Staged[] = [];
  /** The rows' tags, asked for when an edit of theirs begins. */
  readonly #tags = new Map<string, Promise<string>>();
  #additions = 0;

  constructor(relation: Relation) {
    this.#relation = relation;
  }

  get count(): number {
    const { edits, additions } = this.store.get();
    return Object.keys(edits).length + additions.length;
  }

  tagOf(id: string, key: readonly SqlValue[]): Promise<string> {
    const known = this.#tags.get(id) ?? fetchTag(this.#relation, key);
    this.#tags.set(id, known);
    // Saving tells of it.
    known.catch(() => this.#tags.delete(id));
    return known;
  }

  /** Begins an edit: from now on it is known whether somebody else changes the row. */
  begin(key: readonly SqlValue[]): void {
    if (isKeyless(this.#relation)) return;
    void this.tagOf(rowId(key), key).catch(() => undefined);
  }

  change(key: readonly SqlValue[], before: Readonly<Record<string, SqlValue>>, values: Values): void {
    const id = rowId(key);
    this.begin(key);
    const staged = this.store.get();
    const edit = staged.edits[id] ?? { key, before, values: {}, isRemoved: false, fault: null };
    const changed = Object.entries({ ...edit.values, ...values }).filter(
      ([name, value]) => value === 'default' || value.text !== edit.before[name],
    );
    const { [id]: _, ...others } = staged.edits;
    const isSame = changed.length === 0 && !edit.isRemoved;
    const edits = isSame
      ? others
      : { ...staged.edits, [id]: { ...edit, values: Object.fromEntries(changed), fault: null } };
    this.#step({ ...staged, edits });
  }

  /** Marks rows for deletion, or takes the mark away. */
  remove(
    rows: readonly { readonly key: readonly SqlValue[]; readonly before: Readonly<Record<string, SqlValue>> }[],
  ): void {
    const staged = this.store.get();
    const isUndo = rows.every(({ key }) => staged.edits[rowId(key)]?.isRemoved === true);
    const edits = { ...staged.edits };
    for (const { key, before } of rows) {
      const id = rowId(key);
      this.begin(key);
      const edit = edits[id] ?? { key, before, values: {}, isRemoved: false, fault: null };
      if (isUndo && Object.keys(edit.values).length === 0) delete edits[id];
      else edits[id] = { ...edit, isRemoved: !isUndo, fault: null };
    }
    this.#step({ ...staged, edits });
  }

  add(values: Values = {}): void {
    const staged = this.store.get();
    this.#step({ ...staged, additions: [{ id: ++this.#additions, values, fault: null }, ...staged.additions] });
  }

  changeAddition(index: number, values: Values): void {
    const staged = this.store.get();
    const additions = staged.additions.map((each, at) =>
      at === index ? { ...each, values: { ...each.values, ...values }, fault: null } : each,
    );
    this.#step({ ...staged, additions });
  }

  dropAdditions(indexes: readonly number[]): void {
    const staged = this.store.get();
    this.#step({ ...staged, additions: staged.additions.filter((_, index) => !indexes.includes(index)) });
  }

  undo(): void {
    const before = this.#past.pop();
    if (before) this.store.set(before);
  }

  discard(): void {
    this.#tags.clear();
    this.#step(nothing);
  }

  /** After it was saved, or refused. Cannot be undone. */
  settleEdit(id: string, fault: Fault | null): void {
    const staged = this.store.get();
    const { [id]: edit, ...others } = staged.edits;
    if (!edit) return;
    if (fault === null) this.#tags.delete(id);
    this.#past.length = 0;
    this.store.set({ ...staged, edits: fault === null ? others : { ...others, [id]: { ...edit, fault } } });
  }

  settleAddition(id: number, fault: Fault | null): void {
    const staged = this.store.get();
    this.#past.length = 0;
    const additions = staged.additions.flatMap((each) =>
      each.id !== id ? [each] : fault === null ? [] : [{ ...each, fault }],
    );
    this.store.set({ ...staged, additions });
  }

  /** What they have is what the next save is to change: a conflict, decided for mine. */
  rebase(id: string, before: Readonly<Record<string, SqlValue>>): void {
    const staged = this.store.get();
    const edit = staged.edits[id];
    if (!edit) return;
    this.#tags.delete(id);
    this.begin(edit.key);
    this.store.set({ ...staged, edits: { ...staged.edits, [id]: { ...edit, before, fault: null } } });
  }

  forget(id: string): void {
    this.settleEdit(id, null);
  }

  #step(next: Staged): void {
    this.#past.push(this.store.get());
    if (this.#past.length > 200) this.#past.shift();
    this.store.set(next);
  }
}

const stages = new Map<string, Stage>();

/** The same one for as long as the table has the same columns. */
export function stageOf(relation: Relation): Stage {
  const id = JSON.stringify([relation.path, relation.columns.map(({ name, sqlType }) => [name, sqlType])]);
  const stage = stages.get(id) ?? new Stage(relation);
  stages.set(id, stage);
  return stage;
}

export function hasStaged(): boolean {
  return [...stages.values()].some(({ count }) => count > 0);
}

export function rowId(key: readonly SqlValue[]): string {
  return JSON.stringify(key);
}
