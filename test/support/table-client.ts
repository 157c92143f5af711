/** The tables of a service as a client of the plain API sees them. */
import type { PlainValue, Row } from '../../lib/values.ts';
import type { Service } from './service.ts';

interface KeyedTable {
  /** As paths call it. */
  readonly name: string;
  /** The primary key's columns; none where there is none. */
  readonly key: readonly string[];
}

/** What it answers, as JSON. @throws when it has another status */
export async function answered<T>(response: Promise<Response>, status = 200): Promise<T> {
  const { status: found, ...answer } = await response.then(async (each) => ({
    status: each.status,
    text: await each.text(),
  }));
  if (found !== status) throw new Error(`${found}: ${answer.text}`);
  return (answer.text === '' ? null : JSON.parse(answer.text)) as T;
}

export interface Page {
  readonly data: Row[];
  readonly next: string | null;
}

export const pathOf = (table: string): string => `/api/${encodeURIComponent(table)}`;

/** Page by page. */
export async function allRows(service: Service, table: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page = await answered(service.send('GET', `${pathOf(table)}?limit=500${cursor}`));
    rows.push(...page.data);
    cursor = page.next === null ? null : `&cursor=${encodeURIComponent(page.next)}`;
  }
  return rows;
}

/** A value as it stands in paths and filters. */
export const asText = (value: PlainValue | undefined): string =>
  typeof value === 'object' ? JSON.stringify(value) : String(value);
export const rowPath = ({ name, key }: KeyedTable, row: Row): string =>
  `${pathOf(name)}/${key.map((column) => encodeURIComponent(asText(row[column]))).join(',')}`;
/** An empty text is no segment of a path. */
export const hasAddress = (table: KeyedTable, row: Row): boolean =>
  table.key.length > 0 && !rowPath(table, row).endsWith('/');
/** A column's name in quotes, as it need not be a parameter's. */
export const asParameter = (column: string): string => `"${column.replaceAll(/["\\]/g, '\\$&')}"`;
export const sorted = (rows: readonly Row[]): string[] => rows.map((row) => JSON.stringify(row)).toSorted();
