/**
 * Holds answers against the OpenAPI document that the same deployment gives out: status, type and body have to be
 * described there.
 */
import type { ValidateFunction } from 'ajv';
import type { App } from '../../lib/app.ts';
import type { Catalog } from '../../lib/catalog/catalog.ts';
import { openApiDocument } from '../../lib/http/openapi/document.ts';
import type { JsonObject } from '../../lib/http/openapi/json-schema.ts';
import { schemaValidator } from './schemas.ts';

/** Throws an error that says what of the answer no description has. */
export type CheckAnswer = (method: string, path: string, response: Response) => Promise<void>;

const checks = new Map<string, CheckAnswer>();
const nothing: Catalog = { engine: 'duckdb', etag: '', defaultSchema: 'main', relations: new Map(), macros: [] };

/** Asks the database what tables there are, each time. */
export function answerCheck(app: App): CheckAnswer {
  return async (method, path, response) => {
    // Where it cannot be opened there are functions alone.
    const catalog = await app.open().then(
      ({ database }) => database.catalog().catch(() => nothing),
      () => nothing,
    );
    let check = checks.get(catalog.etag);
    if (!check) checks.set(catalog.etag, (check = makeCheck(openApiDocument(catalog))));
    await check(method, path, response);
  };
}

function makeCheck(document: JsonObject): CheckAnswer {
  const ajv = schemaValidator();
  ajv.addSchema({ ...document, $id: 'document' });
  const compiled = new Map<string, ValidateFunction>();
  const validate = (pointer: string, value: unknown): void => {
    let validator = compiled.get(pointer);
    if (!validator) compiled.set(pointer, (validator = ajv.compile({ $ref: `document${encodeURI(pointer)}` })));
    if (validator(value)) return;
    throw new Error(`${JSON.stringify(value)} is not what ${pointer} describes: ${ajv.errorsText(validator.errors)}`);
  };
  return async (method, path, response) => {
    const pointer = describedBy(document, method, path, response);
    const type = response.headers.get('content-type')?.split(';')[0] ?? '';
    if (method === 'HEAD' || pointer === null) return requireEmpty(response);
    const content = (valueAt(document, pointer)['content'] ?? {}) as JsonObject;
    if (Object.keys(content).length === 0) return requireEmpty(response);
    // What a write answers in that grammar unless rows are asked for.
    if (path.startsWith('/api/rest/') && type === '') return requireEmpty(response);
    if (!Object.hasOwn(content, type)) throw new Error(`${pointer} describes no answer of the type "${type}".`);
    if (!type.endsWith('json')) return;
    validate(`${pointer}/content/${escape(type)}/schema`, await response.clone().json());
  };
}

async function requireEmpty(response: Response): Promise<void> {
  const text = await response.clone().text();
  if (text !== '') throw new Error(`No body is described, and this was sent: ${text}`);
}

/** The pointer of what describes the answer; null for one that has no body by its nature. */
function describedBy(document: JsonObject, method: string, path: string, { status }: Response): string | null {
  const paths = document['paths'] as JsonObject;
  const name = describedName(path);
  const item = Object.hasOwn(paths, name) ? (paths[name] as JsonObject) : {};
  const operation = item[method === 'HEAD' ? 'get' : method.toLowerCase()] as JsonObject | undefined;
  if (!operation) return ofNothing(method, path, status);
  const answers = operation['responses'] as JsonObject;
  const described = Object.hasOwn(answers, status) || !Object.hasOwn(answers, 'default') ? String(status) : 'default';
  const answer = answers[described] as JsonObject | undefined;
  if (!answer) throw new Error(`${method} ${path} answered ${status}, which the document does not describe.`);
  if (typeof answer['$ref'] === 'string') return answer['$ref'];
  return `#/paths/${escape(name)}/${method === 'HEAD' ? 'get' : method.toLowerCase()}/responses/${described}`;
}

/** How the document calls the address. */
function describedName(path: string): string {
  const [, api, first = '', second, third, fourth] = (path.split('?')[0] ?? '').split('/');
  if (first === 'rest' && third !== undefined) return `/api/rest/v1/${fourth === undefined ? '{table}' : 'rpc/{name}'}`;
  return second === undefined ? `/${api}/${first}` : `/${api}/${first}/{key}`;
}

/** An address that is nowhere, or a method that it does not have. */
function ofNothing(method: string, path: string, status: number): string | null {
  if (method === 'OPTIONS' && status === 204) return null;
  if ([400, 401, 403, 404, 405, 406, 413, 414, 415, 431, 503].includes(status))
    return '#/components/responses/Problem404';
  throw new Error(`${method} ${path} is not described, and answered ${status}.`);
}

function valueAt(document: JsonObject, pointer: string): JsonObject {
  const names = pointer.split('/').slice(1);
  return names.reduce<JsonObject>(
    (value, name) => value[name.replaceAll('~1', '/').replaceAll('~0', '~')] as JsonObject,
    document,
  );
}

function escape(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
