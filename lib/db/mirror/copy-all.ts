/**
 * The whole of a PostgreSQL database into the mirror, from one snapshot, as one bulk record.
 *
 * Owns: which tables are mirrored. The worst that can happen: see mirror.ts.
 */
import type { Session } from '../../sync/sql.ts';
import { RowSum, type TableSum } from '../move/checksum.ts';
import { fillTable, makeEmpty } from '../move/fill.ts';
import { defineOnDuckDb } from '../move/onto-duckdb.ts';
import { tablesOfPostgres } from '../move/postgres-inventory.ts';
import { sumPostgresTable } from '../move/postgres-rows.ts';
import { inTransaction, type PostgresSession } from '../move/postgres-session.ts';
import { keptTables, stateOfPostgres } from '../move/postgres-state.ts';
import { withScratch } from '../move/scratch.ts';
import type { MovedTable } from '../move/tables.ts';
import type { MirrorOptions, MirrorReport } from './mirror.ts';
import { versionToCome, writeNote } from './mirror-note.ts';

/** All that a move would bring, without Eider's own. */
const isMirrored = (_: string, { schema }: { readonly schema: string }): boolean => schema !== 'eider';

/** Copies everything. Two at once are harmless: the one that is later begins again on top of the other. */
export async function copyAll(options: MirrorOptions, sourceId: string): Promise<MirrorReport> {
  const { value } = await options.engine.writeBulk((session) => copyOnce(options, session, sourceId));
  return value;
}

function copyOnce(options: MirrorOptions, session: Session, sourceId: string): Promise<MirrorReport> {
  const { postgres, source, runtime, spillFolder } = options;
  return inTransaction(postgres.pool, 'read', (reading) =>
    withScratch({ spillFolder }, async (scratch) => {
      const at = new Date(runtime.now()).toISOString();
      const { version, settled } = await stateOfPostgres(reading);
      const inventory = await tablesOfPostgres(reading, scratch, isMirrored);
      const { tables } = inventory;
      await makeEmpty(session, reading, tables, await defineOnDuckDb(reading, scratch, inventory));
      const sums = await fillAll(session, reading, tables);
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

async function fillAll(session: Session, postgres: PostgresSession, tables: readonly MovedTable[]): Promise<Sums> {
  const sums = new Map<string, TableSum>();
  for (const table of tables) {
    const sum = new RowSum(table);
    await fillTable(session, postgres, { table, sum, onRows: () => undefined });
    sums.set(table.title, sum.sum);
  }
  return sums;
}

/** The sums of the tables whose changes are not kept. */
async function uncoveredOf(postgres: PostgresSession, tables: readonly MovedTable[], sums: Sums) {
  const kept = await keptTables(postgres);
  const uncovered = tables.filter(({ title }) => !kept.has(title));
  return Object.fromEntries(uncovered.map(({ title }) => [title, sums.get(title)]));
}

/** The same as they are now, as the note has them. */
export function sumUncovered({ postgres, spillFolder }: MirrorOptions): Promise<string> {
  return inTransaction(postgres.pool, 'read', (reading) =>
    withScratch({ spillFolder }, async (scratch) => {
      const kept = await keptTables(reading);
      const isUncovered: typeof isMirrored = (title, name) => isMirrored(title, name) && !kept.has(title);
      const { tables } = await tablesOfPostgres(reading, scratch, isUncovered);
      const sums: Record<string, TableSum> = {};
      for (const table of tables) sums[table.title] = await sumPostgresTable(reading, table);
      return JSON.stringify(sums);
    }),
  );
}
