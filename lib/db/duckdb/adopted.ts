/** What the copy of an adopted file must become before it is the first snapshot. */
import { AppError } from '../../errors.ts';
import { quoteName, type Session } from '../../sync/sql.ts';
import { objectIn } from './introspect.ts';
import { takeOverForeignKeys } from './references/take-over.ts';

/** For a copy that is not in use yet. */
export async function prepareAdopted(session: Session): Promise<void> {
  await freeOwnSchema(session);
  await takeOverForeignKeys(session, () => session.execute('CHECKPOINT'));
}

/** To DuckDB "Eider" is the name eider, which Eider needs, as it spells it. */
async function freeOwnSchema(session: Session): Promise<void> {
  const [row] = await session.rows(
    `SELECT schema_name FROM duckdb_schemas()
     WHERE database_name = current_database() AND lower(schema_name) = 'eider' AND schema_name <> 'eider'`,
  );
  if (!row) return;
  const name = String(row[0]);
  const found = await objectIn(session, name);
  if (found === null) return session.execute(`DROP SCHEMA ${quoteName(name)}`);
  throw new AppError('invalid', `The database file has ${found} in a schema ${name}, a name that Eider needs.`, {
    hint: 'Move its contents into another schema. The file was not changed.',
  });
}
