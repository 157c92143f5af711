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

/** The position of a replica, at the base where it has none yet. `adoptedSha256`: see `Replica.open`. */
export async function readPosition(session: Session, adoptedSha256: string | undefined): Promise<Position> {
  const found = await session.rows(
    `SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'eider' AND table_name = 'state'`,
  );
  if (found.length === 0 || adoptedSha256 !== undefined) {
    await session.execute(`BEGIN; CREATE SCHEMA IF NOT EXISTS eider;
      CREATE OR REPLACE TABLE eider.state (database_id VARCHAR, version BIGINT NOT NULL, record_id VARCHAR NOT NULL);
      INSERT INTO eider.state VALUES (NULL, 0, '${baseId(adoptedSha256 ?? null)}'); COMMIT`);
  }
  const [row] = await session.rows('SELECT database_id, version, record_id FROM eider.state');
  if (!row) throw new AppError('corrupt', 'The replica has no position.');
  const [databaseId, version, recordId] = row;
  return {
    databaseId: databaseId === null ? null : String(databaseId),
    version: Number(version),
    recordId: String(recordId),
  };
}

/** Moves the position, within the open transaction. */
export async function writePosition(session: Session, position: Position): Promise<void> {
  await session.run('UPDATE eider.state SET database_id = $1, version = $2, record_id = $3', [
    position.databaseId,
    BigInt(position.version),
    position.recordId,
  ]);
}
