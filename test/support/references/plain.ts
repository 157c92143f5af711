/**
 * References on a DuckDB session alone, without a store: statements of a commit are run, what they changed is found by
 * comparing tables, and the check is made as a write makes it.
 */
import { DuckDBInstance, listValue } from '@duckdb/node-api';
import { onTestFinished } from 'vitest';
import { type Catalog, type Relation, relationId } from '../../../lib/catalog/catalog.ts';
import { readDuckDbCatalog } from '../../../lib/catalog/duckdb.ts';
import { plainRows } from '../../../lib/db/duckdb/dialect.ts';
import { checkReferences } from '../../../lib/db/duckdb/references/check.ts';
import { runDdl } from '../../../lib/db/duckdb/references/ddl.ts';
import type { CheckedChange } from '../../../lib/db/duckdb/references/questions.ts';
import { referencesTable } from '../../../lib/db/own-migrations.ts';
import { quoteTable, Session } from '../../../lib/sync/sql.ts';
import type { PlainValue, Row } from '../../../lib/values.ts';

/** What the check is told of changes: all that helps it, or no more than a record holds. */
export type Known = 'all' | 'record';

export interface Plain {
  readonly session: Session;
  catalog(): Promise<Catalog>;
  /** Runs DDL. */
  ddl(...statements: readonly string[]): Promise<void>;
  /** Runs statements on rows as one commit; when it fails, nothing of it stays. */
  commit(statements: readonly string[], known?: Known): Promise<void>;
  rows(sql: string): Promise<Row[]>;
  /** Before the test ends. */
  close(): void;
}

export async function openPlain(): Promise<Plain> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const session = new Session(await instance.connect());
  let isOpen = true;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    session.close();
    instance.closeSync();
  };
  onTestFinished(close);
  await session.execute(`CREATE SCHEMA eider; ${referencesTable}`);
  return { ...plainOn(session), close };
}

export function plainOn(session: Session): Omit<Plain, 'close'> {
  const rows = async (sql: string): Promise<Row[]> => plainRows(await session.run(sql));
  let known: Catalog | null = null;
  const catalog = async (): Promise<Catalog> => (known ??= await readDuckDbCatalog(rows, []));
  const inTransaction = async (work: () => Promise<void>): Promise<void> => {
    await session.execute('BEGIN');
    try {
      await work();
      await session.execute('COMMIT');
    } catch (error) {
      await session.execute('ROLLBACK');
      throw error;
    }
  };
  const host = {
    session,
    catalog,
    runDdl: async (sql: string) => {
      known = null;
      await session.execute(sql);
    },
    runRows: async (sql: string, values: readonly PlainValue[]) => {
      known = null;
      await session.rows(sql, bound(values));
    },
  };
  return {
    session,
    catalog,
    rows,
    ddl: (...statements) =>
      inTransaction(async () => {
        for (const sql of statements) await runDdl(sql, host);
      }).finally(() => (known = null)),
    commit: (statements, told = 'all') =>
      inTransaction(async () => {
        const seen = await catalog();
        const before = await contents(rows, seen);
        for (const sql of statements) await session.execute(sql);
        const changes = changesBetween(seen, before, await contents(rows, seen), told);
        await checkReferences(session, seen, changes);
      }),
  };
}

/** `loans_book_fkey: main.loans(book) -> main.books(id)`, by name. */
export async function storedReferences({ rows }: Pick<Plain, 'rows'>): Promise<unknown[]> {
  const found = await rows(
    `SELECT concat(name, ': ', schema_name, '.', table_name, '(', array_to_string(columns, ','), ') -> ',
       target_schema, '.', target_table, '(', array_to_string(target_columns, ','), ')') AS text
     FROM eider."references" ORDER BY name`,
  );
  return found.map(({ text }) => text);
}

function bound(values: readonly PlainValue[]) {
  return values.map((value) => (Array.isArray(value) ? listValue(value as string[]) : (value as string)));
}

type Contents = ReadonlyMap<string, readonly Row[]>;

async function contents(rows: Plain['rows'], { relations }: Catalog): Promise<Contents> {
  const found = new Map<string, readonly Row[]>();
  for (const [id, { schema, name, kind }] of relations) {
    if (kind === 'table') found.set(id, await rows(`SELECT * FROM ${quoteTable({ schema, table: name })}`));
  }
  return found;
}

function changesBetween(catalog: Catalog, before: Contents, after: Contents, known: Known): CheckedChange[] {
  return [...catalog.relations.values()].flatMap((relation) => {
    const id = relationId(relation);
    return tableChanges(relation, before.get(id) ?? [], after.get(id) ?? [], known);
  });
}

function tableChanges(relation: Relation, before: readonly Row[], after: readonly Row[], known: Known) {
  const keyOf = (row: Row): string =>
    JSON.stringify(relation.key.length > 0 ? relation.key.map((name) => row[name]) : row);
  const [old, now] = [before, after].map((rows) => new Map(rows.map((row) => [keyOf(row), row])));
  const gone = before.filter((row) => !now!.has(keyOf(row)));
  const fresh = after.filter((row) => !old!.has(keyOf(row)));
  const changed = after.filter((row) => {
    const earlier = old!.get(keyOf(row));
    return earlier && JSON.stringify(earlier) !== JSON.stringify(row);
  });
  const name = { schema: relation.schema, table: relation.name };
  const changes: CheckedChange[] = [];
  if (gone.length > 0) changes.push({ ...name, delete: known === 'all' ? gone : gone.map(keyOnly) });
  if (fresh.length > 0) changes.push(known === 'all' ? { ...name, put: fresh, fresh: true } : { ...name, put: fresh });
  if (changed.length > 0) {
    const earlier = changed.map((row) => old!.get(keyOf(row))!);
    const assigned = relation.columns
      .map((column) => column.name)
      .filter((column) => changed.some((row, at) => row[column] !== earlier[at]![column]));
    changes.push(known === 'all' ? { ...name, put: changed, assigned, before: earlier } : { ...name, put: changed });
  }
  return changes;

  function keyOnly(row: Row): Row {
    if (relation.key.length === 0) return row;
    return Object.fromEntries(relation.key.map((column) => [column, row[column] ?? null]));
  }
}
