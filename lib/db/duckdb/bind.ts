/**
 * Values of a query as DuckDB parameters. Strings take the exact type that the parameter has, when they are written as
 * rows write them; DuckDB casts the rest.
 */
import { DuckDBTypeId, type DuckDBPreparedStatement, type DuckDBValue } from '@duckdb/node-api';
import { AppError } from '../../errors.ts';
import { wrongCount } from '../../sql/adapt.ts';
import { readArray } from '../../sql/postgres-array.ts';
import type { PlainValue } from '../../values.ts';
import { codecFor } from '../../sync/codec.ts';

const int32 = 2 ** 31;
const int64 = 2n ** 63n;

/** @throws AppError `invalid` unless there is one value for each parameter */
export function bindValues(statement: DuckDBPreparedStatement, values: readonly unknown[]): void {
  if (values.length !== statement.parameterCount) throw wrongCount(statement.parameterCount, values.length);
  for (const [index, value] of values.entries()) bindOne(statement, index + 1, value);
}

function bindOne(statement: DuckDBPreparedStatement, index: number, value: unknown): void {
  switch (typeof value) {
    case 'string':
      return bindString(statement, index, value);
    case 'number':
      return Number.isInteger(value) && Math.abs(value) < int32 && !Object.is(value, -0)
        ? statement.bindInteger(index, value)
        : statement.bindDouble(index, value);
    case 'bigint':
      return value >= -int64 && value < int64
        ? statement.bindBigInt(index, value)
        : statement.bindHugeInt(index, value);
    case 'boolean':
      return statement.bindBoolean(index, value);
    case 'undefined':
      return statement.bindNull(index);
    case 'object':
      return bindObject(statement, index, value);
    default:
      throw new AppError('invalid', `A ${typeof value} cannot be a parameter of a query.`);
  }
}

/** Types whose text form, as rows carry it, is turned into the value here: without a cast, and exactly. */
const exactTypes: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.UUID,
  DuckDBTypeId.BLOB,
  DuckDBTypeId.DATE,
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_TZ,
]);
const uuidText = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function bindString(statement: DuckDBPreparedStatement, index: number, value: string): void {
  const typeId = statement.parameterTypeId(index);
  // PostgreSQL's forms of lists and bytes begin as DuckDB's never do.
  if (typeId === DuckDBTypeId.LIST && /^\{.*\}$/s.test(value)) return statement.bindVarchar(index, listText(value));
  if (typeId === DuckDBTypeId.BLOB && /^\\x(?:[\da-f]{2})*$/i.test(value)) {
    return statement.bindBlob(index, Buffer.from(value.slice(2), 'hex'));
  }
  if (!exactTypes.has(typeId) || (typeId === DuckDBTypeId.UUID && !uuidText.test(value))) {
    statement.bindVarchar(index, value);
    return;
  }
  const exact = decodeExactly(statement, index, value);
  if (exact === undefined) statement.bindVarchar(index, value);
  else statement.bindValue(index, exact, statement.parameterType(index));
}

/** Undefined when the text has another form than rows use; then DuckDB's cast decides. */
function decodeExactly(statement: DuckDBPreparedStatement, index: number, value: string): DuckDBValue | undefined {
  try {
    return codecFor(statement.parameterType(index)).decode(value);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Of a list as PostgreSQL writes it, `{1,2}`, the text that DuckDB casts to the same: `["1", "2"]`. */
function listText(text: string): string {
  const shown = (value: PlainValue): string => {
    if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
    return typeof value === 'string' ? `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"` : 'NULL';
  };
  return shown(readArray(text, (item) => item));
}

function bindObject(statement: DuckDBPreparedStatement, index: number, value: object | null): void {
  if (value === null) return statement.bindNull(index);
  if (value instanceof Date) return statement.bindVarchar(index, value.toISOString());
  if (value instanceof Uint8Array) return statement.bindBlob(index, value);
  const typeId = statement.parameterTypeId(index);
  if (typeId === DuckDBTypeId.INVALID || typeId === DuckDBTypeId.ANY || typeId === DuckDBTypeId.VARCHAR) {
    return statement.bindVarchar(index, JSON.stringify(value));
  }
  const type = statement.parameterType(index);
  try {
    statement.bindValue(index, codecFor(type).decode(value as PlainValue), type);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('invalid', `Parameter $${index} is no ${type.toString()}.`, { cause, sqlState: '22P02' });
  }
}
