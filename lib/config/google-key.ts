/**
 * `GOOGLE_APPLICATION_CREDENTIALS`: the path of a key file, or the key itself as JSON, plain or in base64, for platforms
 * without files of one's own, such as Vercel. Errors of the parser quote the key, so they are dropped.
 */
import type { GcsCredentials, GoogleKey } from '../store/gcs/authorization.ts';
import type { Checked } from './variables.ts';

/** The fields that the client library cannot do without, by type: https://google.aip.dev/auth/4110 */
const neededFields: Readonly<Record<GoogleKey['type'], readonly string[]>> = {
  service_account: ['client_email', 'private_key'],
  authorized_user: ['client_id', 'client_secret', 'refresh_token'],
  external_account: ['audience', 'subject_token_type', 'token_url'],
};

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
