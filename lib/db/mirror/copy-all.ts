/**
 * The whole of a PostgreSQL database into the mirror, from one snapshot, as one bulk record.
 *
 * Owns: which tables are mirrored: all that a move would bring, without Eider's own. The worst that can happen: see mirror.ts.
 */
import type { Session } from '../../sync/sql.ts';
import { quoteTable } from '../../sync/sql.ts';
import { RowSum, type TableSum } from '../move/checksum.ts';
import { inventoryOfDuckDb } from '../move/duckdb-inventory.ts';
import { fillTable, makeEmptyTable } from '../move/fill.ts';
import { inventoryOfPostgres } from '../move/postgres-inventory.ts';
import { currentSchema, quotedOnPostgres, sumPostgresTable } from '../move/postgres-rows.ts';
import { inTransaction, type PostgresSession } from '../move/postgres-session.ts';
import { keptTables, stateOfPostgres } from '../move/postgres-state.ts';
import { withScratch } from '../move/scratch.ts';
import { type MovedTable, tableTitle } from '../move/tables.ts';
import type { MirrorOptions, MirrorReport } from './mirror.ts';
import { readNote, versionToCome, writeNote } from './mirror-note.ts';

const isMirrored = ({ schema }: { readonly schema: string }): boolean => schema !== 'eider';

/** Copies everything. Two at once are harmless: the one that is later begins again on top of the other. */
export async function copyAll(options: MirrorOptions, sourceId: string): Promise<MirrorReport> {
  const { value } = await options.engine.writeBulk((session) => copyOnce(options, session, sourceId));
  return value;
}

function copyOnce(options: MirrorOptions, session: Session, sourceId: string): Promise<MirrorReport> {
  const { postgres, source, runtime, ownTables, spillFolder } = options;
  return inTransaction(postgres.pool, 'read', (reading) =>
    withScratch({ spillFolder }, async (scratch) => {
      const at = new Date(runtime.now()).toISOString();
      const { version, settled } = await stateOfPostgres(reading);
      const { tables } = await inventoryOfPostgres(reading, scratch, isMirrored);
      if (await readNote(session)) await dropOthers(session, tables, ownTables);
      const sums = await fillAll(session, { postgres: reading, scratch, ownTables }, tables);
      const uncovered = JSON.stringify(await uncoveredOf(reading, tables, sums));
      const ownVersion = await versionToCome(session);
      await writeNote(session, {
        source,
        sourceId,
        version: settled,
        leastHead: version,
        at,
        ownVersion,
        sums: uncovered,
      });
      const rows = [...sums.values()].reduce((sum, each) => sum + each.rows, 0);
      return { how: 'copied', rows, version, at };
    }),
  );
}

type Sums = ReadonlyMap<string, TableSum>;

async function fillAll(
  session: Session,
  filling: Parameters<typeof makeEmptyTable>[2],
  tables: readonly MovedTable[],
): Promise<Sums> {
  const current = await currentSchema(filling.postgres);
  const sums = new Map<string, TableSum>();
  for (const source of tables) {
    const table = await makeEmptyTable(session, source, filling);
    const sum = new RowSum(table);
    const quoted = quotedOnPostgres(table, current);
    await fillTable(session, filling.postgres, { table, quoted, sum, onRows: () => undefined });
    sums.set(tableTitle(table), sum.sum);
  }
  return sums;
}

/** Tables that an earlier copy made and the source no longer has. */
async function dropOthers(
  session: Session,
  tables: readonly MovedTable[],
  ownTables: ReadonlySet<string>,
): Promise<void> {
  const coming = new Set(tables.map(tableTitle));
  const { tables: present } = await inventoryOfDuckDb(session, 'duckdb');
  for (const table of present) {
    if (coming.has(tableTitle(table)) || ownTables.has(table.name) || table.schema === 'eider') continue;
    await session.execute(`DROP TABLE ${quoteTable({ schema: table.schema, table: table.name })}`);
  }
}

/** The sums of the tables whose changes are not kept. */
async function uncoveredOf(postgres: PostgresSession, tables: readonly MovedTable[], sums: Sums) {
  const kept = await keptTables(postgres);
  const uncovered = tables.filter(({ schema, name }) => schema !== 'main' || !kept.has(name));
  return Object.fromEntries(uncovered.map((table) => [tableTitle(table), sums.get(tableTitle(table))]));
}

/** The same as they are now, as the note has them. */
export function sumUncovered({ postgres, spillFolder }: MirrorOptions): Promise<string> {
  return inTransaction(postgres.pool, 'read', (reading) =>
    withScratch({ spillFolder }, async (scratch) => {
      const kept = await keptTables(reading);
      const isUncovered = ({ schema, name }: { schema: string; name: string }): boolean =>
        isMirrored({ schema }) && (schema !== 'main' || !kept.has(name));
      const { tables } = await inventoryOfPostgres(reading, scratch, isUncovered);
      const current = await currentSchema(reading);
      const sums: Record<string, TableSum> = {};
      for (const table of tables) {
        sums[tableTitle(table)] = await sumPostgresTable(reading, table, quotedOnPostgres(table, current));
      }
      return JSON.stringify(sums);
    }),
  );
}
