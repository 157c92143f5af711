/**
 * Running statements that were put together: text and values in, rows out.
 */
import type { RelationName } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import { name, type Sql, statementOf } from '../sql/compose.ts';
import type { StatementResult } from '../sql/result.ts';
import type { Row } from '../values.ts';

export function tableSql(relation: RelationName): Sql {
  return name(relation.schema, relation.name);
}

export function runStatement(scope: Scope, statement: Sql): Promise<StatementResult> {
  const { text, values } = statementOf(statement);
  return scope.run(text, values);
}

/** The rows of a statement, by the names of its columns. */
export async function runRows(scope: Scope, statement: Sql): Promise<Row[]> {
  const { columns, rows } = await runStatement(scope, statement);
  const names = columns.map((column) => column.name);
  return rows.map((row) => Object.fromEntries(names.map((each, index) => [each, row[index] ?? null])));
}
