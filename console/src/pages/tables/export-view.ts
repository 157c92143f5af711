/**
 * What the grid shows as a file: its filters, order and columns, whole values. A large answer of SQL is refused, so it comes in pages, all
 * of one version.
 */
import type { Catalog, Relation } from '../../api/catalog.ts';
import { ApiError, send } from '../../api/client.ts';
import { runSql, type Statement } from '../../api/sql.ts';
import { countStatement, exportStatement } from './statements.ts';
import type { TableView } from './view-state.ts';

export const exportFormats = ['csv', 'jsonl', 'parquet'] as const;
export type ExportFormat = (typeof exportFormats)[number];

export function isNarrowed({ filters, sorts, hidden }: TableView): boolean {
  return filters.length + sorts.length + hidden.length > 0;
}

/** `/api/sql` answers no more rows at once. */
const mostRows = 10_000;
/** Somebody writes all the time: then it is said. */
const mostTries = 3;

/** @param onProgress from 0 to 1 @throws ApiError */
export async function exportView(
  { engine }: Catalog,
  relation: Relation,
  view: TableView,
  format: ExportFormat,
  onProgress: (part: number) => void,
): Promise<Blob> {
  for (let tries = 1; ; tries++) {
    const counted = await runSql(countStatement(relation, view));
    const rows = Number(counted.value.rows[0]?.[0] ?? 0);
    const page = (offset: number, limit: number): Statement =>
      exportStatement(engine, relation, view, { offset, limit });
    if (format === 'parquet') return parquetOf(page, rows);
    const pages = await allPages(page, rows, format, onProgress);
    // On PostgreSQL the number of a version moves with every transaction, of whatever table.
    const isOne = engine === 'postgres' || pages.versions.every((version) => version === counted.version);
    if (isOne) return new Blob([...pages.texts], { type: format === 'csv' ? 'text/csv' : 'application/jsonl' });
    if (tries === mostTries)
      throw refusal('The table changes while it is exported. Try again, or export the whole table.');
  }
}

async function parquetOf(page: (offset: number, limit: number) => Statement, rows: number): Promise<Blob> {
  if (rows > mostRows)
    throw refusal('Parquet of a part of a table has 10,000 rows at most. Take CSV or JSON lines, or the whole table.');
  const accept = 'application/vnd.apache.parquet';
  const response = await send('sql', { method: 'POST', headers: { accept }, body: JSON.stringify(page(0, mostRows)) });
  return response.blob();
}

interface Pages {
  readonly texts: readonly string[];
  readonly versions: readonly (number | null)[];
}

async function allPages(
  page: (offset: number, limit: number) => Statement,
  rows: number,
  format: 'csv' | 'jsonl',
  onProgress: (part: number) => void,
): Promise<Pages> {
  const read = format === 'csv' ? csvOf : linesOf;
  const header = format === 'csv' ? (await csvOf(page(0, 0))).text : '';
  const texts = [header];
  const versions: (number | null)[] = [];
  let limit = mostRows;
  for (let offset = 0; offset < rows;) {
    try {
      const { text, version } = await read(page(offset, limit));
      texts.push(text.slice(header.length));
      versions.push(version);
      offset += limit;
      onProgress(Math.min(1, offset / rows));
    } catch (error) {
      // Too many bytes for one answer.
      if (!(error instanceof ApiError) || error.status !== 507 || limit === 1) throw error;
      limit = Math.ceil(limit / 4);
    }
  }
  return { texts, versions };
}

interface PageText {
  readonly text: string;
  readonly version: number | null;
}

async function csvOf(statement: Statement): Promise<PageText> {
  const headers = { accept: 'text/csv' };
  const response = await send('sql', { method: 'POST', headers, body: JSON.stringify(statement) });
  return { text: await response.text(), version: versionOf(response) };
}

async function linesOf(statement: Statement): Promise<PageText> {
  const response = await send('sql', { method: 'POST', body: JSON.stringify(statement) });
  const { rows } = (await response.json()) as { rows: readonly object[] };
  return { text: rows.map((row) => `${JSON.stringify(row)}\n`).join(''), version: versionOf(response) };
}

function versionOf({ headers }: Response): number | null {
  const bookmark = headers.get('db-bookmark');
  return bookmark === null ? null : Number(bookmark);
}

function refusal(detail: string): ApiError {
  return new ApiError({ title: 'Not exported', status: 0, detail });
}
