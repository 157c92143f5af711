/** Makes a statement of a kind for the schema as it is. */
import fc from 'fast-check';
import { forbid } from './forbidden.ts';
import type { LiveSchema } from './live-schema.ts';
import { merge } from './merge.ts';
import {
  changeView,
  comment,
  createIndex,
  createMacro,
  createSchema,
  createSequence,
  createType,
  createView,
  dropOther,
  select,
} from './others.ts';
import { Picker } from './picker.ts';
import { insert, remove, truncate, update } from './rows.ts';
import { decorated, type Maker, type Statement } from './statement.ts';
import { alterTable, createTable, createTableAs, dropTable } from './tables.ts';

const makers = {
  insert,
  update,
  remove,
  merge,
  truncate,
  createTable,
  createTableAs,
  alterTable,
  dropTable,
  createView,
  changeView,
  createMacro,
  createType,
  createIndex,
  createSequence,
  createSchema,
  dropOther,
  comment,
  select,
  forbid,
} satisfies Record<string, Maker>;

export type StatementKind = keyof typeof makers;

const weights: Readonly<Record<StatementKind, number>> = {
  insert: 26,
  update: 24,
  remove: 16,
  merge: 12,
  truncate: 2,
  createTable: 5,
  createTableAs: 4,
  alterTable: 14,
  dropTable: 1,
  createView: 3,
  changeView: 2,
  createMacro: 2,
  createType: 2,
  createIndex: 4,
  createSequence: 3,
  createSchema: 2,
  dropOther: 3,
  comment: 4,
  select: 6,
  forbid: 3,
};

/** A statement before it is known what tables there are. */
export interface Intent {
  readonly kind: StatementKind;
  readonly picks: readonly number[];
}

const anyPicks = fc.noBias(fc.array(fc.nat({ max: 9999 }), { minLength: 60, maxLength: 60 }));

export const anyIntent: fc.Arbitrary<Intent> = intentOf(Object.keys(weights) as StatementKind[]);

/** A change of rows. */
export const anyRowIntent: fc.Arbitrary<Intent> = intentOf(['insert', 'update', 'remove', 'merge']);

/** What is refused before it runs. */
export const anyForbiddenIntent: fc.Arbitrary<Intent> = intentOf(['forbid']);

function intentOf(kinds: readonly StatementKind[]): fc.Arbitrary<Intent> {
  const kind = fc.oneof(...kinds.map((each) => ({ weight: weights[each], arbitrary: fc.constant(each) })));
  return fc.record({ kind, picks: anyPicks });
}

/** Statements about one table, most of them: which one it is, they pick first. */
export function aboutOneTable(intents: readonly Intent[]): Intent[] {
  return intents.map(({ kind, picks }) => ({ kind, picks: [intents[0]!.picks[0]!, ...picks.slice(1)] }));
}

/** What a run begins with: sequences, tables, and rows in them. */
export const anyBeginning: fc.Arbitrary<Intent[]> = fc.tuple(
  ...(['createSequence', 'createTable', 'insert', 'createTable', 'insert', 'insert'] as const).map((kind) =>
    fc.record({ kind: fc.constant(kind), picks: anyPicks }),
  ),
);

export function concernsMacros({ kind }: Intent): boolean {
  return kind === 'dropOther' || kind === 'comment';
}

export function changesRowsAlone(kind: StatementKind): boolean {
  return ['insert', 'update', 'remove', 'merge', 'truncate', 'select', 'comment', 'forbid'].includes(kind);
}

/** Without a table, what needs one is the making of one. */
export function makeStatement(
  { kind, picks }: Intent,
  schema: LiveSchema,
  allowsVolatile: boolean,
): Statement & { readonly kind: StatementKind } {
  const pick = new Picker(picks);
  const making = { pick, schema, allowsVolatile };
  const made = makers[kind](making);
  const statement = made ?? createTable(making)!;
  const mayUpdate = made !== null && ['insert', 'update', 'merge'].includes(kind);
  return {
    ...statement,
    ...(mayUpdate && !/ returning /i.test(statement.sql) ? { returning: `${statement.sql} RETURNING 42` } : {}),
    kind: made ? kind : 'createTable',
    sql: statement.isForbidden ? statement.sql : decorated(statement.sql, pick),
  };
}
