import type { DuckDBType } from '@duckdb/node-api';
import type { Relation, RelationName } from '../../catalog/catalog.ts';
import { AppError } from '../../errors.ts';
import type { PlainValue } from '../../values.ts';
import type { Codec } from '../../sync/codec.ts';
import { quoteName, quoteTable } from '../../sync/sql.ts';
import type { TextForm } from './types.ts';

export interface MovedColumn {
  readonly name: string;
  readonly notNull: boolean;
  /** On DuckDB, as DDL writes it, and as its client knows it. */
  readonly declared: string;
  readonly type: DuckDBType;
  readonly postgres: string;
  readonly codec: Codec;
  readonly form: TextForm;
  /** Of its default, or of its value where that is computed: in the SQL of the source. */
  readonly expression: string | null;
  readonly isGenerated: boolean;
  /** Without the note on its type. */
  readonly comment: string | null;
}

/** Something that has a name on each of the two engines: `main` on DuckDB is the current schema on PostgreSQL. */
export interface MovedName {
  readonly duckdb: RelationName;
  readonly postgres: RelationName;
}

export interface MovedTable extends MovedName {
  readonly title: string;
  readonly all: readonly MovedColumn[];
  /** Those that hold values of their own: what rows have. */
  readonly columns: readonly MovedColumn[];
  readonly key: readonly MovedColumn[];
  /** What the source's catalog says of it, in the source's names. */
  readonly relation: Pick<Relation, 'unique' | 'checks' | 'references' | 'comment'>;
  /** For the progress; counted when the move began. */
  readonly rows: number;
}

export interface MovedSequence extends MovedName {
  readonly increment: bigint;
  readonly min: bigint;
  readonly max: bigint;
  readonly cycle: boolean;
  /** The number that it gives next; null when it has come to its end. */
  readonly next: bigint | null;
}

/** A sequence whose counter is at `counter`, which may be beyond its end. Numbers as digits. */
export function sequenceAt(
  names: MovedName,
  counter: bigint,
  { increment, min, max, cycle }: Readonly<Record<'increment' | 'min' | 'max', unknown>> & { readonly cycle: boolean },
): MovedSequence {
  const [step, least, most] = [BigInt(String(increment)), BigInt(String(min)), BigInt(String(max))];
  const isBeyond = counter < least || counter > most;
  const again = cycle ? (step > 0n ? least : most) : null;
  return { ...names, increment: step, min: least, max: most, cycle, next: isBeyond ? again : counter };
}

export function lastOf({ increment, min, max }: MovedSequence): bigint {
  return increment > 0n ? max : min;
}

export interface MovedEnum extends MovedName {
  readonly labels: readonly string[];
}

/** `query` and the texts of an index are in the SQL of the source. */
export interface MovedView extends MovedName {
  readonly columns: readonly string[];
  readonly query: string;
  readonly comment: string | null;
}

export interface MovedIndex {
  readonly name: string;
  readonly table: MovedName;
  readonly isUnique: boolean;
  readonly elements: string;
}

export interface MovedDefinitions {
  readonly sequences: readonly MovedSequence[];
  readonly enums: readonly MovedEnum[];
  readonly views: readonly MovedView[];
  readonly indexes: readonly MovedIndex[];
  readonly leftBehind: readonly string[];
}

export type PlainRow = readonly PlainValue[];

/**
 * Tables of Eider's own whose rows come along: they say something about the data, rather than about where it is. Each has
 * its key first.
 */
export const carriedTables: readonly string[] = ['idempotency_keys', 'settled_writes'];

export const carriedRelation: MovedTable['relation'] = { unique: [], checks: [], references: [], comment: null };

/** The names of what is called `name` on one engine. `current` is the schema on PostgreSQL that is `main` on DuckDB. */
export function namesOf(name: RelationName, engine: 'duckdb' | 'postgres', current: string): MovedName {
  const [here, there] = engine === 'duckdb' ? ['main', current] : [current, 'main'];
  const other = name.schema === here ? { ...name, schema: there } : name;
  return engine === 'duckdb' ? { duckdb: name, postgres: other } : { duckdb: other, postgres: name };
}

export const quotedOnDuckDb = ({ duckdb: { schema, name } }: MovedName): string => quoteTable({ schema, table: name });

export const quotedOnPostgres = ({ postgres: { schema, name } }: MovedName): string =>
  quoteTable({ schema, table: name });

/** `books`, `sales.orders`, `"a.b"`: as messages name tables. */
export function titleOf({ schema, name }: RelationName, defaultSchema = 'main'): string {
  const parts = schema === defaultSchema ? [name] : [schema, name];
  return parts.map((part) => (/[."]/.test(part) ? quoteName(part) : part)).join('.');
}

/** What cannot be moved, and why; gathered over the whole database before anything is written. */
export interface MoveRefusal {
  readonly table: string;
  readonly column?: string;
  readonly type?: string;
  readonly reason: string;
}

/** A condition on the values of a column, which is `c` there, and what is wrong with those that fulfil it. */
export interface Limit {
  readonly condition: string;
  readonly reason: string;
  readonly declared: string;
}

export async function valueRefusals(
  { title: table, columns }: Pick<MovedTable, 'title' | 'columns'>,
  quoted: string,
  limitOf: (column: MovedColumn) => Limit | null,
  find: (sql: string) => Promise<readonly unknown[]>,
): Promise<MoveRefusal[]> {
  const refusals: MoveRefusal[] = [];
  for (const column of columns) {
    const { condition, reason, declared: type } = limitOf(column) ?? {};
    if (condition === undefined || reason === undefined || type === undefined) continue;
    const values = `SELECT ${quoteName(column.name)} AS c FROM ${quoted}`;
    const found = await find(`SELECT '1' AS found FROM (${values}) t WHERE ${condition} LIMIT 1`);
    if (found.length > 0) refusals.push({ table, column: column.name, type, reason });
  }
  return refusals;
}

export function throwRefusals(refusals: readonly MoveRefusal[]): void {
  if (refusals.length === 0) return;
  const path = ({ table, column }: MoveRefusal): string => (column === undefined ? table : `${table}.${column}`);
  const listed = refusals.map((each) => `${path(each)}${each.type ? ` (${each.type})` : ''} ${each.reason}`);
  throw new AppError('invalid', `This cannot be moved without loss: ${listed.join('; ')}.`, {
    fields: refusals.map((each) => ({
      path: path(each),
      message: each.type ? `${each.type} ${each.reason}` : each.reason,
    })),
    hint: 'Nothing was written. Change, rename or remove these at the source, then repeat.',
  });
}
