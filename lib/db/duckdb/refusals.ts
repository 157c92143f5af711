/** Statements that cannot be captured, each with the reason and the way out. */
import { AppError } from '../../errors.ts';
import type { Statement } from '../../sql/statement.ts';
import type { Session } from '../../sync/sql.ts';
import { mapDuckDbError } from './errors.ts';

const control = 'It would end the transaction that it runs in.';
const reasons: Readonly<Record<string, string>> = {
  BEGIN: control,
  START: control,
  COMMIT: control,
  END: control,
  ROLLBACK: control,
  ABORT: control,
  SAVEPOINT: control,
  RELEASE: control,
  COPY: 'It reads or writes a file; import and export do that.',
  ATTACH: 'Another database is not replicated.',
  DETACH: 'Another database is not replicated.',
  USE: 'Settings are the same for everyone.',
  SET: 'Settings are the same for everyone.',
  RESET: 'Settings are the same for everyone.',
  PRAGMA: 'Settings are the same for everyone; pragma_table_info and its kin can be queried with SELECT.',
  CALL: 'It may change state outside of tables.',
  EXPLAIN: 'EXPLAIN ANALYZE runs what it explains.',
  INSTALL: 'Extensions are fixed.',
  LOAD: 'Extensions are fixed.',
  PREPARE: 'Statements are prepared without it: send the values beside the statement.',
  EXECUTE: 'Statements are prepared without it: send the values beside the statement.',
  CREATE:
    'What it creates is not replicated: temporary objects, secrets, and what is not a table, view, schema, sequence, index, macro or type.',
};
/** What DuckDB's parser says of a text that is no SQL; null when it is. Only for words that are not known. */
export async function syntaxError(session: Session, { command, sql }: Statement): Promise<Error | null> {
  // DuckDB would read the files of IMPORT DATABASE to parse it.
  if (reasons[command] !== undefined || command === 'IMPORT') return null;
  return session.connection.extractStatements(sql).then(
    () => null,
    (error: unknown) => mapDuckDbError(error) as Error,
  );
}

/** The error for a statement of no kind that is captured. */
export async function refusal(session: Session, statement: Statement): Promise<unknown> {
  const wrong = await syntaxError(session, statement);
  const reason = reasons[statement.command] ?? 'Its effect is not known.';
  return (
    wrong ??
    new AppError('invalid', `${statement.command} cannot be captured. ${reason}`, {
      sqlState: '0A000',
      hint: 'Run SELECT, INSERT, UPDATE, DELETE, TRUNCATE, MERGE, or CREATE, ALTER, DROP and COMMENT ON of tables, views, schemas, sequences, indexes, macros and types.',
    })
  );
}
