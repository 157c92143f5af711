/**
 * Exports: `GET /api/export?table=…` a table as Parquet, CSV or JSON lines, `GET /api/export?format=duckdb` everything as
 * one DuckDB file. Each shows one version, which the answer names.
 */
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import type { App } from '../app.ts';
import type { Relation } from '../catalog/catalog.ts';
import type { Condition } from '../rows/conditions.ts';
import { readPages } from '../rows/list.ts';
import { ParameterFault } from '../rows/filter.ts';
import { type Parameter, ParameterReader, readFilters } from '../rows/parameters.ts';
import { columnTypes } from '../rows/statements.ts';
import type { QueryColumn } from '../sql/result.ts';
import type { PlainValue, Row } from '../values.ts';
import type { Address } from './address.ts';
import { csvLine, csvType, escapeFormula } from './formats/csv.ts';
import { fileBody, makeTemporaryFolder, removeFolder } from './formats/temporary.ts';
import type { Handler, RequestContext } from './handle.ts';
import { inQuery, RequestError } from './problem.ts';
import { readRelation } from './relations.ts';
import type { Permission } from './terms.ts';

const types = {
  parquet: 'application/vnd.apache.parquet',
  csv: csvType,
  jsonl: 'application/jsonl',
  duckdb: 'application/vnd.duckdb',
} as const;
type ExportFormat = keyof typeof types;

export const exportTypes = Object.values(types);

/** A table needs the right to read its rows, the whole database that of an administrator. */
export function exportPermission({ parameters }: Address): Permission {
  return parameters.some(([name]) => name === 'table') ? 'export-table' : 'export-database';
}

export function exportHandler(app: App): Handler {
  return async (context) => {
    const { table: name, format, rest, isEscaped } = inQuery(() => parseExportQuery(context.address.parameters));
    const chosen = formatOf(format ?? formatAccepted(context.request), name !== null);
    const folder = await makeTemporaryFolder(app);
    try {
      const path = join(folder, 'export');
      if (name === null) await writeDatabase(context, path);
      else await writeTable(context, name, rest, { format: chosen, folder, path, isEscaped });
      return await fileAnswer(path, folder, chosen, name ?? 'database');
    } catch (error) {
      await removeFolder(folder);
      throw error;
    }
  };
}

interface ExportQuery {
  /** Null: the whole database. */
  readonly table: string | null;
  readonly format: string | null;
  /** Texts of CSV that a spreadsheet would take for formulas begin with an apostrophe. */
  readonly isEscaped: boolean;
  /** The other parameters, as filters of a relation. @throws AppError `invalid` */
  readonly rest: (relation: Relation) => Condition;
}

/** @throws AppError `invalid` */
function parseExportQuery(parameters: readonly Parameter[]): ExportQuery {
  const reader = new ParameterReader(parameters);
  const table = reader.once('table', (text) => text);
  const format = reader.once('format', (text) => text);
  const isEscaped = reader.once('escape', parseEscape) ?? false;
  const rest = (relation: Relation): Condition => {
    const { condition } = readFilters(reader, relation);
    reader.finish();
    return condition;
  };
  if (table === null) reader.finish('is not known here; filters need a table');
  return { table, format, rest, isEscaped };
}

function parseEscape(text: string): boolean {
  if (text !== 'formulas') throw new ParameterFault('expects "formulas"');
  return true;
}

function formatAccepted(request: Request): string | null {
  const accept = request.headers.get('accept')?.toLowerCase() ?? '';
  return Object.entries(types).find(([, type]) => accept.includes(type))?.[0] ?? null;
}

/** @throws RequestError 400 */
function formatOf(given: string | null, isTable: boolean): ExportFormat {
  const allowed: readonly ExportFormat[] = isTable ? ['parquet', 'csv', 'jsonl'] : ['duckdb'];
  const format = allowed.find((each) => each === (given ?? allowed[0]));
  if (format) return format;
  const message = isTable ? `expects ${allowed.join(', ')}` : 'expects "duckdb" where no table is named';
  throw new RequestError(400, `The query is not understood: "format" ${message}.`, {
    fields: [{ path: 'format', message }],
  });
}

async function writeDatabase(context: RequestContext, path: string): Promise<void> {
  const database = await context.database();
  context.unwrap(await database.exportTo(path, context.readOptions));
}

interface ExportTarget {
  readonly format: ExportFormat;
  readonly folder: string;
  readonly path: string;
  readonly isEscaped: boolean;
}

function writeTable(
  context: RequestContext,
  name: string,
  rest: ExportQuery['rest'],
  target: ExportTarget,
): Promise<void> {
  return readRelation(
    context,
    name,
    ({ relation }) => inQuery(() => rest(relation)),
    async (scope, condition, { relation }) => {
      const columns = (await columnTypes(scope, relation)).map(exactColumn);
      // A read may run again: each begins a file of its own.
      const sink = target.format === 'parquet' ? await parquetSink(columns, target) : textSink(columns, target);
      for await (const rows of readPages(scope, relation, condition)) await sink.write(rows);
      await sink.end();
    },
  );
}

/** Parquet has no integer of 128 bits. */
function exactColumn({ name, type }: QueryColumn): QueryColumn {
  return { name, type: type === 'HUGEINT' ? 'VARCHAR' : type };
}

interface Sink {
  write(rows: readonly Row[]): Promise<void>;
  end(): Promise<void>;
}

function textSink(columns: readonly QueryColumn[], { format, path, isEscaped }: ExportTarget): Sink {
  const names = columns.map(({ name }) => name);
  const given = (values: readonly PlainValue[]) => (isEscaped ? values.map(escapeFormula) : values);
  const file = createWriteStream(path, { flags: 'w', mode: 0o600 });
  const line =
    format === 'csv' ? (row: Row) => csvLine(given(valuesOf(names, row))) : (row: Row) => `${JSON.stringify(row)}\n`;
  if (format === 'csv') file.write(csvLine(given(names)));
  return {
    async write(rows) {
      if (!file.write(rows.map(line).join(''))) await once(file, 'drain');
    },
    async end() {
      file.end();
      await once(file, 'finish');
    },
  };
}

function valuesOf(names: readonly string[], row: Row): PlainValue[] {
  return names.map((name) => row[name] ?? null);
}

async function parquetSink(columns: readonly QueryColumn[], { folder, path }: ExportTarget): Promise<Sink> {
  const { ParquetWriter } = await import('../db/duckdb/files/parquet.ts');
  const writer = await ParquetWriter.open(folder, columns);
  const names = columns.map(({ name }) => name);
  return {
    write: async (rows) => writer.append(rows.map((row) => valuesOf(names, row))),
    end: () => writer.finish(path),
  };
}

async function fileAnswer(path: string, folder: string, format: ExportFormat, name: string): Promise<Response> {
  const { size } = await stat(path);
  return new Response(fileBody(path, folder), {
    headers: {
      'content-type': format === 'csv' ? `${csvType}; charset=utf-8` : types[format],
      'content-length': String(size),
      'content-disposition': `attachment; filename="${name.replaceAll(/[^\w.-]/g, '_')}.${format}"`,
    },
  });
}
