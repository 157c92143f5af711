/** One row: read with its tag, changed on the condition that it still has that tag. */
import type { Relation } from './catalog.ts';
import { send } from './client.ts';
import type { SqlValue } from './sql.ts';

/** Values by column; each is JSON as text, so that no number loses a digit on its way. */
export type RowInput = Readonly<Record<string, string>>;

export interface Saved {
  readonly status: number;
  readonly isPending: boolean;
}

/** How addresses name a row. @example rowPath(orders, ['7']) // 'orders/7' */
export function rowPath({ path }: Pick<Relation, 'path'>, key: readonly SqlValue[]): string {
  return `${encodeURIComponent(path)}/${key.map((part) => encodeURIComponent(part ?? '')).join(',')}`;
}

/** @throws ApiError 404 */
export async function fetchTag(relation: Relation, key: readonly SqlValue[]): Promise<string> {
  const response = await send(rowPath(relation, key));
  return response.headers.get('etag') ?? '*';
}

/** @throws ApiError 412 when the row has changed since */
export async function updateRow(
  relation: Relation,
  key: readonly SqlValue[],
  input: RowInput,
  tag: string,
): Promise<Saved> {
  return saved(
    await send(rowPath(relation, key), { method: 'PATCH', headers: { 'if-match': tag }, body: bodyOf(input) }),
  );
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

function bodyOf(input: RowInput): string {
  return `{${Object.entries(input)
    .map(([name, json]) => `${JSON.stringify(name)}:${json}`)
    .join(',')}}`;
}
