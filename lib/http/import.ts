/**
 * Imports: `POST /api/import?table=…` with CSV, JSON lines or Parquet, all rows in one commit or none; and the same of a file
 * that was sent in parts.
 *
 * The file of a request lies in a folder of its own while it is read, which goes with the answer.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../app.ts';
import type { Relation } from '../catalog/catalog.ts';
import { AppError } from '../errors.ts';
import type { Format, Judged, SentFile } from '../imports/messages.ts';
import type { FileReader } from '../imports/reader.ts';
import { seesEverything } from './access.ts';
import { readBytes } from './body.ts';
import { makeTemporaryFolder, removeFolder } from './formats/temporary.ts';
import type { Handler, RequestContext } from './handle.ts';
import { type Import, importRows } from './import-commit.ts';
import { type ImportOptions, parseImportQuery } from './import-parameters.ts';
import { inQuery, RequestError } from './problem.ts';
import { writableTable } from './relations.ts';
import { beginUpload, mostParts, runUpload } from './uploads.ts';
import { replayHeaders } from './writes.ts';

/** `mostRows`: of a request; a file that comes in parts may have more. */
export function importHandler(app: App, mostRows = 100_000): Handler {
  return async (context) => {
    const query = inQuery(() => parseImportQuery(context.address.parameters, mostParts));
    if (query.create) requireAdministrator(context);
    if (query.kind === 'run')
      return runUpload(app, context, query, (file, table, key) =>
        importFile(app, context, { ...query, ...file, table, key }),
      );
    const format = formatOf(query.format, context.request);
    const { table } = query.create ? query : await writableTable(context, query.table);
    if (query.kind === 'begin') return beginUpload(context, table, format);
    const bytes = await readBytes(context.request, context.terms.maxBodyBytes);
    const folder = await makeTemporaryFolder(app);
    try {
      const path = join(folder, `import.${format}`);
      await writeFile(path, bytes);
      return await importFile(app, context, { ...query, format, path, mostRows, table, key: null });
    } finally {
      await removeFolder(folder);
    }
  };
}

const formats: Readonly<Record<Format, readonly string[]>> = {
  csv: ['text/csv'],
  jsonl: ['application/jsonl', 'application/x-ndjson', 'application/ndjson', 'application/json-lines'],
  parquet: ['application/vnd.apache.parquet', 'application/parquet'],
};

/** @throws RequestError 400, 415 */
function formatOf(given: string | null, request: Request): Format {
  const type = (request.headers.get('content-type') ?? '').toLowerCase().split(';')[0]?.trim() ?? '';
  const names = Object.keys(formats) as Format[];
  const named = names.find((name) => name === given);
  if (given !== null && !named) {
    const message = `expects ${names.join(', ')}`;
    throw new RequestError(400, `The query is not understood: "format" ${message}.`, {
      fields: [{ path: 'format', message }],
    });
  }
  const format = named ?? names.find((name) => formats[name].includes(type));
  if (format) return format;
  const known = Object.values(formats).flat().join(', ');
  throw new RequestError(
    415,
    `The header content-type has to be one of ${known}; or say ?format=csv, jsonl or parquet.`,
  );
}

function requireAdministrator({ role }: RequestContext): void {
  if (seesEverything(role)) return;
  throw new RequestError(403, 'Creating a table needs ADMIN_TOKEN.', {
    hint: 'Import into an existing table.',
  });
}

type ImportRequest = SentFile & ImportOptions & { readonly table: string; readonly key: string | null };

async function importFile(app: App, context: RequestContext, asked: ImportRequest): Promise<Response> {
  const job = await judgeFile(app, context, asked);
  if (asked.isDryRun) return Response.json(foreseen(job));
  requireRight(job.judged);
  const done = await importRows(context, job);
  return Response.json(done.value, { status: 201, headers: replayHeaders(done) });
}

/** In a process of its own, which has ended before anything is written. */
async function judgeFile(app: App, context: RequestContext, asked: ImportRequest): Promise<Import> {
  const find = asked.create ? makeJob : findJob;
  const { FileReader } = await import('../imports/reader.ts');
  const reader = await FileReader.open(app.runtime, context.request.signal);
  try {
    return await find(context, asked, reader);
  } finally {
    reader.close();
  }
}

async function findJob(context: RequestContext, asked: ImportRequest, reader: FileReader): Promise<Import> {
  const named = await writableTable(context, asked.table);
  requireUnique(named.relation, asked.onConflict);
  const spool = `${asked.path}.rows`;
  const judged = await reader.judge({ file: fileOf(asked), relation: named.relation, texts: [], spool });
  return { ...named, spool, judged, create: null, onConflict: asked.onConflict, key: asked.key };
}

/** Columns whose values are of another form than DuckDB found become JSON or text, until all rows fit. */
async function makeJob(context: RequestContext, asked: ImportRequest, reader: FileReader): Promise<Import> {
  const { newTable, schemaIn, textColumns, widened } = await import('../imports/new-table.ts');
  const catalog = await (await context.database()).catalog({ maxStalenessMs: 0 });
  await requireSchema(context, schemaIn(asked.table));
  const file = fileOf(asked);
  const spool = `${asked.path}.rows`;
  let columns = await reader.columns(file, catalog.engine);
  for (;;) {
    const made = newTable(catalog, asked.table, columns, asked.onConflict);
    const texts = asked.format === 'jsonl' ? textColumns(columns) : [];
    const judged = await reader.judge({ file, relation: made.relation, texts, spool });
    if (judged.rows + judged.wrong === 0)
      throw new AppError('invalid', 'The body has no rows to infer the types of the columns from.');
    const wider = widened(columns, judged.faults);
    if (!wider) return { ...made, spool, judged, create: made.sql, onConflict: asked.onConflict, key: asked.key };
    columns = wider;
  }
}

function fileOf({ format, path, mostRows: most }: SentFile): SentFile {
  return { format, path, mostRows: most };
}

/** @throws AppError `invalid` when any row is wrong */
function requireRight({ wrong, faults }: Judged): void {
  if (wrong === 0) return;
  const shown = faults.slice(0, 5).map(({ path, message }) => `line ${path.replace('/', ', ')} ${message}`);
  const more = faults.length > shown.length || wrong > shown.length ? '; …' : '';
  const rows = wrong === 1 ? 'One row is' : `${wrong} rows are`;
  throw new AppError('invalid', `${rows} wrong, so nothing was imported: ${shown.join('; ')}${more}.`, {
    fields: faults,
  });
}

/** Null: that of names without one. */
async function requireSchema(context: RequestContext, schema: string | null): Promise<void> {
  if (schema === null) return;
  const database = await context.database();
  const { value } = await database.read(
    (_queries, scope) => scope.run('SELECT 1 FROM information_schema.schemata WHERE schema_name = $1', [schema]),
    { maxStalenessMs: 0 },
  );
  const message = schema === 'eider' ? "The schema eider is Eider's own." : `There is no schema "${schema}".`;
  if (value.rows.length > 0 && schema !== 'eider') return;
  throw new AppError('invalid', message, { hint: 'Make it with CREATE SCHEMA, or choose a name without a dot.' });
}

/** @throws RequestError 400 */
function requireUnique({ key, unique }: Relation, columns: readonly string[]): void {
  const sets = [key, ...unique.map((set) => set.columns)].filter((set) => set.length > 0);
  if (columns.length === 0 || sets.some((set) => set.toSorted().join('\0') === columns.toSorted().join('\0'))) return;
  const message = `expects the columns of a key: ${sets.map((set) => set.join(',')).join(' or ') || 'the table has none'}`;
  throw new RequestError(400, `The query is not understood: "on_conflict" ${message}.`, {
    fields: [{ path: 'on_conflict', message }],
  });
}

/** What an import would do. */
function foreseen({ relation, table, judged, create }: Import) {
  const { rows, wrong, faults, given, sample } = judged;
  const columns = relation.columns
    .filter(({ name }) => create !== null || given.has(name))
    .map(({ name, sqlType }) => ({ name, type: sqlType }));
  return { table, rows, wrong, columns, sample, errors: faults, ...(create === null ? {} : { create }) };
}
