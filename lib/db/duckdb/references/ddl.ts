/**
 * DDL on DuckDB with the references that Eider keeps: taken out of the statement, written to eider.references, and
 * brought up to date when tables and columns go or change their names.
 *
 * What DuckDB did is seen in the catalog before and after it.
 */
import { type Catalog, columnNamed, type Reference, type Relation, relationId } from '../../../catalog/catalog.ts';
import { AppError } from '../../../errors.ts';
import type { Session } from '../../../sync/sql.ts';
import type { PlainValue } from '../../../values.ts';
import { checkAllReferences } from './check.ts';
import type { Clause } from './clauses.ts';
import { declareReference, findTable, isSame, isUniqueIn, requireLikeTypes } from './declare.ts';
import { type ReferenceLink, linksOf } from './links.ts';
import { type ReferenceDdl, readDdl } from './statements.ts';

/** What the statement runs in: a write whose changes are captured. */
export interface ReferenceHost {
  readonly session: Session;
  /** Of what the transaction sees now, each time it is asked. */
  catalog(): Promise<Catalog>;
  /** Runs a statement of DDL and captures it. */
  runDdl(sql: string): Promise<void>;
  /** Runs a statement on rows of Eider's own tables and captures what it changes. */
  runRows(sql: string, values: readonly PlainValue[]): Promise<void>;
}

/**
 * Runs one statement of DDL.
 *
 * @throws AppError `invalid` for a reference that cannot be; `conflict` (2BP01) when other tables refer to what would go
 * @example await runDdl('CREATE TABLE loans (book INTEGER REFERENCES books)', host)
 */
export async function runDdl(sql: string, host: ReferenceHost): Promise<void> {
  const ddl = readDdl(sql);
  const before = await host.catalog();
  switch (ddl.kind) {
    case 'create-table':
      return createTable(ddl, before, host);
    case 'add-reference':
      return addReference(ddl, before, host);
    case 'add-column':
      return addColumn(ddl, host);
    case 'drop-constraint':
      return dropConstraint(ddl, before, host);
    case 'rename-table':
    case 'rename-column':
    case 'rename-constraint':
      return rename(ddl, before, host);
    case 'change-type':
      return changeType(ddl, before, host);
    case 'other':
      await host.runDdl(ddl.sql);
      return tidy(before, host, ddl.cascade);
  }
}

type StatementRole<K extends ReferenceDdl['kind']> = Extract<ReferenceDdl, { kind: K }>;

async function createTable(ddl: StatementRole<'create-table'>, before: Catalog, host: ReferenceHost): Promise<void> {
  const replaced = findTable(before, ddl.table);
  if (replaced && ddl.orReplace) {
    refuseWhenReferredTo(before, replaced);
    for (const reference of replaced.references) await remove(host, replaced, reference);
  }
  await host.runDdl(ddl.sql);
  if (!(replaced && ddl.ifNotExists)) await declare(ddl.table, ddl.clauses, host);
}

/** Writes the references of the table to eider.references; answers them with their tables. */
async function declare(
  parts: readonly string[],
  clauses: readonly Clause[],
  host: ReferenceHost,
): Promise<ReferenceLink[]> {
  if (clauses.length === 0) return [];
  const catalog = await host.catalog();
  let child = requireTable(catalog, parts);
  const links: ReferenceLink[] = [];
  for (const clause of clauses) {
    const link = declareReference(catalog, child, clause);
    await add(host, child, link.reference);
    child = { ...child, references: [...child.references, link.reference] };
    links.push(link);
  }
  return links;
}

async function addReference(ddl: StatementRole<'add-reference'>, before: Catalog, host: ReferenceHost): Promise<void> {
  if (ddl.ifExists && !findTable(before, ddl.table)) return;
  const links = await declare(ddl.table, [ddl.clause], host);
  await checkAllReferences(host.session, before, links);
}

async function addColumn(ddl: StatementRole<'add-column'>, host: ReferenceHost): Promise<void> {
  await host.runDdl(ddl.sql);
  const links = await declare(ddl.table, ddl.clauses, host);
  // A default fills the column of the rows that are there.
  if (links.length > 0) await checkAllReferences(host.session, await host.catalog(), links);
}

async function dropConstraint(
  ddl: StatementRole<'drop-constraint'>,
  before: Catalog,
  host: ReferenceHost,
): Promise<void> {
  const table = findTable(before, ddl.table);
  const reference = table?.references.find(({ name }) => isSame(name, ddl.name));
  if (table && reference) return remove(host, table, reference);
  const others = table ? [...table.checks, ...table.unique] : [];
  if (ddl.ifExists && table && !others.some(({ name }) => isSame(name, ddl.name))) return;
  await host.runDdl(ddl.sql);
}

type Rename = StatementRole<'rename-table' | 'rename-column' | 'rename-constraint'>;

async function rename(ddl: Rename, before: Catalog, host: ReferenceHost): Promise<void> {
  const table = findTable(before, ddl.table);
  const isOwn = ddl.kind === 'rename-constraint' && table?.references.some(({ name }) => isSame(name, ddl.from));
  if (!isOwn) await host.runDdl(ddl.sql);
  if (!table) return;
  for (const { child, reference } of linksOf(before).all) {
    const renamed = renameWithin(ddl, table, { child, reference });
    if (!renamed) continue;
    await remove(host, child, reference);
    await add(host, renamed.child, renamed.reference);
  }
}

type Declared = { readonly child: Pick<Relation, 'schema' | 'name'>; readonly reference: Reference };

/** The reference as it is after the rename of `table`, or of something in it; null when it is the same. */
function renameWithin(ddl: Rename, table: Relation, { child, reference }: Declared): Declared | null {
  const isChild = relationId(child) === relationId(table);
  const isTarget = relationId(reference.target) === relationId(table);
  if (!isChild && !isTarget) return null;
  if (ddl.kind === 'rename-table') {
    return {
      child: isChild ? { schema: child.schema, name: ddl.to } : child,
      reference: isTarget ? { ...reference, target: { ...reference.target, name: ddl.to } } : reference,
    };
  }
  if (ddl.kind === 'rename-constraint') {
    return isChild && isSame(reference.name, ddl.from) ? { child, reference: { ...reference, name: ddl.to } } : null;
  }
  const renamed = (columns: readonly string[]): readonly string[] =>
    columns.map((column) => (isSame(column, ddl.from) ? ddl.to : column));
  const columns = isChild ? renamed(reference.columns) : reference.columns;
  const targetColumns = isTarget ? renamed(reference.targetColumns) : reference.targetColumns;
  return { child, reference: { ...reference, columns, targetColumns } };
}

async function changeType(ddl: StatementRole<'change-type'>, before: Catalog, host: ReferenceHost): Promise<void> {
  await host.runDdl(ddl.sql);
  const table = findTable(before, ddl.table);
  const after = await host.catalog();
  const touched = linksOf(after).all.filter(
    ({ child, reference }) =>
      table &&
      relationId(child) === relationId(table) &&
      reference.columns.some((column) => isSame(column, ddl.column)),
  );
  for (const { child, reference, parent } of touched) requireLikeTypes(child, reference, parent);
  await checkAllReferences(host.session, after, touched);
}

/** Removes the references of tables and columns that are gone; refuses when what they refer to is. */
async function tidy(before: Catalog, host: ReferenceHost, cascade: boolean): Promise<void> {
  const { all } = linksOf(before);
  if (all.length === 0) return;
  const after = await host.catalog();
  for (const link of all) {
    const child = after.relations.get(relationId(link.child));
    const parent = after.relations.get(relationId(link.parent));
    const isLeft = child && hasColumns(child, link.reference.columns);
    if (isLeft && parent && isUniqueIn(parent, link.reference.targetColumns)) continue;
    if (isLeft && !cascade) throw stillReferredTo(link);
    await remove(host, link.child, link.reference);
  }
}

function hasColumns(relation: Relation, columns: readonly string[]): boolean {
  return columns.every((column) => columnNamed(relation, column));
}

function refuseWhenReferredTo(catalog: Catalog, table: Relation): void {
  const links = linksOf(catalog).ofParent.get(relationId(table)) ?? [];
  const other = links.find(({ child }) => child !== table);
  if (other) throw stillReferredTo(other);
}

function stillReferredTo({ child, reference, parent }: ReferenceLink): AppError {
  const constraint = { name: reference.name, schema: child.schema, table: child.name };
  return new AppError(
    'conflict',
    `${child.name} refers to ${parent.name} (${reference.targetColumns.join(', ')}) by ${reference.name}: it cannot be dropped or replaced.`,
    { sqlState: '2BP01', constraint, hint: 'Drop the reference first, or drop with CASCADE.' },
  );
}

function requireTable(catalog: Catalog, parts: readonly string[]): Relation {
  const table = findTable(catalog, parts);
  if (table) return table;
  throw new AppError('not-found', `There is no table ${parts.join('.')}.`, { sqlState: '42P01' });
}

function add(host: ReferenceHost, { schema, name }: Declared['child'], reference: Reference): Promise<void> {
  const { target, columns, targetColumns } = reference;
  return host.runRows(
    `INSERT INTO eider."references" (name, schema_name, table_name, columns, target_schema, target_table, target_columns)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [reference.name, schema, name, columns, target.schema, target.name, targetColumns],
  );
}

function remove(host: ReferenceHost, { schema, name }: Declared['child'], reference: Reference): Promise<void> {
  return host.runRows('DELETE FROM eider."references" WHERE schema_name = $1 AND table_name = $2 AND name = $3', [
    schema,
    name,
    reference.name,
  ]);
}
