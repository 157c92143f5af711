/**
 * The whole of a PostgreSQL database into the mirror, from one snapshot, as one bulk record.
 */
import type { Session } from '../../sync/sql.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { RowSum, type TableSum } from '../move/checksum.ts';
import { fillTable, makeEmpty } from '../move/fill.ts';
import { defineOnDuckDb } from '../move/onto-duckdb.ts';
import { tablesOfPostgres } from '../move/postgres-inventory.ts';
import { sumAllOnPostgres } from '../move/postgres-rows.ts';
import { inTransaction } from '../move/postgres-session.ts';
import { keptTables, stateOfPostgres } from '../move/postgres-state.ts';
import { withScratch } from '../move/scratch.ts';
import type { MirrorOptions, MirrorReport } from './mirror.ts';
import { versionToCome, writeNote } from './mirror-note.ts';
import { readUnkept, type Unkept } from './unkept.ts';

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
      const { version: leastHead, settled: version } = await stateOfPostgres(reading);
      const inventory = await tablesOfPostgres(reading, scratch, isMirrored);
      await makeEmpty(session, reading, inventory.tables, await defineOnDuckDb(reading, scratch, inventory));
      const kept = await keptTables(reading);
      const sums: Record<string, TableSum> = {};
      let rows = 0;
      for (const table of inventory.tables) {
        const sum = new RowSum(table);
        await fillTable(session, reading, { table, sum, onRows: () => undefined });
        rows += sum.sum.rows;
        if (!kept.has(table.title)) sums[table.title] = sum.sum;
      }
      const unkept = await readUnkept(reading, inventory.catalog, sums);
      const ownVersion = await versionToCome(session);
      await writeNote(session, { source, sourceId, version, leastHead, at, ownVersion, unkept });
      return { how: 'copied', rows, version: leastHead, at };
    }),
  );
}

/** What is not among the changes, as it is now. */
export function lookAtUnkept({ postgres, spillFolder }: MirrorOptions): Promise<[Unkept, Catalog]> {
  return inTransaction(postgres.pool, 'read', (reading) =>
    withScratch({ spillFolder }, async (scratch) => {
      const kept = await keptTables(reading);
      const isUnkept: typeof isMirrored = (title, name) => isMirrored(title, name) && !kept.has(title);
      const { tables, catalog } = await tablesOfPostgres(reading, scratch, isUnkept);
      const sums = await sumAllOnPostgres(reading, tables, 'read', () => undefined);
      return [await readUnkept(reading, catalog, sums), catalog];
    }),
  );
}
