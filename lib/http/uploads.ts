/** Files that are larger than a request may be: begun, sent in parts to any instance, then imported as one. */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { App } from '../app.ts';
import type { Uploads } from '../db/database.ts';
import { AppError } from '../errors.ts';
import type { Format, SentFile } from '../imports/messages.ts';
import { answerOf } from '../rows/idempotency.ts';
import { readBytes, requireNoBody } from './body.ts';
import { makeTemporaryFolder, removeFolder } from './formats/temporary.ts';
import type { Handler, RequestContext } from './handle.ts';
import { importedForms } from './import-commit.ts';
import { parsePartQuery, parseUploadQuery } from './import-parameters.ts';
import { inQuery, RequestError } from './problem.ts';
import { replayHeaders } from './writes.ts';

export const partBytes = 4_000_000;
/** All together 200 MB: the file lies in the temporary folder, beside the replica, while it is read. */
export const mostParts = 50;
/** Of a database, begun and not brought to an end: 3 GB of parts. */
const mostUploads = 16;
const mostRows = 1_000_000;
/** No longer than the key of an import is kept. */
const lifeMs = 24 * 3_600_000;

/** What part 0 holds. */
interface Plan {
  readonly table: string;
  readonly format: Format;
  readonly expiresMs: number;
}

export async function beginUpload(context: RequestContext, table: string, format: Format): Promise<Response> {
  const { runtime } = context;
  requireNoBody(context.request);
  const { uploads } = await context.database();
  if ((await uploads.dropAbandoned()) >= mostUploads) throw tooManyUploads();
  const upload = runtime.uuid();
  const plan: Plan = { table, format, expiresMs: runtime.now() + lifeMs };
  const kept = await uploads.keep(upload, 0, new TextEncoder().encode(JSON.stringify(plan)), context.request.signal);
  if (kept === 'exists') throw new Error('The id of a new upload is that of another one.');
  return Response.json({ upload, partBytes, expires: new Date(plan.expiresMs).toISOString() }, { status: 201 });
}

export function partHandler(app: App): Handler {
  return async (context) => {
    const { request, address, terms } = context;
    const { upload: given, part } = inQuery(() => parsePartQuery(address.parameters, mostParts));
    const { uploads } = await context.database();
    const upload = idOf(given);
    if (!(await readPlan(app, uploads, upload))) throw noSuchUpload(given);
    const bytes = await readBytes(request, terms.maxBodyBytes);
    if (bytes.byteLength === 0) throw new RequestError(400, 'A part needs at least one byte.');
    await keepPart(uploads, upload, part, bytes, request.signal);
    return new Response(null, { status: 204 });
  };
}

async function keepPart(
  uploads: Uploads,
  upload: string,
  part: number,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  if ((await uploads.keep(upload, part, bytes, signal)) === 'created') return;
  const earlier = await uploads.read(upload, part, signal);
  if (earlier && Buffer.compare(earlier, bytes) === 0) return;
  throw new AppError('conflict', `Part ${part} was already uploaded with different bytes.`, {
    hint: 'Cancel this upload and begin a new one.',
    fields: [{ path: 'part', message: 'was sent with other bytes' }],
  });
}

export function giveUpHandler(app: App): Handler {
  return async (context) => {
    const given = inQuery(() => parseUploadQuery(context.address.parameters));
    const { uploads } = await context.database();
    const upload = idOf(given);
    if (!(await readPlan(app, uploads, upload))) throw noSuchUpload(given);
    await uploads.drop(upload);
    return new Response(null, { status: 204 });
  };
}

/** Imports a file that is there. `key`: a hash under which it is done once. */
export type ImportUpload = (file: SentFile, table: string, key: string) => Promise<Response>;

/** `parts`: how many there are, where the client says it. */
export async function runUpload(
  app: App,
  context: RequestContext,
  query: { readonly upload: string; readonly parts: number | null; readonly isDryRun: boolean },
  importFile: ImportUpload,
): Promise<Response> {
  requireNoBody(context.request);
  const database = await context.database();
  const upload = idOf(query.upload);
  const key = createHash('sha256').update(`upload\n${upload}`).digest('hex');
  const plan = await readPlan(app, database.uploads, upload);
  const read = await database.read((queries) => answerOf(queries, key, importedForms), { maxStalenessMs: 0 });
  const earlier = context.unwrap(read);
  if (!earlier && !plan) throw noSuchUpload(query.upload);
  const answer =
    earlier || !plan
      ? Response.json(earlier, { status: 201, headers: replayHeaders({ value: earlier, replayed: true }) })
      : await importParts(app, context, { upload, key, plan, parts: query.parts }, importFile);
  if (!query.isDryRun) await dropImported(context, database.uploads, upload);
  return answer;
}

/** The rows are committed: parts that stay are dropped a day later. */
async function dropImported(context: RequestContext, uploads: Uploads, upload: string): Promise<void> {
  try {
    await uploads.drop(upload);
  } catch (error) {
    context.logFailure(error, 201);
  }
}

interface Sent {
  readonly upload: string;
  readonly key: string;
  readonly plan: Plan;
  readonly parts: number | null;
}

async function importParts(app: App, context: RequestContext, sent: Sent, importFile: ImportUpload): Promise<Response> {
  const { uploads } = await context.database();
  const folder = await makeTemporaryFolder(app);
  try {
    const path = join(folder, 'upload');
    await writeParts(uploads, sent, path, context.request.signal);
    return await importFile({ format: sent.plan.format, path, mostRows }, sent.plan.table, sent.key);
  } finally {
    await removeFolder(folder);
  }
}

async function writeParts(uploads: Uploads, sent: Sent, path: string, signal: AbortSignal): Promise<void> {
  const count = await requireParts(uploads, sent, signal);
  const file = await open(path, 'w', 0o600);
  try {
    for (let part = 1; part <= count; part++) {
      const bytes = await uploads.read(sent.upload, part, signal);
      if (!bytes) throw missingParts([part]);
      await file.writeFile(bytes);
    }
  } finally {
    await file.close();
  }
}

/** How many there are. @throws AppError `conflict` when one is missing */
async function requireParts(uploads: Uploads, { upload, parts }: Sent, signal: AbortSignal): Promise<number> {
  const there = (await uploads.list(upload, signal)).map(({ part }) => part);
  const last = there.at(-1) ?? 1;
  const count = parts ?? last;
  const missing = Array.from({ length: count }, (_, index) => index + 1).filter((part) => !there.includes(part));
  if (missing.length > 0) throw missingParts(missing);
  if (count >= last) return count;
  throw new AppError(
    'conflict',
    `Nothing was imported: part ${last} exists, but the upload should have ${count} parts.`,
    {
      fields: [{ path: 'parts', message: `is less than there are` }],
    },
  );
}

function missingParts(missing: readonly number[]): AppError {
  const [of, are] = missing.length === 1 ? ['part', 'is'] : ['parts', 'are'];
  return new AppError('conflict', `Nothing was imported: the ${of} ${missing.join(', ')} ${are} missing.`, {
    hint: 'Send the missing parts, then request the import again.',
    fields: missing.map((part) => ({ path: `part/${part}`, message: 'is missing' })),
  });
}

/** Null when there is none, or its time is over. */
async function readPlan(app: App, uploads: Uploads, upload: string): Promise<Plan | null> {
  const bytes = await uploads.read(upload, 0);
  if (!bytes) return null;
  const plan = JSON.parse(new TextDecoder().decode(bytes)) as Plan;
  return app.runtime.now() < plan.expiresMs ? plan : null;
}

/** What is no UUID names no upload, as any other id that none has. */
function idOf(given: string): string {
  const id = given.toLowerCase();
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw noSuchUpload(given);
  return id;
}

function tooManyUploads(): AppError {
  return new AppError('conflict', `There are ${mostUploads} unfinished uploads.`, {
    hint: 'Import one, or cancel one with DELETE /api/import?upload=<id>. Uploads expire after a day.',
  });
}

function noSuchUpload(given: string): AppError {
  return new AppError('not-found', `There is no upload ${given.slice(0, 100)}, or it has expired.`, {
    hint: 'Begin one: POST /api/import?table=<table>&upload=begin',
  });
}
