/** Which object of the database a name in a statement means. */
import { AppError } from '../../errors.ts';
import type { WrittenName } from '../../sql/statement.ts';
import type { TableName } from '../../sync/shapes.ts';
import { quoteTable } from '../../sync/sql.ts';

/** Whose statement it is. `own`: Eider's, which may write Eider's own tables. */
export type Origin = 'user' | 'own';

const foreign: ReadonlySet<string> = new Set(['temp', 'system', 'information_schema', 'pg_catalog']);

/**
 * The table, or another object of a schema, that a name means.
 *
 * @throws AppError `invalid` for a name that may not be written
 */
export function tableNameOf({ parts }: WrittenName, origin: Origin): TableName {
  const [table = '', schema = 'main', ...more] = parts.toReversed();
  if (more.length > 0) throw refuse(`${parts.join('.')} names a database.`, 'Write schema.table, or the name alone.');
  requireWritable(schema, origin);
  return { schema, table };
}

/** @throws AppError `invalid` for a schema that may not be changed */
export function requireWritable(schema: string, origin: Origin): void {
  const name = schema.toLowerCase();
  if (name === 'eider' && origin === 'user')
    throw refuse("The schema eider is Eider's own.", 'Use another schema.', '42501');
  if (foreign.has(name)) throw refuse(`The schema ${schema} is not replicated.`, 'Use another schema.');
}

function refuse(message: string, hint: string, sqlState = '0A000'): AppError {
  return new AppError('invalid', message, { hint, sqlState });
}

/** One text for a table, however the case of its name is written. */
export function tableId(name: TableName): string {
  return quoteTable(name).toLowerCase();
}
