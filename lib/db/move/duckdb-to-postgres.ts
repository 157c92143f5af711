/**
 * Moving from DuckDB to PostgreSQL.
 *
 * Owns: the transaction in which what was brought takes the place of what was there. The worst that can happen is told in
 * move.ts; so that transaction reads all rows back, and commits only when they are the source's.
 */
import { mkdir } from 'node:fs/promises';
import type { Session } from '../../sync/sql.ts';
import type { Slot } from '../../sync/slot.ts';
import { inventoryOfDuckDb } from './duckdb-inventory.ts';
import { areSameSums, createMovedTable, movedTable, requireReplaceable, requireSameSums } from './earlier.ts';
import { type DuckDbEnd, type MoveOptions, newest, type PostgresEnd } from './ends.ts';
import { progress, sumAll } from './into-duckdb.ts';
import { lookAtPostgres } from './look-at-postgres.ts';
import { quotedOnPostgres, sumPostgresTable } from './postgres-rows.ts';
import { inTransaction, type PostgresSession } from './postgres-session.ts';
import { replaceTables } from './replace.ts';
import type { MoveReport, MovedSums } from './report.ts';
import { beginStaging, stageTable, stagingSchema } from './staging.ts';
import { type Inventory, type MovedTable, tableTitle } from './tables.ts';

type Options = MoveOptions<DuckDbEnd, PostgresEnd>;

interface Moved {
  readonly outcome: MoveReport['outcome'];
  readonly inventory: Inventory;
  readonly sums: MovedSums;
  readonly targetVersion: number;
}

export async function moveIntoPostgres(options: Options, slot: Slot): Promise<MoveReport> {
  const { engine } = options.source;
  await mkdir(slot.spillPath, { recursive: true });
  // One read transaction: whatever others write, all of it is one state.
  const { value, version: sourceVersion } = await engine.read((session) => moveState(options, slot, session), newest);
  const { version: now } = await engine.read(() => Promise.resolve(), newest);
  const { outcome, sums, targetVersion, inventory } = value;
  const { leftBehind } = inventory;
  return { outcome, tables: sums, sourceVersion, targetVersion, sourceMovedOn: now !== sourceVersion, leftBehind };
}

async function moveState(options: Options, slot: Slot, session: Session): Promise<Moved> {
  const { source, target, ownTables, replace, onEvent } = options;
  const inventory = await inventoryOfDuckDb(session, 'postgres', ownTables);
  const before = await lookAtPostgres(target.pool, inventory.tables, slot.spillPath, onEvent);
  if (before.moved !== null || Object.values(before.sums).some(({ rows }) => rows > 0)) {
    const sums = await sumAll(session, 'read', onEvent);
    const outcome = 'there-already';
    if (areSameSums(sums, before.sums)) return { outcome, inventory, sums, targetVersion: before.version };
    if (!replace) requireReplaceable(before, target.location);
  }
  const { databaseId, version } = source.engine.status();
  const shape = inventory.tables.map(({ schema, name, columns }) => [
    schema,
    name,
    columns.map((column) => [column.name, column.declared, column.postgres]),
  ]);
  const job = JSON.stringify([source.location, databaseId, version, shape]);
  const staging = { pool: target.pool, tables: inventory.tables, job, onEvent };
  await beginStaging(staging);
  const sums: Record<string, MovedSums[string]> = {};
  for (const [index, table] of inventory.tables.entries()) {
    sums[tableTitle(table)] = await stageTable(session, staging, index);
  }
  const staged = { tables: inventory.tables, sums, sourceVersion: version, since: replace ? null : before.snapshot };
  const targetVersion = await commitStaged(options, staged);
  return { outcome: 'moved', inventory, sums, targetVersion };
}

interface Staged {
  readonly tables: readonly MovedTable[];
  /** The state of the target that was looked at; null: whatever it has is to be replaced. */
  readonly since: string | null;
  readonly sums: MovedSums;
  readonly sourceVersion: number;
}

/** Everything at once. Answers the target's new version. */
function commitStaged(options: Options, { tables, sums, sourceVersion, since }: Staged): Promise<number> {
  const { source, target, ownTables, runtime, onEvent } = options;
  return inTransaction(target.pool, 'write', async (postgres) => {
    onEvent({ step: 'commit', table: null, rows: 0, totalRows: 0 });
    const current = await replaceTables(postgres, { tables, ownTables, since });
    const written: Record<string, MovedSums[string]> = {};
    for (const table of tables) {
      const onRows = progress(table, 'verify', onEvent);
      written[tableTitle(table)] = await sumPostgresTable(postgres, table, quotedOnPostgres(table, current), onRows);
    }
    requireSameSums(sums, written);
    const finished = new Date(runtime.now()).toISOString();
    await postgres.rows(`${createMovedTable}; DELETE FROM ${movedTable}; DROP SCHEMA ${stagingSchema} CASCADE`);
    const values = [source.location, String(sourceVersion), finished, JSON.stringify(sums)];
    await postgres.rows(`INSERT INTO ${movedTable} VALUES ($1, $2::bigint, $3, $4)`, values);
    await forgetChanges(postgres);
    const [own] = await postgres.rows('SELECT pg_current_xact_id()::text AS version');
    return Number(own?.['version']);
  });
}

/** Who follows the changes begins anew: what a move did is not among them. */
async function forgetChanges(postgres: PostgresSession): Promise<void> {
  await postgres.rows(`DELETE FROM eider.changes; UPDATE eider.state SET dropped = pg_current_xact_id()`);
}
