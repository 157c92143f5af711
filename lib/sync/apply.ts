/** Replaying records on a replica, in sets: of many records only the last image of each row is applied. */
import { DuckDBDataChunk, type DuckDBAppender, type DuckDBValue } from '@duckdb/node-api';
import { AppError } from '../errors.ts';
import type { PlainValue, Row } from '../values.ts';
import { decodeNullable } from './codec.ts';
import { changedRows, keyText, type RowChange } from './record.ts';
import type { Shape, ShapeColumn, Shapes } from './shapes.ts';
import { quoteName, quoteTable, type Session } from './sql.ts';
import { removeWholeRows } from './whole-rows.ts';

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

/** Rows that come to a table without a key, or go from it. These keep their order. */
interface Batch {
  readonly kind: 'add' | 'remove';
  readonly rows: Row[];
}

interface TableEffects {
  readonly shape: Shape;
  readonly byKey: Map<string, Effect>;
  readonly batches: Batch[];
}

/** Applies row changes, oldest first, within the open transaction. Answers how many row images there were. */
export async function applyRowChanges(session: Session, shapes: Shapes, changes: Iterable<RowChange>): Promise<number> {
  const tables = new Map<Shape, TableEffects>();
  let images = 0;
  for (const change of changes) {
    const shape = await shapes.shape({ schema: change.schema ?? 'main', table: change.table });
    let effects = tables.get(shape);
    if (!effects) tables.set(shape, (effects = { shape, byKey: new Map(), batches: [] }));
    images += mergeChange(effects, change);
  }
  for (const effects of tables.values()) await applyEffects(session, effects);
  return images;
}

function mergeChange({ shape, byKey, batches }: TableEffects, change: RowChange): number {
  const rows = changedRows(change);
  if ('add' in change || 'remove' in change) {
    const kind = 'add' in change ? 'add' : 'remove';
    if (batches.at(-1)?.kind === kind) batches.at(-1)!.rows.push(...rows);
    else batches.push({ kind, rows: [...rows] });
    return rows.length;
  }
  if (shape.key.length === 0)
    throw new AppError('corrupt', `A record names rows of ${shape.table} by a key that it does not have.`);
  const fresh = 'put' in change && change.fresh === true;
  for (const row of rows) {
    const key = shape.key.map((column) => field(shape, row, column));
    const text = keyText(key);
    const replaces = byKey.get(text)?.replaces ?? !fresh;
    byKey.set(text, { key, replaces, image: 'put' in change ? row : null });
  }
  return rows.length;
}

function field(shape: Shape, row: Row, column: ShapeColumn): PlainValue {
  const value = row[column.name];
  if (value === undefined) {
    throw new AppError('corrupt', `A record changes ${shape.table} without a value for ${column.name}.`);
  }
  return value;
}

/** Deletes first, then inserts, so that unique values may move between the rows of the set. */
async function applyEffects(session: Session, { shape, byKey, batches }: TableEffects): Promise<void> {
  const effects = [...byKey.values()];
  const removed = effects.filter((effect) => effect.replaces).map((effect) => effect.key);
  if (removed.length > pointDeletes) await deleteBySet(session, shape, removed);
  else for (const key of removed) await deleteByKey(session, shape, key);
  await appendImages(
    session,
    shape,
    effects.flatMap((effect) => (effect.image ? [effect.image] : [])),
  );
  for (const { kind, rows } of batches) {
    if (kind === 'add') await appendImages(session, shape, rows);
    else await removeRows(session, shape, rows);
  }
}

async function appendImages(session: Session, shape: Shape, images: readonly Row[]): Promise<void> {
  if (images.length === 0) return;
  const appender = await session.connection.createAppender(shape.table, shape.schema);
  appendRows(appender, shape.columns, images.length, (row, column) =>
    field(shape, images[row]!, shape.columns[column]!),
  );
}

async function deleteByKey(session: Session, shape: Shape, key: readonly PlainValue[]): Promise<void> {
  const where = shape.key.map((column, index) => `${quoteName(column.name)} = $${index + 1}`).join(' AND ');
  const values = shape.key.map((column, index) => decodeNullable(column.codec, key[index] ?? null));
  await session.run(
    `DELETE FROM ${quoteTable(shape)} WHERE ${where}`,
    values,
    shape.key.map((column) => column.type),
  );
}

async function deleteBySet(session: Session, shape: Shape, keys: readonly (readonly PlainValue[])[]): Promise<void> {
  const match = shape.key.map((column) => `t.${quoteName(column.name)} = k.${quoteName(column.name)}`).join(' AND ');
  await withRowsBeside(session, { shape, columns: shape.key, rows: keys }, (beside) =>
    session.execute(`DELETE FROM ${quoteTable(shape)} AS t USING ${beside} AS k WHERE ${match}`),
  );
}

async function removeRows(session: Session, shape: Shape, rows: readonly Row[]): Promise<void> {
  const values = rows.map((row) => shape.columns.map((column) => field(shape, row, column)));
  await withRowsBeside(session, { shape, columns: shape.columns, rows: values }, (beside) =>
    removeWholeRows(session, shape, beside),
  );
}

interface RowsBeside {
  readonly shape: Shape;
  readonly columns: readonly ShapeColumn[];
  readonly rows: readonly (readonly PlainValue[])[];
}

/** Runs `work` while these columns of rows are in a temporary table, whose name it gets. */
async function withRowsBeside(
  session: Session,
  { shape, columns, rows }: RowsBeside,
  work: (table: string) => Promise<void>,
): Promise<void> {
  const names = columns.map(({ name }) => quoteName(name)).join(', ');
  await session.execute(`CREATE OR REPLACE TEMP TABLE eider_keys AS SELECT ${names} FROM ${quoteTable(shape)} LIMIT 0`);
  const appender = await session.connection.createAppender('eider_keys', 'main', 'temp');
  appendRows(appender, columns, rows.length, (row, column) => rows[row]![column]!);
  await work('temp.main.eider_keys');
  await session.execute('DROP TABLE temp.main.eider_keys');
}

/** Appends rows column by column in chunks: types are exact, and it is the fastest way in. */
export function appendRows(
  appender: DuckDBAppender,
  columns: readonly Pick<ShapeColumn, 'type' | 'codec'>[],
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
