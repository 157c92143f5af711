import type { DuckDBMaterializedResult } from '@duckdb/node-api';
import type { Row } from '../../values.ts';
import { rowsOf } from '../../sql/result.ts';
import { readResult } from './run.ts';

/** A result's rows as plain values by name. */
export function plainRows(result: DuckDBMaterializedResult): Row[] {
  return rowsOf(readResult(result));
}
