/** The parameters of imports, and of files that come in parts. */
import { AppError } from '../errors.ts';
import { ParameterFault } from '../rows/filter.ts';
import { splitNames } from '../rows/names.ts';
import { type Parameter, ParameterReader } from '../rows/parameters.ts';

/** How the rows of a file come into a table. */
export interface ImportOptions {
  /** The table is made for the file. */
  readonly create: boolean;
  /** Nothing is written; the answer says what would be. */
  readonly isDryRun: boolean;
  /** A row with the values of one that is there in these columns changes it. */
  readonly onConflict: readonly string[];
}

export type ImportQuery = ImportOptions &
  (
    | { readonly kind: 'whole' | 'begin'; readonly table: string; readonly format: string | null }
    /** `parts`: how many there are, where the client says it. */
    | { readonly kind: 'run'; readonly upload: string; readonly parts: number | null }
  );

/** `mostParts`: of an upload. @throws AppError `invalid` */
export function parseImportQuery(parameters: readonly Parameter[], mostParts: number): ImportQuery {
  const reader = new ParameterReader(parameters);
  const upload = reader.once('upload', (text) => text);
  const options: ImportOptions = {
    create: reader.once('create', parseFlag) ?? false,
    isDryRun: reader.once('dry-run', parseFlag) ?? false,
    onConflict: reader.once('on_conflict', (text) => splitNames(text).map(({ name }) => name)) ?? [],
  };
  if (upload !== null && upload !== 'begin') {
    const parts = reader.once('parts', (text) => parsePart(text, mostParts));
    reader.finish('is not known here');
    return { ...options, kind: 'run', upload, parts };
  }
  const table = reader.once('table', (text) => text);
  const format = reader.once('format', (text) => text);
  reader.finish('is not known here');
  if (table !== null) return { ...options, kind: upload === null ? 'whole' : 'begin', table, format };
  throw missing('The query has to name a table, as in "?table=books".', 'table');
}

/** @throws AppError `invalid` */
export function parsePartQuery(
  parameters: readonly Parameter[],
  mostParts: number,
): { readonly upload: string; readonly part: number } {
  const reader = new ParameterReader(parameters);
  const upload = reader.once('upload', (text) => text);
  const part = reader.once('part', (text) => parsePart(text, mostParts));
  reader.finish('is not known here');
  if (upload !== null && part !== null) return { upload, part };
  const message = 'The query has to name the upload and the part of it, as in "?upload=<id>&part=1".';
  throw missing(message, upload === null ? 'upload' : 'part');
}

/** @throws AppError `invalid` */
export function parseUploadQuery(parameters: readonly Parameter[]): string {
  const reader = new ParameterReader(parameters);
  const upload = reader.once('upload', (text) => text);
  reader.finish('is not known here');
  if (upload !== null) return upload;
  throw missing('The query has to name the upload, as in "?upload=<id>".', 'upload');
}

function parseFlag(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new ParameterFault('expects true or false');
  return text === 'true';
}

function parsePart(text: string, most: number): number {
  const part = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (part < 1 || part > most) throw new ParameterFault(`expects a number from 1 to ${most}`);
  return part;
}

function missing(message: string, path: string): AppError {
  return new AppError('invalid', message, { fields: [{ path, message: 'is required' }] });
}
