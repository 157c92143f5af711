/** Changing and deleting all rows that pass a filter. */
import type { Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import type { PlainValue, Row } from '../values.ts';
import { conditionSql, planFilter } from './conditions.ts';
import { type Filter, ParameterFault } from './filter.ts';
import { runRows, runStatement, tableSql } from './statements.ts';
import { renewedColumn, setSql } from './update.ts';

/** A commit holds every row that it changes. */
const mostRows = 10_000;

/** What was done to rows that pass a filter. */
export type Matched = {
  readonly rows: number;
  /** The time that `updated_at` got; null where it got none. */
  readonly renewed: PlainValue;
  /** As they are now, or were when they were deleted; only where that was asked for. */
  readonly returned?: readonly Row[];
};

interface MatchingUpdate {
  readonly filter: Filter;
  readonly returning?: true;
}

export async function updateMatching(
  scope: Scope,
  relation: Relation,
  { filter, values, returning: wantsRows }: MatchingUpdate & { readonly values: Row },
): Promise<Matched> {
  const where = await limitedCondition(scope, relation, filter);
  const renewed = renewedColumn(relation, Object.keys(values));
  const sets = setSql(scope, relation, values, [renewed]);
  if (wantsRows) {
    const rows = await runRows(scope, sql`update ${tableSql(relation)} set ${join(sets)} where ${where} returning *`);
    requireFew(relation, rows.length);
    return { rows: rows.length, renewed: renewed === null ? null : (rows[0]?.[renewed] ?? null), returned: rows };
  }
  const returning = renewed === null ? raw('') : sql`returning ${name(renewed)}`;
  const statement = sql`update ${tableSql(relation)} set ${join(sets)} where ${where} ${returning}`;
  const { rows, rowCount } = await runStatement(scope, statement);
  requireFew(relation, rowCount ?? rows.length);
  return { rows: rowCount ?? rows.length, renewed: rows[0]?.[0] ?? null };
}

export async function deleteMatching(
  scope: Scope,
  relation: Relation,
  { filter, returning }: MatchingUpdate,
): Promise<Matched> {
  const where = await limitedCondition(scope, relation, filter);
  if (returning) {
    const rows = await runRows(scope, sql`delete from ${tableSql(relation)} where ${where} returning *`);
    requireFew(relation, rows.length);
    return { rows: rows.length, renewed: null, returned: rows };
  }
  const { rowCount } = await runStatement(scope, sql`delete from ${tableSql(relation)} where ${where}`);
  requireFew(relation, rowCount ?? 0);
  return { rows: rowCount ?? 0, renewed: null };
}

/** Of a table that may have too many rows, those that pass are counted first. */
async function limitedCondition(scope: Scope, relation: Relation, filter: Filter): Promise<Sql> {
  const where = conditionSql(scope.catalog.engine, planned(relation, filter));
  if (relation.estimatedRows !== null && relation.estimatedRows <= mostRows) return where;
  const some = sql`select 1 from ${tableSql(relation)} where ${where} limit ${raw(String(mostRows + 1))}`;
  const [found] = await runRows(scope, sql`select count(*) as "rows" from (${some}) as passing`);
  requireFew(relation, Number(found?.['rows']));
  return where;
}

/** What was planned when the request came may no longer be possible in the transaction's catalog. */
function planned(relation: Relation, filter: Filter) {
  try {
    return planFilter(relation, filter);
  } catch (cause) {
    if (!(cause instanceof ParameterFault)) throw cause;
    throw new AppError('invalid', `The filter no longer fits ${relation.name}: a column ${cause.message}.`, { cause });
  }
}

function requireFew(relation: Relation, rows: number): void {
  if (rows <= mostRows) return;
  throw new AppError(
    'invalid',
    `More than ${mostRows} rows of ${relation.name} match the filter, which is more than one request may change.`,
    {
      hint: 'Narrow the filter and send several requests.',
    },
  );
}
