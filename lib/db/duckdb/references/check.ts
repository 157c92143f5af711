/**
 * The check of references at the end of a request: the commit as a whole must leave no row that
 * refers to nothing. As PostgreSQL's DEFERRABLE INITIALLY DEFERRED constraints, with MATCH SIMPLE.
 *
 * All of a request are one statement, which answers yes or no; only when it says no, the value is looked for.
 */
import type { DuckDBType } from '@duckdb/node-api';
import { type Catalog, columnNamed, type Relation } from '../../../catalog/catalog.ts';
import { AppError } from '../../../errors.ts';
import { codecFor, encodeNullable } from '../../../sync/codec.ts';
import { quoteName, quoteTable, resultRows, type Session } from '../../../sync/sql.ts';
import type { PlainValue } from '../../../values.ts';
import { mapDuckDbError } from '../errors.ts';
import { Bound, type BoundValues } from './bound.ts';
import { type ReferenceLink, linksOf } from './links.ts';
import { type CheckedChange, type Question, questionsOf, type Values } from './questions.ts';

/**
 * Checks what a request changed, within its transaction.
 *
 * @throws AppError `invalid` for a row that refers to nothing; `conflict` for a row that is gone and still referred to
 * @example await checkReferences(session, scope.catalog, [{ table: 'enrollments', put: [row], fresh: true }])
 */
export async function checkReferences(
  session: Session,
  catalog: Catalog,
  changes: readonly CheckedChange[],
): Promise<void> {
  const questions = questionsOf(catalog, changes);
  if (questions.length === 0) return;
  try {
    await answer(session, questions);
  } catch (error) {
    throw mapDuckDbError(error);
  }
}

/** Checks every row of the tables that refer: all of the catalog's references, or those of `links`. */
export async function checkAllReferences(
  session: Session,
  catalog: Catalog,
  links: readonly ReferenceLink[] = linksOf(catalog).all,
): Promise<void> {
  for (const link of links) await checkWhole(session, link);
}

async function answer(session: Session, questions: readonly Question[]): Promise<void> {
  for (const { about, link } of questions) if (about === 'any') await checkWhole(session, link);
  const asked = questions.filter(({ about }) => about !== 'any');
  for (const question of await unsettled(session, asked)) await findViolation(session, question);
}

/** The questions of which one statement does not show that all is well. */
async function unsettled(session: Session, questions: readonly Question[]): Promise<Question[]> {
  if (questions.length === 0) return [];
  const bound = new Bound();
  const probes: string[] = [];
  for (const question of questions) probes.push(await probe(session, question, bound));
  const [answers] = await bound.rows(session, `SELECT ${probes.join(', ')}`);
  return questions.filter((_question, index) => answers?.[index] !== true);
}

/** An expression that is true when all is well. It may be false then, too: `1.0` and `1` may be one value. */
async function probe(session: Session, question: Question, bound: Bound): Promise<string> {
  const { link, about, values } = question;
  const types = await typesOf(session, question);
  if (about === 'gone') {
    return `NOT EXISTS (SELECT 1 FROM ${matching(link.child, link.reference.columns, bound.values(values, types))})`;
  }
  const casts = about === 'new' ? integerCasts(link) : [];
  const found = matching(link.parent, link.reference.targetColumns, bound.values(values, types, casts));
  return `(SELECT count(*) FROM ${found}) = ${values.length}`;
}

/** `table WHERE …` for the rows that have one of the values in these columns. */
function matching(relation: Relation, columns: readonly string[], values: BoundValues): string {
  const table = `${quoteRelation(relation)} AS t`;
  const names = columns.map((column) => `t.${quoteName(column)}`);
  const equal = (term: (at: number) => string): string =>
    names.map((name, at) => `${name} = ${term(at)}`).join(' AND ');
  if (values.kind === 'joined') return `${table} SEMI JOIN ${values.table} ON ${equal((at) => `v.v${at}`)}`;
  if (values.kind === 'listed') return `${table} WHERE ${names[0]} IN (${values.terms.join(', ')})`;
  return `${table} WHERE ${equal((at) => values.terms[at] ?? 'NULL')}`;
}

/** Throws for the first value that the child has and the parent has not. */
async function findViolation(session: Session, question: Question): Promise<void> {
  const { link, values } = question;
  const { child, reference, parent } = link;
  const bound = new Bound();
  const table = bound.table(values, await typesOf(session, question));
  // No subqueries: in one, a column `v` of structs would come before the table `v` outside.
  const [row] = await bound.rows(
    session,
    `SELECT v.i FROM ${table} ANTI JOIN ${havingValues(parent, 'p', reference.targetColumns)}
     SEMI JOIN ${havingValues(child, 'c', reference.columns)} ORDER BY v.i LIMIT 1`,
  );
  if (row) throw violation(link, values[Number(row[0])] ?? [], question.about === 'new');
}

/** What a join of `v` goes on with, so that its rows are those whose values a row has. */
function havingValues(relation: Relation, alias: string, columns: readonly string[]): string {
  const match = columns.map((column, at) => `${alias}.${quoteName(column)} = v.v${at}`).join(' AND ');
  return `${quoteRelation(relation)} AS ${alias} ON ${match}`;
}

/** Throws for a value of any row of the child that the parent has not. */
async function checkWhole(session: Session, link: ReferenceLink): Promise<void> {
  const { child, reference, parent } = link;
  const columns = reference.columns.map((column) => `c.${quoteName(column)}`);
  const match = reference.targetColumns.map((column, at) => `${columns[at]} = p.${quoteName(column)}`).join(' AND ');
  const result = await session.run(
    `SELECT ${columns.join(', ')} FROM ${quoteRelation(child)} AS c ANTI JOIN ${quoteRelation(parent)} AS p ON ${match}
     WHERE ${columns.map((column) => `${column} IS NOT NULL`).join(' AND ')} LIMIT 1`,
  );
  const types = result.columnTypes();
  const [row] = resultRows(result);
  if (row)
    throw violation(
      link,
      row.map((value, at) => encodeNullable(codecFor(types[at]!), value)),
      true,
    );
}

/** The types in which the values come: of the columns that they were read from. */
async function typesOf(session: Session, { link, about }: Question): Promise<DuckDBType[]> {
  const [relation, columns] =
    about === 'new' ? [link.child, link.reference.columns] : [link.parent, link.reference.targetColumns];
  const types = await columnTypes(session, relation);
  return columns.map((column) => types.get(column)!);
}

const knownTypes = new WeakMap<Relation, ReadonlyMap<string, DuckDBType>>();

async function columnTypes(session: Session, relation: Relation): Promise<ReadonlyMap<string, DuckDBType>> {
  const known = knownTypes.get(relation);
  if (known) return known;
  const result = await session.run(`SELECT * FROM ${quoteRelation(relation)} LIMIT 0`);
  const types = new Map(result.columnNames().map((name, at) => [name, result.columnType(at)]));
  knownTypes.set(relation, types);
  return types;
}

/** Where integers of unlike types meet, the value is cast and not the column, which has the index. What does not fit is null, and not found. */
function integerCasts({ child, reference, parent }: ReferenceLink): (string | null)[] {
  return reference.targetColumns.map((column, at) => {
    const wanted = columnNamed(parent, column)?.sqlType;
    const given = columnNamed(child, reference.columns[at] ?? '')?.sqlType;
    return wanted === undefined || wanted === given ? null : wanted;
  });
}

function violation(link: ReferenceLink, values: Values, isNew: boolean): AppError {
  const { child, reference, parent } = link;
  const constraint = { name: reference.name, schema: child.schema, table: child.name };
  const referring = `${shownName(child)}.${shownList(reference.columns)}`;
  const shown = shownList(values.map(shownValue));
  if (isNew) {
    const message = `names no row of ${shownName(parent)}`;
    const fields = reference.columns.map((path) => ({ path, message }));
    return new AppError('invalid', `${referring} = ${shown} ${message}.`, { sqlState: '23503', constraint, fields });
  }
  const message = `is still referred to by ${referring}`;
  const fields = reference.targetColumns.map((path) => ({ path, message }));
  const target = `${shownName(parent)}.${shownList(reference.targetColumns)}`;
  return new AppError('conflict', `${target} = ${shown} ${message}.`, { sqlState: '23503', constraint, fields });
}

function shownList(items: readonly string[]): string {
  return items.length === 1 ? (items[0] ?? '') : `(${items.join(', ')})`;
}

function shownName({ schema, name }: Relation): string {
  return schema === 'main' ? name : `${schema}.${name}`;
}

const mostShown = 100;

function shownValue(value: PlainValue): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > mostShown ? `${text.slice(0, mostShown)}…` : text;
}

function quoteRelation({ schema, name }: Relation): string {
  return quoteTable({ schema, table: name });
}
