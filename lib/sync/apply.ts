/**
 * Replaying records on a replica, in sets: of many records only the last image of each row is applied.
 *
 * Owns: the order in which images become rows. Runs inside a transaction that the caller opened. The worst that can
 * happen: a row applied to another state than the one it was captured on, so the caller proves the chain first.
 */
import { DuckDBDataChunk, type DuckDBAppender, type DuckDBValue } from '@duckdb/node-api';
import { AppError } from '../errors.ts';
import type { PlainValue, Row } from '../values.ts';
import type { Catalog, Column, TableShape } from './catalog.ts';
import { decodeNullable } from './codec.ts';
import { keyText, type RowChange } from './record.ts';
import { quoteName, quoteTable, type Session } from './sql.ts';

/** DuckDB's vector size: the most rows that one chunk holds. */
const chunkRows = 2048;
/** Up to so many deletes are looked up one by one through the index; more are joined in one pass over the table. */
const pointDeletes = 64;

/** What is left to do to one row after all records of the set: remove an older image, and put this one. */
interface Effect {
  readonly key: readonly PlainValue[];
  readonly replaces: boolean;
  readonly image: Row | null;
}

interface TableEffects {
  readonly shape: TableShape;
  readonly byKey: Map<string, Effect>;
}

/** Applies row changes, oldest first, within the open transaction. Answers how many row images there were. */
export async function applyRowChanges(
  session: Session,
  catalog: Catalog,
  changes: Iterable<RowChange>,
): Promise<number> {
  const tables = new Map<string, TableEffects>();
  let images = 0;
  for (const change of changes) {
    const name = { schema: change.schema ?? 'main', table: change.table };
    const id = quoteTable(name);
    let effects = tables.get(id);
    if (!effects) tables.set(id, (effects = { shape: await catalog.shape(name), byKey: new Map() }));
    images += mergeChange(effects, change);
  }
  for (const { shape, byKey } of tables.values()) await applyEffects(session, shape, [...byKey.values()]);
  return images;
}

function mergeChange({ shape, byKey }: TableEffects, change: RowChange): number {
  const rows = 'put' in change ? change.put : change.delete;
  const fresh = 'put' in change && change.fresh === true;
  for (const row of rows) {
    const key = shape.key.map((column) => field(shape, row, column));
    const text = keyText(key);
    const replaces = byKey.get(text)?.replaces ?? !fresh;
    byKey.set(text, { key, replaces, image: 'put' in change ? row : null });
  }
  return rows.length;
}

function field(shape: TableShape, row: Row, column: Column): PlainValue {
  const value = row[column.name];
  if (value === undefined) {
    throw new AppError('corrupt', `A record changes ${shape.table} without a value for ${column.name}.`);
  }
  return value;
}

/** Deletes first, then inserts, so that unique values may move between the rows of the set. */
async function applyEffects(session: Session, shape: TableShape, effects: readonly Effect[]): Promise<void> {
  const removed = effects.filter((effect) => effect.replaces).map((effect) => effect.key);
  if (removed.length > pointDeletes) await deleteBySet(session, shape, removed);
  else for (const key of removed) await deleteByKey(session, shape, key);
  const images = effects.flatMap((effect) => (effect.image ? [effect.image] : []));
  if (images.length > 0) {
    const appender = await session.connection.createAppender(shape.table, shape.schema);
    appendRows(appender, shape.columns, images.length, (row, column) =>
      field(shape, images[row]!, shape.columns[column]!),
    );
  }
}

async function deleteByKey(session: Session, shape: TableShape, key: readonly PlainValue[]): Promise<void> {
  const where = shape.key.map((column, index) => `${quoteName(column.name)} = $${index + 1}`).join(' AND ');
  const values = shape.key.map((column, index) => decodeNullable(column.codec, key[index] ?? null));
  await session.run(
    `DELETE FROM ${quoteTable(shape)} WHERE ${where}`,
    values,
    shape.key.map((column) => column.type),
  );
}

async function deleteBySet(
  session: Session,
  shape: TableShape,
  keys: readonly (readonly PlainValue[])[],
): Promise<void> {
  const columns = shape.key.map((column) => quoteName(column.name)).join(', ');
  await session.execute(
    `CREATE OR REPLACE TEMP TABLE eider_keys AS SELECT ${columns} FROM ${quoteTable(shape)} LIMIT 0`,
  );
  appendRows(
    await session.connection.createAppender('eider_keys', 'main', 'temp'),
    shape.key,
    keys.length,
    (row, column) => keys[row]![column]!,
  );
  const match = shape.key.map((column) => `t.${quoteName(column.name)} = k.${quoteName(column.name)}`).join(' AND ');
  await session.execute(`DELETE FROM ${quoteTable(shape)} AS t USING temp.main.eider_keys AS k WHERE ${match}`);
  await session.execute('DROP TABLE temp.main.eider_keys');
}

/** Appends rows column by column in chunks: types are exact, and it is the fastest way in. */
export function appendRows(
  appender: DuckDBAppender,
  columns: readonly Pick<Column, 'type' | 'codec'>[],
  rowCount: number,
  value: (row: number, column: number) => PlainValue,
): void {
  const types = columns.map((column) => column.type);
  for (let start = 0; start < rowCount; start += chunkRows) {
    const size = Math.min(chunkRows, rowCount - start);
    const chunk = DuckDBDataChunk.create(types, size);
    for (const [index, column] of columns.entries()) {
      const values: DuckDBValue[] = [];
      for (let row = 0; row < size; row++) values.push(decodeNullable(column.codec, value(start + row, index)));
      chunk.setColumnValues(index, values);
    }
    appender.appendDataChunk(chunk);
  }
  appender.flushSync();
  appender.closeSync();
}
