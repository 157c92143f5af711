/** What must hold of every answer, whatever was asked. */
import type { Shown } from './client.ts';
import { type Shot, tokensOfFuzz } from './shots.ts';

/** What is wrong with the answer; nothing, if all is well. `secrets` are texts that only an operator may see. */
export function faultsOf(shot: Shot, shown: Shown, secrets: readonly string[]): string[] {
  // The platform answers by itself where there is no function, or none for the method.
  if (shown.headers['x-request-id'] === undefined)
    return [404, 405].includes(shown.status) ? [] : ['has no x-request-id'];
  const isOperator = shot.headers['authorization'] === `Bearer ${tokensOfFuzz.admin}`;
  const said = `${shown.text}${JSON.stringify(shown.headers)}`;
  const rules: [string, boolean][] = [
    // An answer can be too large.
    ['is a fault of the server', shown.status >= 500 && shown.status !== 507],
    ['may be kept', shown.headers['cache-control'] !== 'no-store'],
    ['may be guessed at', shown.headers['x-content-type-options'] !== 'nosniff'],
    ['has a header of the client’s making', 'x-injected' in shown.headers],
    ['shows a stack', /\n\s+at |node:internal|\/lib\/\w+\/[\w-]+\.ts/.test(shown.text)],
    ['shows a place', !isOperator && secrets.some((secret) => said.includes(secret))],
    [
      'shows a token',
      Object.values(tokensOfFuzz).some((token) => shown.text.includes(token) && !JSON.stringify(shot).includes(token)),
    ],
    ['has a body for HEAD', shot.method === 'HEAD' && shown.text !== ''],
  ];
  const broken = rules.filter(([, isBroken]) => isBroken).map(([rule]) => rule);
  return shown.status < 400 || shot.method === 'HEAD' ? broken : [...broken, ...problemFaults(shown, formOf(shot))];
}

/** Of an error, beside those of a problem; `code` says in which form it is. */
const members = {
  plain: { required: [], optional: [] },
  rest: { required: ['code', 'message', 'details'], optional: [] },
  sql: { required: ['code', 'message', 'severity'], optional: ['constraint', 'schema', 'table', 'column'] },
} as const;

function formOf(shot: Shot): keyof typeof members {
  if (isRest(shot)) return 'rest';
  return shot.method === 'POST' && /^\/api\/sql\b/.test(shot.path) ? 'sql' : 'plain';
}

/** Whether it is answered in the form of PostgREST, errors too. */
function isRest({ method, path }: Shot): boolean {
  // With `..` it may be another address.
  const found = /^\/api\/rest\/v1\/(rpc\/)?[^/]+\/*$/.exec(new URL(path, 'http://localhost').pathname);
  const served = found?.[1] === undefined ? ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'] : ['GET', 'POST'];
  return found !== null && served.includes(method.toUpperCase());
}

function problemFaults({ status, headers, text }: Shown, form: keyof typeof members): string[] {
  if (headers['content-type'] !== 'application/problem+json') return [`is no problem but ${headers['content-type']}`];
  const problem = parse(text);
  if (problem === null) return ['is no JSON object'];
  const { type, title, detail, hint: given, errors, ...more } = problem;
  const hint = form === 'rest' && given === null ? undefined : given;
  // A method that it does not have is refused as anywhere.
  const { required, optional } = members[form === 'rest' && status === 405 && !('code' in more) ? 'plain' : form];
  const others = new Set<string>(['status', ...required, ...optional]);
  const rules: [string, boolean][] = [
    [
      'has no type',
      typeof type === 'string' && /^https:\/\/github\.com\/[\w/-]+\/docs\/errors\.md#[a-z-]+$/.test(type),
    ],
    ['has no title', isText(title)],
    ['has no detail', isText(detail)],
    ['has another status', more['status'] === status],
    ['has other members', Object.keys(more).every((name) => others.has(name))],
    ['lacks members', required.every((name) => Object.hasOwn(more, name))],
    ['has no SQLSTATE', form !== 'sql' || /^[0-9A-Z]{5}$/.test(String(more['code']))],
    ['has a code that is none', required.length === 0 || (isText(more['code']) && isText(more['message']))],
    ['has a hint that is no text', hint === undefined || isText(hint)],
    [
      'has errors that are none',
      errors === undefined || (Array.isArray(errors) && errors.length > 0 && errors.every(isFieldError)),
    ],
    ['does not say how to get in', status !== 401 || headers['www-authenticate']?.startsWith('Bearer ') === true],
    ['does not say what is allowed', status !== 405 || /^[A-Z, ]+$/.test(headers['allow'] ?? '')],
  ];
  return rules.filter(([, holds]) => !holds).map(([rule]) => rule);
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '';
}

function isFieldError(value: unknown): boolean {
  const { path, message } = (value ?? {}) as Record<string, unknown>;
  return typeof path === 'string' && isText(message);
}

/** How many rows there are more, by what the answer says; null where it does not say. */
export function rowsAdded(shot: Shot, { status, headers, text }: Shown): number | null {
  const { method, path } = shot;
  if (!isAccepted(method, status) || headers['idempotent-replayed'] !== undefined) return 0;
  // An upsert does not say how many of its rows are new.
  if (isRest(shot)) return null;
  const segments = path
    .split('?')[0]!
    .split('/')
    .filter((segment) => segment !== '')
    .slice(1);
  // Only JSON has a count beside the rows.
  if (segments[0] === 'sql') return headers['content-type'] === 'application/json' ? rowsAddedBySql(text) : null;
  const told = (parse(text) ?? {}) as { data?: unknown[]; deleted?: number; imported?: number; rows?: number };
  if (segments[0] === 'import') return told.imported ?? told.rows ?? 0;
  if (method === 'POST' && status === 201) return told.data?.length ?? 1;
  if (method === 'DELETE') return segments.length === 1 ? -(told.deleted ?? 0) : -1;
  return 0;
}

interface SqlAnswer {
  readonly command?: string;
  readonly rowCount?: number | null;
}

const directions: Readonly<Record<string, number>> = { INSERT: 1, DELETE: -1, TRUNCATE: -1, MERGE: -1 };

/** A MERGE of the fuzz deletes. */
function rowsAddedBySql(text: string): number {
  const told = (parse(text) ?? {}) as SqlAnswer & { readonly results?: readonly SqlAnswer[] };
  const results = told.results ?? [told];
  return results.reduce((sum, { command = '', rowCount }) => sum + (directions[command] ?? 0) * (rowCount ?? 0), 0);
}

/** Whether it may have changed something. */
export function isAccepted(method: string, status: number): boolean {
  return status < 300 && ['POST', 'PUT', 'PATCH', 'DELETE'].includes(method);
}
