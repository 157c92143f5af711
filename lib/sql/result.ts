/** What a statement answers, whichever engine ran it. */
import type { PlainValue, Row } from '../values.ts';

export interface QueryColumn {
  /** As the query calls it; two may have one name. */
  readonly name: string;
  /** In DuckDB's words on either engine: `BIGINT`, `DECIMAL(18,3)`, `TIMESTAMP WITH TIME ZONE`, `INTEGER[]`. */
  readonly type: string;
}

export interface StatementResult {
  /** `SELECT`, `INSERT`, `UPDATE`, `DELETE`, `MERGE`, `CREATE`, … */
  readonly command: string;
  /** Empty where it returns no rows. */
  readonly columns: readonly QueryColumn[];
  /** Values in the order of the columns. */
  readonly rows: readonly (readonly PlainValue[])[];
  /** Rows returned or changed; null for DDL. */
  readonly rowCount: number | null;
}

/** The rows by the names of their columns; of two columns with one name the last one counts. */
export function rowsOf({ columns, rows }: Pick<StatementResult, 'columns' | 'rows'>): Row[] {
  return rows.map((values) => Object.fromEntries(columns.map(({ name }, index) => [name, values[index] ?? null])));
}
