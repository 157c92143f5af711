/**
 * Which DuckDB type a column has in a Parquet or Arrow file, by the name that an answer gives it.
 *
 * Owns: the list of types that are kept as they are. All others (structs, maps, enums, …) become text, nested values as
 * JSON: the names of their fields come from whoever wrote the query, and go into no statement. So do intervals,
 * of which Parquet holds no microseconds.
 */
import type { PlainValue } from '../../../values.ts';

const keptTypes =
  /^(?:BOOLEAN|U?TINYINT|U?SMALLINT|U?INTEGER|U?BIGINT|FLOAT|DOUBLE|DECIMAL\(\d{1,2},\d{1,2}\)|VARCHAR|UUID|BLOB|DATE|TIME|TIMESTAMP(?:_S|_MS|_NS| WITH TIME ZONE)?)(?:\[\])*$/;

export interface FileColumn {
  readonly name: string;
  /** A type that may be written into a statement. */
  readonly type: string;
}

export function fileColumn({ name, type }: { readonly name: string; readonly type: string }): FileColumn {
  if (type === 'HUGEINT') return { name, type: 'DECIMAL(38,0)' };
  return { name, type: keptTypes.test(type) ? type : 'VARCHAR' };
}

/** The value as a column of `type` takes it. */
export function fileValue(type: string, value: PlainValue): PlainValue {
  if (type !== 'VARCHAR' || value === null || typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
