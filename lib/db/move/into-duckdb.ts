/**
 * The new state is made in a file of its own, and becomes the target's by one bulk record once its rows were compared.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import type { Runtime } from '../../runtime.ts';
import { appendRows } from '../../sync/apply.ts';
import { decodeNullable, encodeNullable } from '../../sync/codec.ts';
import { duckDbOptions } from '../../sync/duckdb-options.ts';
import type { Engine } from '../../sync/engine.ts';
import { quoteName, Session } from '../../sync/sql.ts';
import { tablesOfDuckDb } from './duckdb-inventory.ts';
import { makeMovedTable, type Moved, movedTable, requireSameSums, type TargetState } from './earlier.ts';
import { type MovedSums, type MoveStep, newest, type OnMoveEvent, sumAll } from './report.ts';
import { type MovedTable, type PlainRow, quotedOnDuckDb } from './tables.ts';

interface NewState {
  readonly path: string;
  readonly onto: number;
  readonly source: string;
  readonly sourceVersion: number;
  readonly moved: Moved;
}

/** Commits the file when it has the rows of the source. Answers the target's new version. */
export async function commitNewState(
  engine: Engine,
  { path, onto, source, sourceVersion, moved: { sums, definitions } }: NewState,
  runtime: Runtime,
  onEvent: OnMoveEvent,
): Promise<number> {
  const finish = async (session: Session): Promise<void> => {
    await session.execute('DROP TABLE IF EXISTS eider.mirror; DROP TABLE IF EXISTS eider.move_progress');
    requireSameSums(sums, await sumAllOnDuckDb(session, await tablesOfDuckDb(session), 'verify', onEvent));
    await session.execute(makeMovedTable);
    const finished = new Date(runtime.now()).toISOString();
    await session.run(`INSERT INTO ${movedTable} VALUES ($1, $2, $3, $4, $5)`, [
      source,
      BigInt(sourceVersion),
      finished,
      JSON.stringify(sums),
      definitions,
    ]);
    onEvent({ step: 'commit', table: null, rows: 0, totalRows: 0 });
  };
  return (await engine.replaceState({ path, onto, finish })).version;
}

export function sumAllOnDuckDb(
  session: Session,
  tables: readonly MovedTable[],
  step: MoveStep,
  onEvent: OnMoveEvent,
): Promise<MovedSums> {
  return sumAll(tables, (table) => readDuckDbRows(session, { ...table, key: [] }), step, onEvent);
}

export interface DuckDbState extends TargetState {
  readonly version: number;
}

export async function lookAtDuckDb(engine: Engine, onEvent: OnMoveEvent): Promise<DuckDbState> {
  const { value, version } = await engine.read(
    async (session) => ({
      sums: await sumAllOnDuckDb(session, await tablesOfDuckDb(session), 'compare', onEvent),
      moved: await readMoved(session),
    }),
    newest,
  );
  return { ...value, version };
}

async function readMoved(session: Session): Promise<Moved | null> {
  if (!(await hasTable(session, 'moved'))) return null;
  const [row] = await session.rows(`SELECT tables, to_json(m)->>'definitions' FROM ${movedTable} AS m`);
  return row ? { sums: JSON.parse(String(row[0])) as MovedSums, definitions: row[1] as string | null } : null;
}

export async function hasTable(session: Session, name: string): Promise<boolean> {
  const found = await session.rows(
    `SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'eider' AND table_name = $1`,
    [name],
  );
  return found.length > 0;
}

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
