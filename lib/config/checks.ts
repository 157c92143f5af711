/** A check answers the parsed value, or what is wrong. */
import type { GcsCredentials, GoogleKey } from '../store/gcs/authorization.ts';
import type { VariableCheck, Checked } from './variables.ts';

const shortestToken = 16;
const longestSegment = 200;
const longestKey = 700;

const wrong = (problem: string): { readonly problem: string } => ({ problem });

/** Text that fits `pattern`; `problem` says what it should be. */
function matching(pattern: RegExp, problem: string): VariableCheck<string> {
  return (text) => (pattern.test(text) ? { value: text } : wrong(problem));
}

export function oneOf<const W extends string>(words: readonly W[]): VariableCheck<W> {
  return (text) => {
    const word = words.find((candidate) => candidate === text.toLowerCase());
    return word === undefined ? wrong(`must be one of: ${words.join(', ')}`) : { value: word };
  };
}

/** `true`, `1`, `yes`, `on` and their opposites, in any case. */
export function checkBoolean(text: string): Checked<boolean> {
  if (/^(true|1|yes|on)$/i.test(text)) return { value: true };
  if (/^(false|0|no|off)$/i.test(text)) return { value: false };
  return wrong('must be true or false');
}

export function checkMilliseconds(text: string): Checked<number> {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? { value } : wrong('must be a whole number of milliseconds, 0 or more');
}

/** A credential as providers issue them: printable, without blanks. */
export const checkCredential = matching(
  /^[\x21-\x7e]+$/,
  'must be printable ASCII characters without blanks or line breaks',
);

/** A bearer token: what an `Authorization` header can carry, and not to be guessed. */
export function checkToken(text: string): Checked<string> {
  const printable = checkCredential(text);
  if ('problem' in printable || text.length >= shortestToken) return printable;
  return wrong(`must be at least ${shortestToken} characters long`);
}

/** `*`, or origins as browsers send them, separated by commas. */
export function checkOrigins(text: string): Checked<readonly string[]> {
  const origins = text.split(',').map((part) => part.trim());
  if (text === '*') return { value: origins };
  if (origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)) return { value: origins };
  return wrong('must be * or origins such as https://app.example.com, separated by commas, without a path');
}

/** A bucket of S3 or GCS. Wide enough for old and S3-compatible names, and still no URL, ARN or path. */
export const checkBucket = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/,
  'must be the plain name of a bucket (letters, digits, ".", "_", "-"), not a URL or a path',
);

export const checkRegion = matching(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be a region such as eu-west-1');

export const checkRoleArn = matching(
  /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/,
  'must be the ARN of a role, such as arn:aws:iam::123456789012:role/eider',
);

/** `vercel_blob_rw_<storeId>_<secret>` */
export function checkBlobToken(text: string): Checked<{ readonly token: string; readonly storeId: string }> {
  const storeId = /^vercel_blob_rw_([A-Za-z0-9]+)_[A-Za-z0-9]+$/.exec(text)?.[1];
  if (storeId !== undefined) return { value: { token: text, storeId } };
  return wrong('must have the form vercel_blob_rw_<store id>_<secret>, as shown with the Blob store on Vercel');
}

/** As Vercel shows it, with or without its `store_`: https://vercel.com/docs/vercel-blob */
export function checkBlobStoreId(text: string): Checked<string> {
  const storeId = /^(?:store_)?([A-Za-z0-9]+)$/.exec(text)?.[1];
  return storeId === undefined ? wrong('must be the id of a Blob store, such as store_AbC123') : { value: storeId };
}

/** The base URL of a store's API, without a slash at its end. */
export function checkEndpoint(text: string): Checked<string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    return wrong('must be a URL that begins with https:// or http://');
  if (url.username !== '' || url.password !== '') return wrong('must not hold a user name or password');
  if (url.search !== '' || url.hash !== '') return wrong('must be a URL without "?" and "#"');
  return { value: url.href.replace(/(?<!\/)\/+$/, '') };
}

/** An emulator's address as Google's tools take it: a URL, or a host and port without the protocol. */
export function checkEmulatorHost(text: string): Checked<string> {
  return checkEndpoint(/^https?:/i.test(text) ? text : `http://${text}`);
}

/** A PostgreSQL connection URL; `driver` is Neon's own for its hosts. */
export function checkPostgresUrl(text: string): Checked<{ connectionString: string; driver: 'pg' | 'neon' }> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) {
    return wrong(
      'must be a URL such as postgres://user:password@host:5432/database (special characters in the password percent-encoded)',
    );
  }
  // A password with "#", "/", "?" or "@" that is not encoded ends up in other parts, which are shown.
  const isMisread =
    url.hash !== '' || /[/@]/.test(url.pathname.slice(1)) || (url.username === '' && text.includes('@'));
  if (isMisread || [...url.searchParams.keys()].some((name) => !/^\w+$/.test(name))) {
    return wrong('has a special character in the user, the password or the database that is not percent-encoded');
  }
  const host = url.hostname || url.searchParams.get('host') || '';
  if (host === '') return wrong('must name a host: postgres://user:password@host:5432/database');
  return { value: { connectionString: text, driver: /\.neon\.tech$/i.test(host) ? 'neon' : 'pg' } };
}

/** The database file's key in a bucket: segments of `[A-Za-z0-9._-]` separated by `/`, as every store takes them. */
export function checkDatabaseKey(text: string): Checked<string> {
  if (/^\/|\/$/.test(text)) return wrong('must neither begin nor end with "/"');
  if (text.length > longestKey) return wrong(`must be at most ${longestKey} characters long`);
  const badSegment = text.split('/').some((segment) => !isSegment(segment));
  return badSegment
    ? wrong(
        `must be made of letters, digits, ".", "_" and "-", with "/" between folders, each part at most ${longestSegment} characters and none of them "." or ".."`,
      )
    : { value: text };
}

/** One part of a key, short enough for what is appended to it to fit a file name. */
export function isSegment(text: string): boolean {
  return /^[A-Za-z0-9._-]+$/.test(text) && !/^\.{1,2}$/.test(text) && text.length <= longestSegment;
}

/** The fields that the client library cannot do without, by type: https://google.aip.dev/auth/4110 */
const neededFields: Readonly<Record<GoogleKey['type'], readonly string[]>> = {
  service_account: ['client_email', 'private_key'],
  authorized_user: ['client_id', 'client_secret', 'refresh_token'],
  external_account: ['audience', 'subject_token_type', 'token_url'],
};

/** A path, or the key itself as JSON, plain or in base64. Errors of the parser quote the key, so they are dropped. */
export function checkGoogleCredentials(text: string): Checked<GcsCredentials> {
  if (text.startsWith('{')) return checkKey(text, 'looks like JSON');
  const decoded = decodeBase64(text);
  if (decoded !== null) return checkKey(decoded, 'looks like base64 of JSON');
  if (isPath(text)) return { value: { kind: 'file', path: text } };
  return { problem: 'is neither the path of a key file, nor the JSON of a key, nor that JSON in base64' };
}

function checkKey(json: string, looks: string): Checked<GcsCredentials> {
  const key = parseObject(json) ?? parseObject(escapeLineBreaks(json));
  if (key === null) return { problem: `${looks}, but cannot be parsed: it may be cut off or badly quoted` };
  const type = key['type'];
  if (!isKeyType(type)) {
    return { problem: `is JSON whose "type" is none of: ${Object.keys(neededFields).join(', ')}` };
  }
  const lacking = neededFields[type].filter((field) => typeof key[field] !== 'string' || key[field] === '');
  if (lacking.length > 0) return { problem: `is a ${type} key that lacks: ${lacking.join(', ')}` };
  return type === 'service_account' ? checkPrivateKey({ ...key, type }) : inline({ ...key, type });
}

/** Quoting it twice turns the line breaks of a private key into a backslash and an n: the most common mishap. */
function checkPrivateKey(key: GoogleKey): Checked<GcsCredentials> {
  const pem = String(key['private_key']).replaceAll('\\n', '\n');
  if (!/^-----BEGIN [A-Z ]*PRIVATE KEY-----\n[^]+\n-----END [A-Z ]*PRIVATE KEY-----\s*$/.test(pem)) {
    return { problem: 'is a service_account key whose "private_key" is not a whole PEM private key' };
  }
  return inline({ ...key, private_key: pem });
}

function inline(key: GoogleKey): Checked<GcsCredentials> {
  return { value: { kind: 'inline', key } };
}

function isKeyType(type: unknown): type is GoogleKey['type'] {
  return typeof type === 'string' && Object.hasOwn(neededFields, type);
}

/** The text that `text` encodes, if that is a JSON object's. `{"` and `{ ` begin so in base64, and no path does. */
function decodeBase64(text: string): string | null {
  const compact = text.replace(/\s+/g, '');
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(compact)) return null;
  const decoded = Buffer.from(compact, 'base64').toString('utf8').trimStart();
  return /^\{\s*"/.test(decoded) ? decoded : null;
}

function parseObject(json: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    return null; // The error quotes the key.
  }
}

/** Shells and .env files expand `\n` inside the strings of a key; JSON wants it back. */
function escapeLineBreaks(json: string): string {
  return json.replace(/"(?:[^"\\]|\\[^])*"/g, (literal) => literal.replace(/\r?\n/g, '\\n'));
}

function isPath(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const plain = !/[\x00-\x1f\x7f"'{}]/.test(text) && !text.startsWith('-');
  return plain && text.length <= 4096 && text.split('/').every((segment) => segment.length <= 255);
}
