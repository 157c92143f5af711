/** Rows of a statement as a file: CSV, Parquet, Arrow. */
import { join } from 'node:path';
import type { App } from '../../app.ts';
import type { StatementResult } from '../../sql/result.ts';
import { csvLine, csvType } from './csv.ts';
import { fileBody, makeTemporaryFolder, removeFolder } from './temporary.ts';

const parquetType = 'application/vnd.apache.parquet';
const arrowType = 'application/vnd.apache.arrow.stream';
export const tableTypes = [csvType, parquetType, arrowType] as const;

type Table = Pick<StatementResult, 'columns' | 'rows'>;

/** A statement that returns no columns is answered with 204: Parquet cannot have none. */
export async function encodeTable(
  app: App,
  type: (typeof tableTypes)[number],
  table: Table,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  if (table.columns.length === 0) return new Response(null, { status: 204, headers });
  const withType = (given: string): ResponseInit => ({ headers: { ...headers, 'content-type': given } });
  switch (type) {
    case csvType: {
      const lines = [table.columns.map(({ name }) => name), ...table.rows].map(csvLine);
      return new Response(lines.join(''), withType(`${csvType}; charset=utf-8`));
    }
    case parquetType:
      return new Response(await parquetBody(app, table), withType(parquetType));
    case arrowType: {
      const { arrowStream } = await import('./arrow.ts');
      return new Response(arrowStream(table), withType(arrowType));
    }
  }
}

async function parquetBody(app: App, { columns, rows }: Table): Promise<ReadableStream<Uint8Array>> {
  const { ParquetWriter } = await import('../../db/duckdb/files/parquet.ts');
  const folder = await makeTemporaryFolder(app);
  try {
    const writer = await ParquetWriter.open(folder, columns);
    writer.append(rows);
    const path = join(folder, 'rows.parquet');
    await writer.finish(path);
    return fileBody(path, folder);
  } catch (error) {
    await removeFolder(folder);
    throw error;
  }
}
