/** What a statement of DDL defines, and whether it may be defined at all. */
import { AppError } from '../../errors.ts';
import { type Definition, readsFile } from '../../sql/definition.ts';
import type { Statement } from '../../sql/statement.ts';
import type { TableName } from '../../sync/shapes.ts';
import { type Origin, requireWritable, tableNameOf } from './names.ts';

export interface DdlRun {
  readonly statement: Statement;
  readonly definition: Definition;
  readonly values: readonly unknown[];
  readonly origin: Origin;
}

/**
 * What the statement defines.
 *
 * @throws AppError `invalid` when that is not the user's to define, or would not be the same everywhere
 */
export function requireDefinable(run: DdlRun): TableName {
  requireNoParameters(run);
  requireNoFile(run);
  return definedName(run.definition, run.origin);
}

/** What the definition is about: for an index its table, as rows of that are what matters. */
function definedName({ object, name, onTable }: Definition, origin: Origin): TableName {
  if (object === 'SCHEMA' && name) {
    const { schema } = tableNameOf({ ...name, parts: [...name.parts, ''] }, origin);
    return { schema, table: schema };
  }
  if (name && object === 'INDEX') tableNameOf(name, origin);
  const about = onTable ?? name;
  if (!about) throw new AppError('invalid', 'The statement names no object.', { sqlState: '42601' });
  const found = tableNameOf(about, origin);
  requireWritable(found.schema, origin);
  return found;
}

function requireNoParameters({ statement, definition, values }: DdlRun): void {
  const hasParameters = values.length > 0 || statement.tokens.some(({ kind }) => kind === 'parameter');
  if (!hasParameters || definition.isOfQuery) return;
  throw new AppError('invalid', `${statement.command} takes no parameters: its text is replayed on every replica.`, {
    sqlState: '0A000',
    hint: 'Write the values into the SQL text.',
  });
}

function requireNoFile({ statement, definition }: DdlRun): void {
  const source = definition.object === 'VIEW' || definition.object === 'MACRO' ? readsFile(statement.tokens) : null;
  if (source === null) return;
  throw new AppError('invalid', `A view or macro cannot read a file (${source}): other replicas do not have it.`, {
    sqlState: '0A000',
    hint: 'Import the file into a table.',
  });
}
