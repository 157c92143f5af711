import { writeArray } from '../../sql/postgres-array.ts';
import { quoteName } from '../../sync/sql.ts';
import type { PlainValue } from '../../values.ts';
import { isWatched } from '../postgres/watch.ts';
import { isSameSum } from './checksum.ts';
import { ofTable, type PostgresSession, type TextRow } from './postgres-session.ts';
import { type MovedSums, type MoveStep, type OnMoveEvent, sumAll } from './report.ts';
import { type MovedName, type MovedTable, type PlainRow, quotedOnPostgres, titleOf } from './tables.ts';
import type { TextForm } from './types.ts';

const fetchRows = 5000;

export async function countPostgresRows(postgres: PostgresSession, name: MovedName): Promise<number> {
  const [row] = await postgres.rows(`SELECT count(*)::text AS count FROM ${quotedOnPostgres(name)}`);
  return Number(row?.['count']);
}

export async function currentSchema(postgres: PostgresSession): Promise<string> {
  const [row] = await postgres.rows('SELECT current_schema()::text AS name');
  return String(row?.['name']);
}

/** Batches of rows, in the order of the primary key when they go on after the row with the key `after`, or are to. */
export async function* readPostgresRows(
  postgres: PostgresSession,
  table: MovedTable,
  order: { readonly after: PlainRow | null } | null = null,
): AsyncGenerator<PlainRow[]> {
  const select = table.columns.map(({ name }, index) => `${quoteName(name)}::text AS c${index}`).join(', ');
  const names = table.key.map(({ name }) => quoteName(name)).join(', ');
  const where = order?.after
    ? `WHERE (${names}) > (${table.key.map((column, index) => literal(column, order.after![index]!)).join(', ')})`
    : '';
  const by = order && table.key.length > 0 ? `ORDER BY ${names}` : '';
  await postgres.rows(
    `DECLARE eider_rows NO SCROLL CURSOR FOR SELECT ${select} FROM ${quotedOnPostgres(table)} ${where} ${by}`,
  );
  const fetch = (): Promise<TextRow[]> => postgres.rows(`FETCH ${fetchRows} FROM eider_rows`);
  let next = fetch();
  for (let rows = await next; rows.length > 0; rows = await next) {
    next = fetch();
    next.catch(() => undefined);
    yield rows.map((row) => plainRow(table, row));
  }
  await postgres.rows('CLOSE eider_rows');
}

function literal({ form, postgres }: MovedTable['columns'][number], value: PlainValue): string {
  return `'${form.write(value).replaceAll("'", "''")}'::${postgres}`;
}

function plainRow(table: MovedTable, row: TextRow): PlainRow {
  return table.columns.map(({ form }, index) => {
    const text = row[`c${index}`] ?? null;
    return text === null ? null : form.read(text);
  });
}

/** Appends rows to the table that is named `quoted`, which has these columns in their forms on PostgreSQL. */
export async function insertPostgresRows(
  postgres: PostgresSession,
  table: MovedTable,
  quoted: string,
  rows: readonly PlainRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const columns = table.columns.map(({ name }) => quoteName(name)).join(', ');
  const values = table.columns.map(({ postgres: type }, index) => `c${index}::${type}`).join(', ');
  const parameters = table.columns.map((_, index) => `$${index + 1}::text[]`).join(', ');
  const names = table.columns.map((_, index) => `c${index}`).join(', ');
  const arrays = table.columns.map(({ form }, index) =>
    writeArray(rows.map((row) => writeNullable(form, row[index] ?? null))),
  );
  try {
    await postgres.rows(
      `INSERT INTO ${quoted} (${columns}) SELECT ${values} FROM unnest(${parameters}) AS t (${names})`,
      arrays,
    );
  } catch (error) {
    throw ofTable(table.title, error);
  }
}

function writeNullable(form: TextForm, value: PlainValue): string | null {
  return value === null ? null : form.write(value);
}

export function sumAllOnPostgres(
  postgres: PostgresSession,
  tables: readonly MovedTable[],
  step: MoveStep,
  onEvent: OnMoveEvent,
): Promise<MovedSums> {
  return sumAll(tables, (table) => readPostgresRows(postgres, table), step, onEvent);
}

export interface PostgresState {
  readonly id: string;
  readonly version: number;
  readonly settled: number;
  readonly snapshot: string;
}

export async function stateOfPostgres(postgres: PostgresSession): Promise<PostgresState> {
  const [row] = await postgres.rows(
    `SELECT id::text AS id, pg_current_snapshot()::text AS snapshot,
      pg_snapshot_xmin(pg_current_snapshot())::text AS xmin, pg_snapshot_xmax(pg_current_snapshot())::text AS xmax
    FROM eider.state`,
  );
  return {
    id: String(row?.['id']),
    version: Number(row?.['xmax']) - 1,
    settled: Number(row?.['xmin']) - 1,
    snapshot: String(row?.['snapshot']),
  };
}

export async function keptTables(postgres: PostgresSession): Promise<ReadonlySet<string>> {
  const rows = await postgres.rows(
    `SELECT n.nspname::text AS schema, c.relname::text AS name, current_schema()::text AS current FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND ${isWatched}`,
  );
  return new Set(
    rows.map((row) => titleOf({ schema: String(row['schema']), name: String(row['name']) }, String(row['current']))),
  );
}

/** Whether changes are kept of transactions that the snapshot does not see. */
export async function hasNewChanges(postgres: PostgresSession, snapshot: string): Promise<boolean> {
  const [row] = await postgres.rows(
    `SELECT EXISTS (SELECT FROM eider.changes WHERE NOT pg_visible_in_snapshot(version, $1::pg_snapshot))::text AS written`,
    [snapshot],
  );
  return row?.['written'] === 'true';
}

/** Tables with Eider's triggers keep every change; the rows of others are summed again. */
export async function wasWrittenSince(
  postgres: PostgresSession,
  state: PostgresState,
  tables: readonly MovedTable[],
  sums: MovedSums,
): Promise<boolean> {
  if (await hasNewChanges(postgres, state.snapshot)) return true;
  const kept = await keptTables(postgres);
  const others = tables.filter(({ title }) => !kept.has(title));
  const now = await sumAllOnPostgres(postgres, others, 'read', () => undefined);
  return others.some(({ title }) => {
    const then = sums[title];
    return !then || !isSameSum(now[title]!, then);
  });
}
