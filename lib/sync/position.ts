/**
 * Where a replica stands on the log, and the table in which it carries that.
 *
 * Owns: the state table. The worst that can happen: a position that is not that of the rows beside it; so it is only ever
 * written inside the transaction that changes them.
 */
import { AppError } from '../errors.ts';
import { baseId } from './record.ts';
import type { Session } from './sql.ts';

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

/** The names of the state table's columns in their order; empty when there is no such table. */
export async function readStateColumns(session: Session): Promise<string> {
  const columns = await session.rows(
    `SELECT column_name FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'eider' AND table_name = 'state' ORDER BY column_index`,
  );
  return columns.map(([name]) => String(name)).join();
}

/**
 * The position of a replica, at the base where it has none yet. `adoptedSha256`: see `Replica.open`.
 *
 * @throws AppError `outdated` when a newer version of this program made the file
 */
export async function readPosition(session: Session, adoptedSha256: string | undefined): Promise<Position> {
  let columns = await readStateColumns(session);
  if (columns === '' || adoptedSha256 !== undefined) {
    await session.execute(`BEGIN; CREATE SCHEMA IF NOT EXISTS eider;
      CREATE OR REPLACE TABLE eider.state
        (database_id VARCHAR, version BIGINT NOT NULL, record_id VARCHAR NOT NULL, format INTEGER NOT NULL);
      INSERT INTO eider.state VALUES (NULL, 0, '${baseId(adoptedSha256 ?? null)}', ${stateFormat}); COMMIT`);
    columns = stateColumns.at(-1) ?? '';
  }
  const format = columns.split(',').includes('format') ? 'format' : '1';
  const [row] = await session.rows(`SELECT ${format}, database_id, version, record_id FROM eider.state`);
  if (!row) throw new AppError('corrupt', 'The replica has no position.');
  const [made, databaseId, version, recordId] = row;
  if (Number(made) !== stateFormat) throw newerFormat(Number(made));
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
