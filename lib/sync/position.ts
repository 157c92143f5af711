/** Where a replica stands on the log, and the table in which it carries that. */
import type { DuckDBValue } from '@duckdb/node-api';
import { AppError } from '../errors.ts';
import { baseId } from './record.ts';
import { resultRows, type Session } from './sql.ts';

/** Where a replica stands on the log. */
export interface Position {
  /** Null before the first record. */
  readonly databaseId: string | null;
  readonly version: number;
  /** Id of the record at `version`; the base's id at version 0. */
  readonly recordId: string;
}

/** The format of the replica, and so of the snapshots that are made of it: the tables of the schema `eider`. */
const stateFormat = 1;

/** The columns of the state table in each format that there was; files of the first days say nothing of theirs. */
export const stateColumns = ['database_id,version,record_id', 'database_id,version,record_id,format'];

/** What a file says of its position: the columns of its state table in their order, and the values by their names. */
interface State {
  readonly columns: string;
  readonly values: Readonly<Record<string, DuckDBValue>> | null;
}

/** Null when the file has no state table. */
export async function readState(session: Session): Promise<State | null> {
  const found = await session.table('eider', 'state');
  if (!found) return null;
  const columns = found.columnNames();
  const [row] = resultRows(found);
  return {
    columns: columns.join(),
    values: row ? Object.fromEntries(columns.map((name, index) => [name, row[index]!])) : null,
  };
}

/**
 * The position of a replica, at the base where it has none yet. `adoptedSha256`: see `Replica.open`.
 *
 * @throws AppError `outdated` when a newer version of this program made the file
 */
export async function readPosition(session: Session, adoptedSha256: string | undefined): Promise<Position> {
  let state = adoptedSha256 === undefined ? await readState(session) : null;
  if (!state) {
    await session.execute(`BEGIN; CREATE SCHEMA IF NOT EXISTS eider;
      CREATE OR REPLACE TABLE eider.state
        (database_id VARCHAR, version BIGINT NOT NULL, record_id VARCHAR NOT NULL, format INTEGER NOT NULL);
      INSERT INTO eider.state VALUES (NULL, 0, '${baseId(adoptedSha256 ?? null)}', ${stateFormat}); COMMIT`);
    state = await readState(session);
  }
  if (!state?.values) throw new AppError('corrupt', 'The replica has no position.');
  const { format = 1, database_id: databaseId = null, version, record_id: recordId } = state.values;
  if (Number(format) !== stateFormat) throw newerFormat(Number(format));
  return {
    databaseId: databaseId === null ? null : String(databaseId),
    version: Number(version),
    recordId: String(recordId),
  };
}

function newerFormat(format: number): AppError {
  return new AppError('outdated', `The database has format ${format}; this version reads format ${stateFormat}.`, {
    hint: 'A newer version of Eider wrote it: deploy that version everywhere.',
  });
}

/** Moves the position, within the open transaction. */
export async function writePosition(session: Session, position: Position): Promise<void> {
  await session.run('UPDATE eider.state SET database_id = $1, version = $2, record_id = $3', [
    position.databaseId,
    BigInt(position.version),
    position.recordId,
  ]);
}
