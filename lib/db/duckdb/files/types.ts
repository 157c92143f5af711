/** Which DuckDB type a column has in a Parquet file. */
import type { PlainValue } from '../../../values.ts';

/**
 * All others (structs, maps, enums, …) become text, nested values as JSON: the names of their fields come from whoever wrote
 * the query, and go into no statement. So do intervals, of which Parquet holds neither microseconds nor negative ones, and
 * TIMESTAMP_S, whose infinity DuckDB does not write.
 */
const keptTypes =
  /^(?:BOOLEAN|U?TINYINT|U?SMALLINT|U?INTEGER|U?BIGINT|HUGEINT|FLOAT|DOUBLE|DECIMAL\(\d{1,2},\d{1,2}\)|VARCHAR|UUID|BLOB|DATE|TIME|TIMESTAMP(?:_MS|_NS| WITH TIME ZONE)?)(?:\[\])*$/;

export interface FileColumn {
  readonly name: string;
  /** A type that may be written into a statement. */
  readonly type: string;
}

export function fileColumn({ name, type }: { readonly name: string; readonly type: string }): FileColumn {
  return { name, type: keptTypes.test(type) ? type : 'VARCHAR' };
}

/** The value as a column of `type` takes it. */
export function fileValue(type: string, value: PlainValue): PlainValue {
  if (type !== 'VARCHAR' || value === null || typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
