/**
 * A table for a file: its columns are what DuckDB finds in it, and text where a value is of another form than rows have.
 */
import { type Catalog, type Column, findRelation, type Relation } from '../catalog/catalog.ts';
import { parseDuckDbType } from '../catalog/duckdb-types.ts';
import type { ValueType } from '../catalog/types.ts';
import type { InferredColumn } from '../db/duckdb/files/infer.ts';
import { AppError, type FieldError } from '../errors.ts';
import { join, name, raw, sql, statementOf } from '../sql/compose.ts';

/** A table that is not there yet. */
export interface NewTable {
  readonly relation: Relation;
  readonly table: string;
  /** The statement that makes it. */
  readonly sql: string;
}

/** @throws AppError `conflict` when there is a table of this name; `invalid` for a key that the file does not have */
export function newTable(
  catalog: Catalog,
  table: string,
  columns: readonly InferredColumn[],
  key: readonly string[],
): NewTable {
  if (findRelation(catalog, table))
    throw new AppError('conflict', `The table "${table}" already exists.`, {
      hint: 'Import into it without "create".',
    });
  const missing = key.find((column) => !columns.some((each) => each.name === column));
  if (missing !== undefined || columns.length === 0)
    throw new AppError('invalid', `The file has no column "${missing ?? ''}".`, {
      fields: [{ path: 'on_conflict', message: 'names no column of the file' }],
    });
  const relation: Relation = {
    ...nameIn(catalog, table),
    kind: 'table',
    comment: null,
    columns: columns.map((column) => columnOf(column, key)),
    key,
    unique: [],
    checks: [],
    references: [],
    readOnly: null,
    estimatedRows: null,
  };
  return { relation, table, sql: createSql(relation) };
}

/** What stands before the first dot of a table's name. */
export function schemaIn(table: string): string | null {
  const dot = table.indexOf('.');
  return dot < 0 ? null : table.slice(0, dot);
}

function nameIn({ defaultSchema }: Catalog, table: string): Pick<Relation, 'schema' | 'name'> {
  const schema = schemaIn(table);
  return { schema: schema ?? defaultSchema, name: schema === null ? table : table.slice(schema.length + 1) };
}

function columnOf({ name: column, type, sqlType }: InferredColumn, key: readonly string[]): Column {
  const known: Readonly<Record<string, ValueType>> = {
    json: { kind: 'json' },
    text: { kind: 'text', maxLength: null },
  };
  return {
    name: column,
    type: known[sqlType] ?? parseDuckDbType(type),
    sqlType,
    nullable: !key.includes(column),
    default: null,
    generated: false,
    comment: null,
  };
}

function createSql({ schema, name: table, columns, key }: Relation): string {
  const parts = columns.map((column) => sql`${name(column.name)} ${raw(column.sqlType)}`);
  if (key.length > 0) parts.push(sql`PRIMARY KEY (${join(key.map((column) => name(column)))})`);
  return statementOf(sql`CREATE TABLE ${name(schema, table)} (${join(parts)})`).text;
}

/** The columns, wider where their values do not fit: values that hold others become JSON, then text. Null when that is no help. */
export function widened(
  columns: readonly InferredColumn[],
  faults: readonly FieldError[],
): readonly InferredColumn[] | null {
  const wrong = new Set(faults.map(({ path }) => path.split('/')[1]));
  const isHelped = ({ name: column, type }: InferredColumn): boolean => wrong.has(column) && type !== 'VARCHAR';
  if (!columns.some(isHelped)) return null;
  return columns.map((column) => (isHelped(column) ? wider(column) : column));
}

function wider({ name: column, type, sqlType }: InferredColumn): InferredColumn {
  const isPostgres = /^[a-z]/.test(sqlType);
  if (['list', 'struct', 'map', 'union'].includes(parseDuckDbType(type).kind))
    return { name: column, type: 'JSON', sqlType: isPostgres ? 'json' : 'JSON' };
  return { name: column, type: 'VARCHAR', sqlType: isPostgres ? 'text' : 'VARCHAR' };
}

/** Of columns that are text only since values are of several forms. */
export function textColumns(columns: readonly InferredColumn[]): readonly string[] {
  return columns.filter(({ type }) => type === 'VARCHAR').map(({ name: column }) => column);
}
