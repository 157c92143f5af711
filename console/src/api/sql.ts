/** `/api/sql` with values as text, exactly as the engine writes them: a number of JSON would lose digits. */
import { send, type Send } from './client.ts';

export interface SqlField {
  readonly name: string;
  /** PostgreSQL's OID of the type: see `kindOfOid`. */
  readonly dataTypeID: number;
}

export type SqlValue = string | null;

export interface SqlResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly fields: readonly SqlField[];
  readonly rows: readonly (readonly SqlValue[])[];
}

export interface Statement {
  readonly query: string;
  /** Texts, or what is nested as JSON. */
  readonly params?: readonly unknown[];
}

export interface Answered<T> {
  readonly value: T;
  /** The version that it shows or made. */
  readonly version: number | null;
  /** 202: kept until the database is back. */
  readonly isPending: boolean;
  readonly durationMs: number;
}

/**
 * One statement. Give up by the signal: the server then stops it.
 *
 * @example const { value } = await runSql({ query: 'SELECT $1::int', params: ['1'] });
 * @throws ApiError
 */
export function runSql(statement: Statement, init: Send = {}): Promise<Answered<SqlResult>> {
  return post<SqlResult>(statement, init);
}

/** Several as one transaction. @throws ApiError */
export async function runTransaction(
  queries: readonly Statement[],
  init: Send = {},
): Promise<Answered<readonly SqlResult[]>> {
  const answer = await post<{ readonly results: readonly SqlResult[] }>({ queries }, init);
  return { ...answer, value: answer.value.results };
}

async function post<T>(body: object, init: Send): Promise<Answered<T>> {
  const headers = { 'neon-raw-text-output': 'true', 'neon-array-mode': 'true' };
  const began = performance.now();
  const response = await send('sql', { ...init, method: 'POST', headers, body: JSON.stringify(body) });
  const value = (await response.json()) as T;
  const bookmark = response.headers.get('db-bookmark');
  return {
    value,
    version: bookmark === null ? null : Number(bookmark),
    isPending: response.headers.get('db-durability') === 'pending',
    durationMs: performance.now() - began,
  };
}

/** @example quoteName('my table') // '"my table"' */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** How a value looks in a grid. */
export type ValueKind = 'text' | 'number' | 'time' | 'boolean' | 'json';

const kinds: readonly (readonly [ValueKind, readonly number[]])[] = [
  ['number', [20, 21, 23, 26, 700, 701, 1700]],
  ['time', [1082, 1083, 1114, 1184, 1186, 1266]],
  ['boolean', [16]],
  ['json', [114, 3802]],
];

export function kindOfOid(oid: number): ValueKind {
  return kinds.find(([, oids]) => oids.includes(oid))?.[0] ?? 'text';
}
