/** The rows of a running query as plain values, up to its limits. */
import type { DuckDBResult, DuckDBType } from '@duckdb/node-api';
import { AppError } from '../../../errors.ts';
import type { PlainValue } from '../../../values.ts';
import { encodeNullable } from '../../../sync/codec.ts';
import type { QueryRequest, QueryResult } from '../../database.ts';
import { codecOf, typeName } from '../run.ts';

export async function readRows(
  result: DuckDBResult,
  { maxRows, maxBytes }: Pick<QueryRequest, 'maxRows' | 'maxBytes'>,
): Promise<QueryResult> {
  const types = typesOf(result);
  const codecs = types.map(codecOf);
  const columns = result.columnNames().map((name, index) => ({ name, type: typeName(types[index]!) }));
  const rows: PlainValue[][] = [];
  // A type may be longer than all that is of it.
  let bytes = Buffer.byteLength(JSON.stringify(columns));
  if (bytes > maxBytes) return { columns: [], rows, truncated: 'bytes' };
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return { columns, rows, truncated: null };
    for (let at = 0; at < chunk.rowCount; at++) {
      if (rows.length === maxRows) return { columns, rows, truncated: 'rows' };
      const row = codecs.map((codec, column) => encodeNullable(codec, chunk.getColumnVector(column).getItem(at)));
      bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
      if (bytes > maxBytes) return { columns, rows, truncated: 'bytes' };
      rows.push(row);
    }
  }
}

function typesOf(result: DuckDBResult): readonly DuckDBType[] {
  try {
    return result.columnTypes();
  } catch (cause) {
    // Such as the state of an aggregate.
    throw new AppError('invalid', 'A column of the answer has a type that DuckDB gives to no client.', {
      cause,
      sqlState: '42804',
      hint: 'Cast it, or leave it out.',
    });
  }
}
