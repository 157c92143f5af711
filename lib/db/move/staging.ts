/**
 * Rows on their way into PostgreSQL: in tables of a schema of their own, `eider_move`, with a note of how far each has
 * come. Each batch is one transaction with its note, which is only changed by who knows the one before it: two moves cannot
 * fill one table.
 */
import { AppError } from '../../errors.ts';
import { quoteName, type Session } from '../../sync/sql.ts';
import type { ConnectionPool } from '../postgres/pool.ts';
import { lastKey, type Progress, progressColumns, progressOf, progressTexts, RowSum, type TableSum } from './checksum.ts';
import { readDuckDbRows } from './duckdb-rows.ts';
import { stagingSchema } from './postgres-inventory.ts';
import { insertPostgresRows } from './postgres-rows.ts';
import { inTransaction, type PostgresSession } from './postgres-session.ts';
import { type OnMoveEvent, progress } from './report.ts';
import type { MovedTable, PlainRow } from './tables.ts';

/** As SQL names the table in which the rows of the table number `index` wait. */
export function stagedName(index: number): string {
  return `${stagingSchema}.t${index}`;
}

export interface Staging {
  readonly pool: ConnectionPool;
  readonly tables: readonly MovedTable[];
  /** What is moved, and from which state: what waits is gone on with only when this is the same. */
  readonly job: string;
  readonly onEvent: OnMoveEvent;
}

/** Makes the tables, unless they are there for this job. */
export async function beginStaging({ pool, tables, job }: Staging): Promise<void> {
  await inTransaction(pool, 'write', async (postgres) => {
    if ((await jobOf(postgres)) === job) return;
    await postgres.rows(`DROP SCHEMA IF EXISTS ${stagingSchema} CASCADE; CREATE SCHEMA ${stagingSchema};
      CREATE TABLE ${stagingSchema}.job (job text NOT NULL);
      CREATE TABLE ${stagingSchema}.progress (number int PRIMARY KEY, ${progressColumns})`);
    await postgres.rows(`INSERT INTO ${stagingSchema}.job VALUES ($1)`, [job]);
    for (const [index, { columns }] of tables.entries()) {
      const definitions = columns.map(({ name, postgres: type }) => `${quoteName(name)} ${type}`);
      await postgres.rows(`CREATE TABLE ${stagedName(index)} (${definitions.join(', ')})`);
      await postgres.rows(`INSERT INTO ${stagingSchema}.progress VALUES ($1, '0', '', NULL, 'false')`, [String(index)]);
    }
  });
}

async function jobOf(postgres: PostgresSession): Promise<string | null> {
  const [there] = await postgres.rows(`SELECT to_regclass('${stagingSchema}.job')::text AS name`);
  if (typeof there?.['name'] !== 'string') return null;
  const [row] = await postgres.rows(`SELECT job FROM ${stagingSchema}.job`);
  return row?.['job'] ?? null;
}

/** Brings the rows that are missing of one table. Answers the sum of all of them, as they were read. */
export async function stageTable(session: Session, staging: Staging, index: number): Promise<TableSum> {
  const { pool, onEvent } = staging;
  const table = staging.tables[index]!;
  const begun = await inTransaction(pool, 'read', (postgres) => noteOf(postgres, index));
  if (begun.isDone) return begun;
  const isOrdered = table.key.length > 0;
  const sum = new RowSum(table, isOrdered ? begun : undefined);
  const told = progress(table, 'copy', onEvent, sum.sum.rows);
  let known = begun;
  const bring = async (rows: readonly PlainRow[], isDone: boolean): Promise<void> => {
    for (const row of rows) sum.add(row);
    const note = { ...sum.sum, after: lastKey(table, rows, known.after), isDone };
    await inTransaction(pool, 'write', async (postgres) => {
      if (!isOrdered && known.rows === begun.rows) await postgres.rows(`TRUNCATE ${stagedName(index)}`);
      await insertPostgresRows(postgres, table, stagedName(index), rows);
      await changeNote(postgres, index, known, note);
    });
    known = note;
    told(rows.length);
  };
  for await (const rows of batches(readDuckDbRows(session, table, isOrdered ? begun.after : null))) {
    await bring(rows, false);
  }
  await bring([], true);
  return sum.sum;
}

/** Rows of one transaction. */
const batchRows = 8192;

async function* batches(chunks: AsyncIterable<PlainRow[]>): AsyncGenerator<PlainRow[]> {
  let batch: PlainRow[] = [];
  for await (const rows of chunks) {
    batch.push(...rows);
    if (batch.length < batchRows) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function noteOf(postgres: PostgresSession, index: number): Promise<Progress> {
  const [row = {}] = await postgres.rows(
    `SELECT rows, checksum, last_key, done FROM ${stagingSchema}.progress WHERE number = $1::int`,
    [String(index)],
  );
  return progressOf(Object.values(row));
}

async function changeNote(postgres: PostgresSession, index: number, from: Progress, to: Progress): Promise<void> {
  const changed = await postgres.rows(
    `UPDATE ${stagingSchema}.progress SET rows = $2, checksum = $3, last_key = $4, done = $5
    WHERE number = $1::int AND rows = $6 AND checksum = $7 AND done = 'false' RETURNING '1' AS changed`,
    [String(index), ...progressTexts(to), String(from.rows), from.checksum],
  );
  if (changed.length > 0) return;
  throw new AppError('conflict', `Another move writes to the same target.`, {
    hint: 'Let it end, then repeat this one.',
  });
}
