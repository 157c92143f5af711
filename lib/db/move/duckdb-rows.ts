/**
 * Rows out of a DuckDB session and into one, in bounded memory: by primary key where there is one, so that a move can go on
 * after the last row that it wrote.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { appendRows } from '../../sync/apply.ts';
import { decodeNullable, encodeNullable } from '../../sync/codec.ts';
import { duckDbOptions } from '../../sync/duckdb-options.ts';
import { quoteName, quoteTable, Session } from '../../sync/sql.ts';
import { RowSum, type TableSum } from './checksum.ts';
import type { MovedName, MovedTable, PlainRow } from './tables.ts';

/** As SQL names it there. */
export function quotedOnDuckDb({ duckdb: { schema, name } }: MovedName): string {
  return quoteTable({ schema, table: name });
}

/** Batches of up to 2,048 rows; after the row with the key `after`, if that is given. */
export async function* readDuckDbRows(
  session: Session,
  table: MovedTable,
  after: PlainRow | null = null,
): AsyncGenerator<PlainRow[]> {
  const from = `SELECT ${names(table.columns)} FROM ${quotedOnDuckDb(table)}`;
  const order = table.key.length === 0 ? '' : `ORDER BY ${names(table.key)}`;
  const parameters = table.key.map((_, index) => `$${index + 1}`).join(', ');
  const where = after === null ? '' : `WHERE (${names(table.key)}) > (${parameters})`;
  const values = after === null ? [] : table.key.map(({ codec }, index) => decodeNullable(codec, after[index] ?? null));
  const types = table.key.map(({ type }) => type);
  const result = await session.connection.stream(`${from} ${where} ${order}`, values, after === null ? [] : types);
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const columns = chunk.getColumns();
    const rows: PlainRow[] = [];
    for (let row = 0; row < chunk.rowCount; row++) {
      rows.push(table.columns.map(({ codec }, index) => encodeNullable(codec, columns[index]![row] ?? null)));
    }
    yield rows;
  }
}

function names(columns: MovedTable['columns']): string {
  return columns.map(({ name }) => quoteName(name)).join(', ');
}

export async function appendDuckDbRows(session: Session, table: MovedTable, rows: readonly PlainRow[]): Promise<void> {
  if (rows.length === 0) return;
  const appender = await session.connection.createAppender(table.duckdb.name, table.duckdb.schema);
  appendRows(appender, table.columns, rows.length, (row, column) => rows[row]![column]!);
}

/** The sum of all rows as they are now. */
export async function sumDuckDbTable(
  session: Session,
  table: MovedTable,
  onRows: (rows: number) => void = () => undefined,
): Promise<TableSum> {
  const sum = new RowSum(table);
  const unordered = { ...table, key: [] };
  for await (const rows of readDuckDbRows(session, unordered)) {
    for (const row of rows) sum.add(row);
    onRows(rows.length);
  }
  return sum.sum;
}

/** Lends a session on the DuckDB file at `path`, in memory without one. What does not fit goes to `spillFolder`. */
export async function withScratch<T>(
  { path = ':memory:', spillFolder }: { readonly path?: string; readonly spillFolder: string },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(path, {
    ...duckDbOptions(spillFolder),
    default_block_size: '16384',
    memory_limit: '512MB',
  });
  const session = new Session(await instance.connect());
  try {
    await session.execute("SET GLOBAL TimeZone = 'UTC'");
    return await work(session);
  } finally {
    session.close();
    instance.closeSync();
  }
}
