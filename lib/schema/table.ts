/**
 * What a table is: the one description from which validation, filters, routes, OpenAPI and the dashboard follow.
 *
 * Owns: the kinds of columns, the rules of a well-formed definition, the references between tables. Plain data: it
 * knows nothing of zod, SQL or HTTP. The worst that can happen: a definition that differs from the migration that made
 * the table, so that valid input fails in the database; test/schema/migrations.test.ts compares the two.
 */
import type { PlainValue } from '../values.ts';

interface ColumnBase {
  /** Whether the column may hold null; a column that may is optional in the input. */
  readonly nullable: boolean;
  /** What a row gets when the input leaves the column out. Absent: the input must have it, or it is null. */
  readonly default?: PlainValue;
  /** `client`: from the input. The others are set by Eider and refused in the input. */
  readonly origin: 'client' | 'id' | 'created' | 'updated';
  /** One sentence for OpenAPI and the dashboard. */
  readonly description?: string;
}

export interface TextColumn extends ColumnBase {
  readonly kind: 'text';
  /** Characters (code points), after trimming. */
  readonly minLength: number;
  readonly maxLength: number;
  /** `line`: no control characters. `lines`: line feeds and tabs too. `email`: one address, kept in lower case. */
  readonly format: 'line' | 'lines' | 'email';
}

export interface IntegerColumn extends ColumnBase {
  readonly kind: 'integer';
  /** Both ends included, within 32 bits. */
  readonly min: number;
  readonly max: number;
}

/** A finite double. */
export interface NumberColumn extends ColumnBase {
  readonly kind: 'number';
  readonly min: number;
  readonly max: number;
}

export interface BooleanColumn extends ColumnBase {
  readonly kind: 'boolean';
}

/** `2026-11-24`. */
export interface DateColumn extends ColumnBase {
  readonly kind: 'date';
}

/** A moment, to the microsecond, kept in UTC. */
export interface TimestampColumn extends ColumnBase {
  readonly kind: 'timestamp';
}

export interface UuidColumn extends ColumnBase {
  readonly kind: 'uuid';
  /** The table whose row this column names. */
  readonly references?: string;
}

/** One of a few words; text with a CHECK in the database. */
export interface EnumColumn extends ColumnBase {
  readonly kind: 'enum';
  readonly values: readonly string[];
}

export type Column =
  TextColumn | IntegerColumn | NumberColumn | BooleanColumn | DateColumn | TimestampColumn | UuidColumn | EnumColumn;

export interface Table {
  /** Plural, as in the route: `students`. */
  readonly name: string;
  /** One row, in messages: `student`. */
  readonly singular: string;
  readonly description?: string;
  /** In the order in which rows show them: `id` first, `created_at` and `updated_at` last. */
  readonly columns: Readonly<Record<string, Column>>;
  /** Sets of columns of which no two rows have the same values; a set with a null in it never clashes. */
  readonly unique: readonly (readonly string[])[];
}

/** A column elsewhere that names rows of a table. */
interface Referrer {
  readonly table: Table;
  readonly column: string;
}

export interface Schema {
  /** By name. */
  readonly tables: ReadonlyMap<string, Table>;
  /** Who refers to the table of this name; empty when nobody does. */
  referrers(table: string): readonly Referrer[];
}

export interface TableDefinition {
  readonly name: string;
  readonly singular: string;
  readonly description?: string;
  /** The table's own columns; `id`, `created_at` and `updated_at` are added to every table. */
  readonly columns: Readonly<Record<string, Column>>;
  readonly unique?: readonly (readonly string[])[];
}

/** Parameters of a list, and the platform's own for the path: no column may be called so, or it could not be filtered. */
const reservedParameters = ['select', 'order', 'limit', 'cursor', 'count', 'table'] as const;

/** First segments under /api that are functions of their own. */
const reservedTableNames = ['query', 'export', 'import', 'uploads', 'changes', 'openapi'] as const;

const namePattern = /^[a-z][a-z0-9_]{0,62}$/;

function check(condition: boolean, message: string): void {
  if (!condition) throw new TypeError(message);
}

/**
 * A table with the columns that all tables have.
 *
 * @throws TypeError when the definition cannot work; that is a mistake in the source, found when it is loaded.
 */
export function defineTable(definition: TableDefinition): Table {
  const { name, columns, unique = [] } = definition;
  check(namePattern.test(name), `Table "${name}": a name is lower-case letters, digits and _, at most 63.`);
  check(!(reservedTableNames as readonly string[]).includes(name), `Table "${name}": /api/${name} is a function.`);
  for (const [column, { origin }] of Object.entries(columns)) {
    check(namePattern.test(column), `Column "${name}.${column}": a name is lower-case letters, digits and _.`);
    check(!(reservedParameters as readonly string[]).includes(column), `Column "${name}.${column}": a reserved word.`);
    check(
      origin === 'client' && !Object.hasOwn(standardColumns, column),
      `Column "${name}.${column}" is added to all.`,
    );
  }
  for (const column of unique.flat()) check(Object.hasOwn(columns, column), `Table "${name}" has no "${column}".`);
  const { id, created_at, updated_at } = standardColumns;
  return { ...definition, unique, columns: { id, ...columns, created_at, updated_at } };
}

/** The primary key of every table. */
export const idColumn: UuidColumn = {
  kind: 'uuid',
  nullable: false,
  origin: 'id',
  description: 'Made by the server when the row is created.',
};

const standardColumns = {
  id: idColumn,
  created_at: { kind: 'timestamp', nullable: false, origin: 'created', description: 'When the row was created.' },
  updated_at: { kind: 'timestamp', nullable: false, origin: 'updated', description: 'When the row last changed.' },
} as const satisfies Record<string, Column>;

/**
 * The tables as one schema.
 *
 * @throws TypeError when two tables have one name or a reference leads nowhere.
 */
export function defineSchema(tables: readonly Table[]): Schema {
  const byName = new Map(tables.map((table) => [table.name, table]));
  check(byName.size === tables.length, 'Two tables have the same name.');
  const referrers = new Map<string, Referrer[]>(tables.map((table) => [table.name, []]));
  for (const table of tables) {
    for (const [column, target] of references(table)) {
      check(byName.has(target), `Column "${table.name}.${column}" refers to "${target}", which is no table.`);
      referrers.get(target)?.push({ table, column });
    }
  }
  return { tables: byName, referrers: (table) => referrers.get(table) ?? [] };
}

/** The columns of a table that name rows elsewhere, each with the table that it names. */
export function references(table: Table): [column: string, target: string][] {
  return Object.entries(table.columns).flatMap(([name, column]) =>
    column.kind === 'uuid' && column.references !== undefined ? [[name, column.references]] : [],
  );
}

/** The columns that the input may give. */
export function clientColumns(table: Table): [name: string, column: Column][] {
  return Object.entries(table.columns).filter(([, column]) => column.origin === 'client');
}

/** The column of this name, or undefined; safe for names from outside (`constructor` is no column). */
export function columnOf(table: Table, name: string): Column | undefined {
  return Object.hasOwn(table.columns, name) ? table.columns[name] : undefined;
}
