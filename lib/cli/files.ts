/** Databases and tables as files: `eider export`, `import`, `dump`, `restore`. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeStream } from 'node:stream/web';
import { AppError, type FieldError } from '../errors.ts';
import { exportHandler, exportTypes } from '../http/export.ts';
import { importHandler } from '../http/import.ts';
import { withApi } from './api.ts';
import { megabytes, ProgressBar } from './progress.ts';
import { transfersOf } from './status.ts';
import { type Common, confirm, counted, exitCodes, NotUnderstood, report, type Terminal } from './terminal.ts';

export interface FileOptions extends Common {
  /** `-`: standard input or output, as without one. */
  readonly file?: string;
  readonly format?: string;
  readonly yes?: boolean;
}

export interface ImportWords extends FileOptions {
  readonly create?: boolean;
  readonly dryRun?: boolean;
  readonly onConflict?: string;
}

/** `filters` are those of the API: `status=eq.completed`. */
export function exportTable(
  terminal: Terminal,
  table: string,
  filters: readonly string[],
  options: FileOptions,
): Promise<number> {
  const { file = '-' } = options;
  const format = options.format ?? formatOf(file) ?? (file === '-' ? 'csv' : undefined);
  if (format === undefined) throw unknownFormat();
  const query = new URLSearchParams({ table, format });
  for (const filter of filters) {
    const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(filter) ?? [];
    if (name === '') throw new NotUnderstood(`"${filter}" is no filter; write one like status=eq.completed.`);
    query.append(name, value);
  }
  return exportTo(terminal, query, options);
}

export function dump(terminal: Terminal, options: FileOptions): Promise<number> {
  return exportTo(terminal, new URLSearchParams({ format: 'duckdb' }), options);
}

async function exportTo(terminal: Terminal, query: URLSearchParams, options: FileOptions): Promise<number> {
  const isBinary = query.get('format') === 'parquet' || query.get('format') === 'duckdb';
  const file = options.file === '-' ? undefined : options.file;
  if (file === undefined && isBinary && terminal.stdout.isTTY === true) {
    throw new NotUnderstood('The output is binary and cannot be shown on a terminal.', 'Name a file with --file.');
  }
  if (file !== undefined && (await isThere(file))) await confirm(terminal, `Replace ${file}?`, options.yes);
  return withApi(terminal, async (api) => {
    const permission = query.has('table') ? 'export-table' : 'export-database';
    const terms = { permission, load: 'transfer', maxBodyBytes: 0, produces: exportTypes } as const;
    const asked = api.call(exportHandler(api.app), terms, `/api/export?${query.toString()}`);
    const answer = await new ProgressBar(terminal).during('exporting', asked, transfersOf(api.app));
    const bytes = Number(answer.headers.get('content-length'));
    const version = Number(answer.headers.get('db-bookmark'));
    const body = [Readable.fromWeb(answer.body as NodeStream), watched(terminal, bytes)] as const;
    if (file === undefined) {
      await pipeline(...body, terminal.stdout, { end: false });
      return exitCodes.done;
    }
    await writeWhole(file, (path) => pipeline(...body, createWriteStream(path, { mode: 0o600 })));
    await report(terminal, options, { file, bytes, version }, `${file}: ${megabytes(bytes)}, version ${version}\n`);
    return exitCodes.done;
  });
}

/** Shows how much of it has come. */
function watched(terminal: Terminal, totalBytes: number): Transform {
  const progress = new ProgressBar(terminal);
  const text = `writing ${megabytes(totalBytes)}`;
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (terminal.stderr.isTTY === true) progress.show({ text, share: bytes / totalBytes });
      done(null, chunk);
    },
    flush(done) {
      progress.end();
      done();
    },
  });
}

/** Under another name until it is whole: what is cut off replaces nothing. */
async function writeWhole(file: string, write: (path: string) => Promise<void>): Promise<void> {
  const draft = `${file}.part`;
  await mkdir(dirname(resolve(file)), { recursive: true });
  try {
    await write(draft);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** As much as lies in memory at one time. */
const mostImportBytes = 200_000_000;
const mostImportRows = 1_000_000;

export function importTable(terminal: Terminal, table: string, options: ImportWords): Promise<number> {
  const { file = '-', create = false, dryRun = false, onConflict } = options;
  const format = options.format ?? formatOf(file);
  if (format === undefined) throw unknownFormat();
  const query = new URLSearchParams({ table, format, create: `${create}`, 'dry-run': `${dryRun}` });
  if (onConflict !== undefined) query.set('on_conflict', onConflict);
  return withApi(terminal, async (api) => {
    const terms = { permission: 'import', load: 'transfer', maxBodyBytes: mostImportBytes } as const;
    const handler = importHandler(api.app, mostImportRows);
    const asked = api.call(handler, terms, `/api/import?${query.toString()}`, await bodyOf(terminal, file));
    const answer = await new ProgressBar(terminal).during(`importing ${file}`, asked, transfersOf(api.app));
    const done = (await answer.json()) as ImportedFile;
    await report(terminal, options, done, describeImport(done, dryRun));
    return done.wrong === undefined || done.wrong === 0 ? exitCodes.done : exitCodes.attention;
  });
}

interface ImportedFile {
  readonly table: string;
  readonly rows: number;
  readonly create?: string;
  /** Those of a dry run alone. */
  readonly wrong?: number;
  readonly errors?: readonly FieldError[];
}

function describeImport({ table, rows, create, wrong = 0, errors = [] }: ImportedFile, isDryRun: boolean): string {
  const lines = [
    `${isDryRun ? 'Would import' : 'Imported'} ${counted(rows, 'row')} into ${table}`,
    ...(create === undefined ? [] : [create]),
    ...(wrong === 0 ? [] : [`${counted(wrong, 'wrong row')}, so nothing would be imported:`]),
    ...errors.map(({ path, message }) => `  ${path} ${message}`),
  ];
  return `${lines.join('\n')}\n`;
}

async function bodyOf({ stdin }: Terminal, file: string): Promise<RequestInit> {
  if (file !== '-' && !(await isThere(file))) throw noSuchFile(file);
  const source = file === '-' ? stdin : createReadStream(file);
  const headers: Record<string, string> = file.endsWith('.gz') ? { 'content-encoding': 'gzip' } : {};
  return { method: 'POST', headers, body: Readable.toWeb(source) as ReadableStream, duplex: 'half' };
}

const noSuchFile = (file: string): AppError => new AppError('not-found', `There is no file ${file}.`);

const isThere = (file: string): Promise<boolean> =>
  stat(file).then(
    (found) => found.isFile(),
    () => false,
  );

function unknownFormat(): NotUnderstood {
  return new NotUnderstood('Name the format with --format: csv, jsonl or parquet.');
}

/** By the name's end: `students.csv`, `students.jsonl.gz`. */
function formatOf(file: string | undefined): string | undefined {
  const end = extname(file?.replace(/\.gz$/, '') ?? '').slice(1);
  return { csv: 'csv', jsonl: 'jsonl', ndjson: 'jsonl', parquet: 'parquet' }[end];
}
