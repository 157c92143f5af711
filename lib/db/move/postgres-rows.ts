/**
 * Rows out of PostgreSQL and into it, in bounded memory.
 */
import type { PlainValue } from '../../values.ts';
import { writeArray } from '../../sql/postgres-array.ts';
import { quoteName, quoteTable } from '../../sync/sql.ts';
import { RowSum, type TableSum } from './checksum.ts';
import { ofTable, type PostgresSession, type TextRow } from './postgres-session.ts';
import { type MovedSums, type MoveStep, type OnMoveEvent, progress } from './report.ts';
import type { MovedName, MovedTable, PlainRow } from './tables.ts';
import type { TextForm } from './texts.ts';

const fetchRows = 5000;

/** As SQL names it there. */
export function quotedOnPostgres({ postgres: { schema, name } }: MovedName): string {
  return quoteTable({ schema, table: name });
}

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
    // The server works on the next ones meanwhile.
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

/** The sum of all rows as this transaction sees them. */
export async function sumPostgresTable(
  postgres: PostgresSession,
  table: MovedTable,
  onRows: (rows: number) => void = () => undefined,
): Promise<TableSum> {
  const sum = new RowSum(table);
  for await (const rows of readPostgresRows(postgres, table)) {
    for (const row of rows) sum.add(row);
    onRows(rows.length);
  }
  return sum.sum;
}

/** The sums of all these tables. */
export async function sumAllOnPostgres(
  postgres: PostgresSession,
  tables: readonly MovedTable[],
  step: MoveStep,
  onEvent: OnMoveEvent,
): Promise<MovedSums> {
  const sums: Record<string, TableSum> = {};
  for (const table of tables)
    sums[table.title] = await sumPostgresTable(postgres, table, progress(table, step, onEvent));
  return sums;
}
