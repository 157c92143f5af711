/** What a database says of itself: the one description of tables from which everything else follows. */
import { AppError } from '../errors.ts';
import type { EngineName } from '../values.ts';
import type { ValueType } from './types.ts';

/** One schema of a database at one time. Immutable; DDL makes a new one. */
export interface Catalog {
  /** In whose words types, defaults and checks are written. */
  readonly engine: EngineName;
  /** Changes with any DDL. */
  readonly etag: string;
  /** The schema of names that are written without one: `main` on DuckDB, `public` on PostgreSQL unless the search path says otherwise. */
  readonly defaultSchema: string;
  /** Tables and views of the user's, by `relationId`; never those of Eider's own schema. */
  readonly relations: ReadonlyMap<string, Relation>;
  readonly macros: readonly Macro[];
  /** It is that of a copy which answers while the database is away: what is not in it may be there all the same. */
  readonly isCopy?: true;
}

export interface RelationName {
  readonly schema: string;
  readonly name: string;
}

export interface Relation extends RelationName {
  readonly kind: 'table' | 'view';
  readonly comment: string | null;
  readonly columns: readonly Column[];
  /** The primary key's columns in its order; empty without one, and for views. */
  readonly key: readonly string[];
  /** Other sets of columns of which no two rows have the same values. A set with a null in it never clashes. */
  readonly unique: readonly UniqueSet[];
  readonly checks: readonly Check[];
  readonly references: readonly Reference[];
  /** Why its rows cannot be written, in words for everyone; null when they can. Views have a reason, too. */
  readonly readOnly: string | null;
  /** Rough number of rows; null when unknown. */
  readonly estimatedRows: number | null;
}

export interface Column {
  readonly name: string;
  readonly type: ValueType;
  /** As the engine writes it, for casts and for people: `DECIMAL(10,2)`, `character varying(200)`, `"my schema".mood`. */
  readonly sqlType: string;
  readonly nullable: boolean;
  /** The expression of its default as SQL; null without one. */
  readonly default: string | null;
  /** Never in the input: computed from other columns, or, where it has a default, always numbered by that. */
  readonly generated: boolean;
  readonly comment: string | null;
}

export interface UniqueSet {
  readonly name: string;
  readonly columns: readonly string[];
}

export interface Check {
  readonly name: string;
  /** The condition as SQL, without `CHECK`. */
  readonly expression: string;
  /** The columns that it reads, as far as the engine says. */
  readonly columns: readonly string[];
}

export interface Reference {
  readonly name: string;
  readonly columns: readonly string[];
  readonly target: RelationName;
  /** As many as `columns`, in the same order. */
  readonly targetColumns: readonly string[];
}

export interface Macro extends RelationName {
  readonly kind: 'scalar' | 'table';
  readonly parameters: readonly { readonly name: string; readonly type: string | null }[];
  readonly comment: string | null;
}

/** An unambiguous name of a relation within a catalog. */
export function relationId({ schema, name }: RelationName): string {
  return JSON.stringify([schema, name]);
}

/**
 * The relation that `name` means in a path or a parameter: `books`, or `shop.books` for another schema. A table whose own
 * name has a dot comes first. Null when there is none.
 *
 * @throws AppError `unavailable` when that cannot be known
 */
export function findRelation(catalog: Catalog, name: string): Relation | null {
  const own = catalog.relations.get(relationId({ schema: catalog.defaultSchema, name }));
  if (own) return own;
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const found = catalog.relations.get(relationId({ schema: name.slice(0, dot), name: name.slice(dot + 1) }));
    if (found) return found;
  }
  if (!catalog.isCopy) return null;
  throw new AppError('unavailable', `The database is unavailable, and its standby does not know the table "${name}".`, {
    retryAfterMs: 5000,
  });
}

/** How a relation is called in paths and messages: the opposite of `findRelation`. */
export function displayName(catalog: Pick<Catalog, 'defaultSchema'>, { schema, name }: RelationName): string {
  return schema === catalog.defaultSchema ? name : `${schema}.${name}`;
}

export function columnNamed(relation: Relation, name: string): Column | undefined {
  return relation.columns.find((column) => column.name === name);
}
