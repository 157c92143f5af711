/**
 * Authentication and authorization, decided from the configuration and the request's headers alone, before the database
 * is opened and before a body is read.
 *
 * Which permission an endpoint needs, it declares. So what is not granted here is refused, a token is compared in
 * constant time, and without one, only the machine itself gets in.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { AccessSettings } from '../config/config.ts';
import { couldBeOfAnyPage, whyNotLocal } from './locality.ts';
import { RequestError } from './problem.ts';
import type { Permission } from './terms.ts';

/** `local`: this machine, when no token is set. `public`: anyone. */
export type Role = 'admin' | 'local' | 'api' | 'cron' | 'public';

/** Whether reasons, places and names of the operator's are for these eyes. */
export function seesEverything(role: Role): boolean {
  return role === 'admin' || role === 'local';
}

/** What SQL of the role's may do: read alone, change rows, change definitions. */
export type SqlRights = 'read' | 'rows' | 'definitions';

export function sqlRights(role: Role): SqlRights {
  if (role === 'admin' || role === 'local') return 'definitions';
  return grants[role].includes('write-table') ? 'rows' : 'read';
}

export interface AccessRules {
  readonly access: AccessSettings;
  /** Whether headers reliably say which machine a request comes from. */
  readonly knowsPeer: boolean;
}

const forEveryone: readonly Permission[] = ['status'];
/** With PUBLIC_READ, also without a token. */
const forReaders: readonly Permission[] = ['read-table', 'sql', 'catalog'];

const grants: Readonly<Record<Exclude<Role, 'admin' | 'local'>, readonly Permission[]>> = {
  api: [...forEveryone, 'openapi', 'read-table', 'write-table', 'sql', 'catalog', 'changes', 'import', 'export-table'],
  cron: [...forEveryone, 'cron-sync'],
  public: forEveryone,
};

/**
 * The role of the caller; `known` when it was found out already.
 *
 * @throws RequestError 401 or 403 when it lacks the permission, 401 for an unknown token
 */
export function authorize(request: Request, permission: Permission, rules: AccessRules, known: Role | null): Role {
  if (permission === 'methods') return 'public';
  const role = known ?? (hasTokens(rules.access) ? roleByToken(request, rules.access) : roleByPlace(request, rules));
  if (role === 'local') requireMeant(request, permission);
  if (permits(role, permission, rules.access)) return role;
  throw role === 'public' ? unknownCaller(request, permission, rules) : insufficient(permission);
}

const changing: ReadonlySet<Permission> = new Set(['write-table', 'sql', 'import', 'cron-sync', 'sync']);

/** Without a token, what changes something has to be of a form that no page of another origin can make a browser send. */
function requireMeant(request: Request, permission: Permission): void {
  const { method, headers } = request;
  const isAsked = permission === 'cron-sync' || method === 'POST';
  if (!changing.has(permission) || !isAsked || !couldBeOfAnyPage(request)) return;
  if (method !== 'POST')
    throw new RequestError(403, 'Without a token, GET cannot start a sync: any web page could send it.', {
      hint: 'Send POST, or set CRON_SECRET or ADMIN_TOKEN and send it as the token.',
    });
  const type = headers.get('content-type')?.slice(0, 60);
  throw new RequestError(415, `Without a token, a POST of the type ${type} is refused: any web page could send it.`, {
    hint: 'Send the content-type that the body has, such as application/json.',
  });
}

function permits(role: Role, permission: Permission, { publicRead }: AccessSettings): boolean {
  if (role === 'admin' || role === 'local') return true;
  return grants[role].includes(permission) || (publicRead && forReaders.includes(permission));
}

/** One that is wrong closes as a right one does. */
function hasTokens({ adminToken, apiToken, cronSecret, hasWrongToken }: AccessSettings): boolean {
  return hasWrongToken || [adminToken, apiToken, cronSecret].some((token) => token !== null);
}

function roleByToken(request: Request, { adminToken, apiToken, cronSecret, hasWrongToken }: AccessSettings): Role {
  const given = tokenOf(request.headers);
  if (given === null) return 'public';
  const sent = digest(given);
  const matches = [
    ['admin', isSame(sent, adminToken)],
    ['api', isSame(sent, apiToken)],
    ['cron', isSame(sent, cronSecret)],
  ] as const;
  const role = matches.find(([, isMatch]) => isMatch)?.[0];
  if (role !== undefined) return role;
  throw new RequestError(
    401,
    'The server does not know this token (header authorization or apikey, or password of the connection string).',
    {
      headers: challenge('error="invalid_token"'),
      ...(hasWrongToken ? { hint: 'A token of this server is configured wrongly; its log says which, and why.' } : {}),
    },
  );
}

function roleByPlace(request: Request, { access, knowsPeer }: AccessRules): Role {
  return knowsPeer && whyNotLocal(request, access.corsOrigins) === null ? 'local' : 'public';
}

/** As Bearer, as `apikey`, or as the password of the connection string that Neon's driver sends. */
function tokenOf(headers: Headers): string | null {
  return bearerToken(headers) ?? headers.get('apikey') ?? passwordOf(headers.get('neon-connection-string'));
}

function passwordOf(connectionString: string | null): string | null {
  if (connectionString === null) return null;
  try {
    return decodeURIComponent(new URL(connectionString).password) || null;
  } catch {
    return '';
  }
}

/** Empty for a malformed one, which no server has. https://www.rfc-editor.org/rfc/rfc6750#section-2.1 */
function bearerToken(headers: Headers): string | null {
  const given = headers.get('authorization');
  if (given === null || !/^bearer\b/i.test(given)) return null;
  return /^bearer +([\x21-\x7e]+)$/i.exec(given)?.[1] ?? '';
}

/** Hashes have one length, so neither the time nor an error reveals anything of the token. */
function isSame(sent: Buffer, token: string | null): boolean {
  const own = digests.get(token ?? '') ?? digest(token ?? '');
  if (digests.size < mostDigests) digests.set(token ?? '', own);
  const isEqual = timingSafeEqual(sent, own);
  return token !== null && isEqual;
}

/** Of the tokens of this process's configurations. */
const digests = new Map<string, Buffer>();
const mostDigests = 100;

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function unknownCaller(request: Request, permission: Permission, { access, knowsPeer }: AccessRules): RequestError {
  if (hasTokens(access)) {
    const message = `This needs a token: send the header "Authorization: Bearer <token>" with ${neededTokens(permission)}.`;
    return new RequestError(401, message, { headers: challenge() });
  }
  const hint =
    'Set ADMIN_TOKEN (everything), API_TOKEN (tables and queries) or PUBLIC_READ=true (reading tables) in its environment.';
  if (!knowsPeer) {
    return new RequestError(403, 'This deployment is closed, because no token is set for it yet.', { hint });
  }
  const why = whyNotLocal(request, access.corsOrigins) ?? '';
  const message = `No token is set, so this server answers only its own machine. ${why}`;
  return new RequestError(403, message.trim(), { hint });
}

function insufficient(permission: Permission): RequestError {
  const needed = neededTokens(permission);
  return new RequestError(403, `The token does not allow this; it needs ${needed}.`, {
    headers: challenge('error="insufficient_scope"'),
  });
}

function neededTokens(permission: Permission): string {
  if (permission === 'cron-sync') return 'ADMIN_TOKEN or CRON_SECRET';
  return grants.api.includes(permission) ? 'API_TOKEN or ADMIN_TOKEN' : 'ADMIN_TOKEN';
}

function challenge(...more: readonly string[]): Readonly<Record<string, string>> {
  return { 'www-authenticate': ['Bearer realm="eider"', ...more].join(', ') };
}
