/**
 * A declared reference, held against the catalog: which tables and columns it names, whether it can be kept, what it is
 * called.
 */
import {
  type Catalog,
  type Column,
  type Reference,
  type Relation,
  type RelationName,
  relationId,
} from '../../../catalog/catalog.ts';
import { AppError } from '../../../errors.ts';
import type { Clause } from './clauses.ts';
import type { ReferenceLink } from './links.ts';

/** DuckDB ignores the case of ASCII letters in names. */
export function isSame(a: string, b: string): boolean {
  return lower(a) === lower(b);
}

function lower(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The table that `books` or `shop.books` means; null when there is none, as for a view. */
export function findTable(catalog: Catalog, parts: readonly string[]): Relation | null {
  const [name = '', schema = catalog.defaultSchema] = parts.toReversed();
  const exact = catalog.relations.get(relationId({ schema, name }));
  const found =
    exact ?? [...catalog.relations.values()].find((each) => isSame(each.name, name) && isSame(each.schema, schema));
  return found?.kind === 'table' ? found : null;
}

/**
 * The reference that the clause declares for `child`, a table of the catalog.
 *
 * @throws AppError `invalid` with PostgreSQL's SQLSTATE
 */
export function declareReference(catalog: Catalog, child: Relation, clause: Clause): ReferenceLink {
  const columns = resolveColumns(child, clause.columns);
  const parent = findTable(catalog, clause.target);
  if (!parent) throw refuse('42P01', `There is no table ${clause.target.join('.')} to refer to.`);
  const targetColumns = clause.targetColumns ? resolveColumns(parent, clause.targetColumns) : parent.key;
  requireTarget(parent, columns, targetColumns);
  const name = clause.name ?? freeName(catalog, child, columns);
  const reference = { name, columns, target: nameOf(parent), targetColumns };
  requireFreeName(child, name);
  requireLikeTypes(child, reference, parent);
  return { child, reference, parent };
}

function nameOf({ schema, name }: RelationName): RelationName {
  return { schema, name };
}

function resolveColumns(table: Relation, names: readonly string[]): string[] {
  const columns = names.map((name) => {
    const column = columnOf(table, name);
    if (!column) throw refuse('42703', `${table.name} has no column ${name}.`);
    if (column.generated)
      throw refuse('42P16', `${table.name}.${name} is generated and cannot be part of a reference.`);
    return column.name;
  });
  if (new Set(columns).size < columns.length) throw refuse('42701', 'A column appears twice in a reference.');
  return columns;
}

function columnOf(table: Relation, name: string): Column | undefined {
  return table.columns.find((column) => column.name === name) ?? table.columns.find((each) => isSame(each.name, name));
}

function requireTarget(parent: Relation, columns: readonly string[], targetColumns: readonly string[]): void {
  if (targetColumns.length === 0) throw refuse('42830', `${parent.name} has no primary key to refer to.`);
  if (targetColumns.length !== columns.length) {
    throw refuse('42830', `A reference to ${parent.name} needs as many columns on one side as on the other.`);
  }
  if (isUniqueIn(parent, targetColumns)) return;
  throw refuse('42830', `${parent.name} (${targetColumns.join(', ')}) is neither its primary key nor unique.`, {
    hint: 'Refer to the primary key, or make the columns UNIQUE.',
  });
}

/** Whether the columns are the table's key or a unique set, in any order. */
export function isUniqueIn(table: Relation, columns: readonly string[]): boolean {
  const wanted = new Set(columns);
  const sets = [table.key, ...table.unique.map((set) => set.columns)];
  return sets.some((set) => set.length === wanted.size && set.every((column) => wanted.has(column)));
}

/** @throws AppError `invalid` when values of the one side cannot be looked up on the other */
export function requireLikeTypes(child: Relation, { columns, targetColumns }: Reference, parent: Relation): void {
  for (const [at, name] of columns.entries()) {
    const own = columnOf(child, name);
    const target = columnOf(parent, targetColumns[at] ?? '');
    if (!own || !target || areAlike(own, target)) continue;
    throw refuse(
      '42804',
      `${child.name}.${own.name} is ${own.sqlType} and ${parent.name}.${target.name} is ${target.sqlType}: a reference needs like types.`,
    );
  }
}

function areAlike(a: Column, b: Column): boolean {
  return a.sqlType === b.sqlType || (a.type.kind === 'integer' && b.type.kind === 'integer');
}

/** As PostgreSQL names it: `loans_book_id_fkey`, then `loans_book_id_fkey1`; its own in the whole schema. */
function freeName(catalog: Catalog, child: Relation, columns: readonly string[]): string {
  const inSchema = [...catalog.relations.values()].filter(({ schema }) => schema === child.schema);
  const taken = [...inSchema, child].flatMap(constraintNamesOf);
  const base = [child.name, ...columns, 'fkey'].join('_');
  let name = base;
  for (let count = 1; taken.some((other) => isSame(other, name)); count++) name = `${base}${count}`;
  return name;
}

function requireFreeName(child: Relation, name: string): void {
  if (!constraintNamesOf(child).some((other) => isSame(other, name))) return;
  throw refuse('42710', `${child.name} has a constraint ${name} already.`);
}

function constraintNamesOf({ references, unique, checks }: Relation): string[] {
  return [...references, ...unique, ...checks].map(({ name }) => name);
}

function refuse(sqlState: string, message: string, { hint }: { readonly hint?: string } = {}): AppError {
  return new AppError('invalid', message, hint === undefined ? { sqlState } : { sqlState, hint });
}
