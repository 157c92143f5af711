/** One row: read with its tag, changed on the condition that it still has that tag. */
import { isKeyless, type Relation } from './catalog.ts';
import { send } from './client.ts';
import type { SqlValue } from './sql.ts';
import { valueText } from './value-text.ts';

/** Values by column; each is JSON as text, so that no number loses a digit on its way. */
export type RowInput = Readonly<Record<string, string>>;

export interface Saved {
  readonly status: number;
  readonly isPending: boolean;
}

/** How addresses name a row. @example rowPath(orders, ['7']) // 'orders/7' */
function rowPath(relation: Relation, key: readonly SqlValue[]): string {
  return `${encodeURIComponent(relation.path)}/${keySegment(relation, key)}`;
}

/** The key as addresses have it, of its values as texts. */
export function keySegment({ key: names, columns }: Relation, key: readonly SqlValue[]): string {
  const parts = names.map((name, index) => {
    const type = columns.find((column) => column.name === name)?.type;
    const text = key[index] ?? '';
    return encodeURIComponent(type ? valueText(type, text) : text);
  });
  return parts.join(',');
}

/** Addresses have no empty part, and drop `.` and `..`. */
export function hasAddress(relation: Relation, key: readonly SqlValue[]): boolean {
  return isKeyless(relation) || !['', '.', '..'].includes(keySegment(relation, key));
}

/** @throws ApiError 404 */
export async function fetchTag(relation: Relation, key: readonly SqlValue[]): Promise<string> {
  const response = await send(rowPath(relation, key));
  return response.headers.get('etag') ?? '*';
}

type ChangeOfRow = (relation: Relation, key: readonly SqlValue[], input: RowInput, tag: string) => Promise<Saved>;

const changeBy =
  (method: 'PATCH' | 'PUT'): ChangeOfRow =>
  async (relation, key, input, tag) =>
    saved(await send(rowPath(relation, key), { method, headers: { 'if-match': tag }, body: bodyOf(input) }));

/** The columns that are given. @throws ApiError 412 when the row has changed since */
export const updateRow = changeBy('PATCH');

/** All columns; those that are not given get their defaults. @throws ApiError 412 when the row has changed since */
export const replaceRow = changeBy('PUT');

/** Its JSON. @throws ApiError 404 */
export async function readRow(relation: Relation, key: readonly SqlValue[]): Promise<string> {
  return (await send(rowPath(relation, key))).text();
}

export async function createRow(relation: Relation, input: RowInput): Promise<Saved> {
  return saved(await send(encodeURIComponent(relation.path), { method: 'POST', body: bodyOf(input) }));
}

export async function removeRow(relation: Relation, key: readonly SqlValue[], tag: string): Promise<Saved> {
  return saved(await send(rowPath(relation, key), { method: 'DELETE', headers: { 'if-match': tag } }));
}

function saved({ status, headers }: Response): Saved {
  return { status, isPending: headers.get('db-durability') === 'pending' };
}

/** The JSON of a row. */
export function bodyOf(input: RowInput): string {
  return `{${Object.entries(input)
    .map(([name, json]) => `${JSON.stringify(name)}:${json}`)
    .join(',')}}`;
}
