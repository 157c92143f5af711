/** Writes: the command that a request means, and what is answered of the rows that it made. */
import { columnNamed, findRelation, type Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { valueTable } from '../rows/bind.ts';
import { planFilter } from '../rows/conditions.ts';
import { type Command, type Done, executeCommand, executeOnly, type Outcome } from '../rows/commands.ts';
import type { Filter } from '../rows/filter.ts';
import { runRows, tableSql } from '../rows/statements.ts';
import type { Matched } from '../rows/matching.ts';
import { join, name, sql } from '../sql/compose.ts';
import type { Queries, Row } from '../values.ts';
import { RestError } from './faults.ts';
import { type Node, planQuery, writeFilter } from './plan.ts';
import type { RestQuery } from './query.ts';
import { mostRows, representRows, type Window } from './read.ts';
import type { RestRelation } from './schemas.ts';
import type { ClientRow } from './values.ts';
import { columnsOf, isOfColumns } from './written-rows.ts';

interface Insertion {
  readonly rows: readonly Row[];
  /** Whether they came as a list. */
  readonly isMany: boolean;
  /** What is done to rows that are there already; null: they are errors. */
  readonly resolution: 'merge' | 'ignore' | null;
  /** By which columns they are known; null: by the key. */
  readonly onConflict: readonly string[] | null;
}

/** The command that inserts rows. @throws RestError 42P10, PGRST204 */
export function insertCommand(
  { table, relation }: RestRelation,
  { rows, isMany, resolution, onConflict }: Insertion,
): Command {
  const columns = onConflict ?? relation.key;
  if (resolution !== null && columns.length > 0) {
    requireUnique(relation, columns);
    return { kind: 'upsert', table, rows, columns, resolution };
  }
  const [first = {}] = rows;
  return isMany ? { kind: 'createMany', table, rows } : { kind: 'create', table, values: first };
}

function requireUnique(relation: Relation, columns: readonly string[]): void {
  const missing = columns.find((column) => !columnNamed(relation, column));
  if (missing !== undefined)
    throw new RestError('42703', 400, `column "${missing}" does not exist`, {
      details: `The parameter "on_conflict" names it.`,
    });
  const sets = [relation.key, ...relation.unique.map((set) => set.columns)];
  if (sets.some((set) => set.length === columns.length && set.every((column) => columns.includes(column)))) return;
  throw new RestError(
    '42P10',
    400,
    'there is no unique or exclusion constraint matching the ON CONFLICT specification',
  );
}

/** The filter of an UPDATE or DELETE. @throws RestError 21000 where there is none */
export function requiredFilter(verb: 'UPDATE' | 'DELETE', relation: Relation, query: RestQuery): Filter {
  if (query.scopes[0].filters.length > 0) return writeFilter(relation, query);
  const [example = relation.columns[0]?.name ?? 'column'] = relation.key;
  throw new RestError('21000', 400, `${verb} requires a WHERE clause`, {
    hint: `Add a filter, such as "${example}=eq.…". For all rows on purpose: "${example}=not.is.null".`,
  });
}

/** The command of PUT: one row, whose key is in the filter. @throws RestError PGRST105, PGRST114, PGRST115 */
export function putCommand({ table, relation }: RestRelation, rows: readonly Row[], query: RestQuery): Command {
  const [{ filters, limit, offset }] = query.scopes;
  if (limit !== null || offset > 0)
    throw new RestError('PGRST114', 400, 'limit/offset querystring parameters are not allowed for PUT');
  const comparisons = filters.flatMap((filter) => ('operator' in filter ? [filter] : []));
  const named = comparisons.map(({ column }) => column).toSorted();
  const isWholeKey =
    comparisons.length === filters.length &&
    comparisons.every(({ operator, path }) => operator === 'eq' && !path) &&
    relation.key.length > 0 &&
    JSON.stringify(named) === JSON.stringify(relation.key.toSorted());
  if (!isWholeKey)
    throw new RestError('PGRST105', 405, "Filters must include all and only primary key columns with 'eq' operators");
  const [row, ...others] = rows;
  if (!row || others.length > 0) throw new RestError('PGRST102', 400, 'PUT takes one row');
  const planned = planFilter(relation, writeFilter(relation, query));
  const matches = ('and' in planned ? planned.and : []).every(
    (leaf) => 'column' in leaf && JSON.stringify(leaf.values[0]) === JSON.stringify(row[leaf.column.name]),
  );
  if (!matches) throw new RestError('PGRST115', 400, 'Payload values do not match URL in primary key column(s)');
  return { kind: 'upsert', table, rows: [row], columns: relation.key, resolution: 'merge' };
}

export interface WriteRequest {
  readonly command: Command;
  readonly query: RestQuery;
  /** Whether the answer has the rows. */
  readonly wantsRows: boolean;
  /** Anything but one row is refused. */
  readonly isSingular: boolean;
  readonly maxAffected: number | null;
}

export interface Written extends Done<Outcome<Command>> {
  /** Rows that were made, changed or deleted. */
  readonly affected: number;
  /** Of those of an upsert, the ones that were there before. */
  readonly existing: number;
  /** As they are in the table; empty when they were not requested. */
  readonly rows: readonly Row[];
  readonly body: readonly ClientRow[];
}

/** Runs the command, and reads what is to be answered, in one transaction. @throws AppError; then nothing is kept */
export async function executeWrite(queries: Queries, scope: Scope, request: WriteRequest): Promise<Written> {
  const { command, query, wantsRows, isSingular, maxAffected } = request;
  const relation = findRelation(scope.catalog, command.table);
  const node = relation && wantsRows ? planQuery(scope.catalog, relation, query) : null;
  const existing = relation && command.kind === 'upsert' ? await countExisting(scope, relation, command) : 0;
  const isInsert = command.kind === 'create' || (command.kind === 'createMany' && !isSingular);
  const isPlain = node === null || isOfColumns(node);
  // Else what comes after it may fail, and undo it.
  const execute = isInsert && isPlain && maxAffected === null ? executeOnly : executeCommand;
  const done = await execute(queries, scope, command);
  const { rows, affected } = outcomeOf(command, done.value);
  if (isSingular && affected !== 1) throw notSingular(affected);
  if (maxAffected !== null && affected > maxAffected)
    throw new RestError('PGRST124', 400, 'Query result exceeds max-affected preference constraint', {
      details: `The query affects ${affected} rows`,
    });
  const { limit, offset } = query.scopes[0];
  const window = { limit: Math.min(limit ?? Infinity, 100 * mostRows), offset };
  return { ...done, affected, existing, rows, body: await bodyOf(scope, node, rows, window) };
}

async function bodyOf(
  scope: Scope,
  node: Node | null,
  rows: readonly Row[],
  window: Window,
): Promise<readonly ClientRow[]> {
  if (node === null) return [];
  return isOfColumns(node) ? columnsOf(node, rows, window) : representRows(scope, node, rows, window);
}

function outcomeOf(
  { kind }: Command,
  outcome: Outcome<Command>,
): { readonly rows: readonly Row[]; readonly affected: number } {
  if (kind === 'updateMany' || kind === 'deleteMany') {
    const { rows, returned = [] } = outcome as Matched;
    return { rows: returned, affected: rows };
  }
  const rows = (Array.isArray(outcome) ? outcome : [outcome]) as readonly Row[];
  return { rows, affected: rows.length };
}

export function notSingular(rows: number): RestError {
  return new RestError('PGRST116', 406, 'Cannot coerce the result to a single JSON object', {
    details: `The result contains ${rows} rows`,
  });
}

/** How many of the rows clash with one that is there. */
async function countExisting(
  scope: Scope,
  relation: Relation,
  { columns, rows }: Extract<Command, { kind: 'upsert' }>,
): Promise<number> {
  const whole = rows.filter((row) => columns.every((column) => (row[column] ?? null) !== null));
  if (whole.length === 0) return 0;
  const typed = relation.columns.filter((column) => columns.includes(column.name));
  const given = valueTable(scope.catalog.engine, typed, whole);
  const same = typed.map((column, index) => sql`t.${name(column.name)} = ${given.columns[index]!}`);
  const [found] = await runRows(
    scope,
    sql`select count(*) as "rows" from ${given.from}, ${tableSql(relation)} as t where ${join(same, ' and ')}`,
  );
  return Number(found?.['rows']);
}
