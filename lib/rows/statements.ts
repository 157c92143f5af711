/** Running statements that were put together: text and values in, rows out. */
import type { Relation, RelationName } from '../catalog/catalog.ts';
import type { Alone, Scope } from '../db/database.ts';
import { join, name, type Sql, sql, statementOf } from '../sql/compose.ts';
import { type QueryColumn, rowsOf, type StatementResult } from '../sql/result.ts';
import type { Row } from '../values.ts';

export function tableSql(relation: RelationName): Sql {
  return name(relation.schema, relation.name);
}

export function runStatement(scope: Scope, statement: Sql): Promise<StatementResult> {
  const { text, values } = statementOf(statement);
  return scope.run(text, values);
}

/** The same of the only statement, or the only one that changes something; see `Scope.runAlone`. */
export function runAlone(scope: Scope, statement: Sql, alone: Alone): Promise<StatementResult> {
  const { text, values } = statementOf(statement);
  return scope.runAlone ? scope.runAlone(text, values, alone) : scope.run(text, values);
}

/** The rows of a statement, by the names of its columns. */
export async function runRows(scope: Scope, statement: Sql): Promise<Row[]> {
  return rowsOf(await runStatement(scope, statement));
}

/** The columns of a relation with their types in DuckDB's words, on either engine. */
export async function columnTypes(scope: Scope, relation: Relation): Promise<readonly QueryColumn[]> {
  const names = join(relation.columns.map((column) => name(column.name)));
  const { columns } = await runStatement(scope, sql`select ${names} from ${tableSql(relation)} limit 0`);
  return columns;
}
