/**
 * Imports: `POST /api/import?table=…` with CSV, JSON lines or Parquet, all rows in one commit or none; and the same of a file
 * that was sent in parts.
 *
 * Owns: what is asked for. The file of a request lies in a folder of its own while it is read. The worst that can happen: a
 * disk full of such files; so the folder goes with the answer.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../app.ts';
import { readBytes } from './body.ts';
import { makeTemporaryFolder, removeFolder } from './formats/temporary.ts';
import type { Handler, RequestContext } from './handle.ts';
import { importRows } from './import-commit.ts';
import { type Format, formatOf, rowsOfFile } from './import-file.ts';
import { parseImportQuery } from './import-parameters.ts';
import { inQuery } from './problem.ts';
import { type Named, writableTable } from './relations.ts';
import { beginUpload, mostParts, runUpload } from './uploads.ts';

const mostRows = 100_000;

export function importHandler(app: App): Handler {
  return async (context) => {
    const query = inQuery(() => parseImportQuery(context.address.parameters, mostParts));
    if (query.kind === 'run') return runUpload(app, context, query);
    const format = formatOf(query.format, context.request);
    const named = await writableTable(context, query.table);
    return query.kind === 'begin' ? beginUpload(context, named.table, format) : importBody(app, context, named, format);
  };
}

async function importBody(app: App, context: RequestContext, named: Named, format: Format): Promise<Response> {
  const bytes = await readBytes(context.request, context.terms.maxBodyBytes);
  const folder = await makeTemporaryFolder(app);
  try {
    const path = join(folder, `import.${format}`);
    await writeFile(path, bytes);
    const rows = await rowsOfFile(named.relation, format, path, mostRows);
    const { value } = await importRows(context, { ...named, rows, mostRows });
    return Response.json(value, { status: 201 });
  } finally {
    await removeFolder(folder);
  }
}
