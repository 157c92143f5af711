/** Access tokens come from the SDK, which keeps one until shortly before it expires. */
import { readFile } from 'node:fs/promises';
import { Storage } from '@google-cloud/storage';
import { AppError, isAppError } from '../../errors.ts';
import { ProviderFailure } from '../driver/failure.ts';
import { orAborted, type Signal, throwIfAborted } from '../signal.ts';
import { field } from './errors.ts';

export interface GoogleKey {
  readonly type: 'service_account' | 'authorized_user' | 'external_account';
  readonly [field: string]: unknown;
}

/** `none`: an endpoint of one's own (an emulator) that asks for no credentials. */
export type GcsCredentials =
  | { readonly kind: 'inline'; readonly key: GoogleKey }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'none' };

type GoogleAuth = Storage['authClient'];

export interface Grant {
  readonly headers: Readonly<Record<string, string>>;
  readonly by: Promise<GoogleAuth> | null;
}

const tokenTimeoutMs = 10_000;

export class Authorization {
  readonly #credentials: GcsCredentials;
  #auth: Promise<GoogleAuth> | null = null;

  constructor(credentials: GcsCredentials) {
    this.#credentials = credentials;
  }

  async grant(signal: Signal): Promise<Grant> {
    if (this.#credentials.kind === 'none') return { headers: {}, by: null };
    throwIfAborted(signal);
    const by = (this.#auth ??= openAuth(this.#credentials));
    try {
      return { headers: await orAborted(signal, () => headersOf(by)), by };
    } catch (error) {
      if (isAppError(error, 'denied')) this.#forget(by);
      throw error;
    }
  }

  renew({ by }: Grant): boolean {
    if (by) this.#forget(by);
    return by !== null;
  }

  #forget(by: Promise<GoogleAuth>): void {
    if (by === this.#auth) this.#auth = null;
  }
}

async function headersOf(auth: Promise<GoogleAuth>): Promise<Record<string, string>> {
  try {
    return Object.fromEntries(await (await auth).getRequestHeaders());
  } catch (error) {
    throw explainKey(error);
  }
}

async function openAuth(credentials: Exclude<GcsCredentials, { kind: 'none' }>): Promise<GoogleAuth> {
  const key = credentials.kind === 'inline' ? credentials.key : await readKey(credentials.path);
  const clientOptions = { transporterOptions: { timeout: tokenTimeoutMs, fetchImplementation } };
  const { authClient } = new Storage({ clientOptions });
  // Set, not passed: the SDK warns on the console, at each start, of a key that is passed as an option.
  // https://cloud.google.com/docs/authentication/external/externally-sourced-credentials
  authClient.jsonContent = key as GoogleAuth['jsonContent'];
  return authClient;
}

/** Without a key, the SDK would look for others on the machine and in the network. */
async function readKey(path: string): Promise<object> {
  const key: unknown = JSON.parse(await readFile(path, 'utf8'));
  if (typeof key === 'object' && key !== null && 'type' in key) return key;
  throw new TypeError('The file has no key.');
}

/** Node's own: the SDK's would load another HTTP client. */
function fetchImplementation(...request: Parameters<typeof fetch>): Promise<Response> {
  return fetch(...request);
}

/**
 * The SDK's errors carry the signed request and may quote the key: only codes, and two words of the token endpoint,
 * are used.
 */
function explainKey(error: unknown): AppError {
  const response = field(error, 'response');
  const status = field(response, 'status');
  // https://developers.google.com/identity/protocols/oauth2/service-account#error-codes
  const word = wordOf(field(field(response, 'data'), 'error'), /^[a-z_]{1,40}$/);
  const description = wordOf(field(field(response, 'data'), 'error_description'), /^[\w .,:;()'-]{1,200}$/);
  const code = codeOf(error);
  const [kind, message, hint] =
    typeof status === 'number' ? meaningOfAnswer(status, word, description) : meaningOfCode(code);
  return new AppError(kind, message, {
    cause: new ProviderFailure(description || word || code, { code: word || code }),
    hint,
  });
}

type TokenMeaning = readonly [kind: 'denied' | 'unavailable', message: string, hint: string];

const checkNetwork = 'Check the network, and https://status.cloud.google.com.';

function meaningOfAnswer(status: number, error: string, description: string): TokenMeaning {
  if (status === 429 || status >= 500) {
    return ['unavailable', `Google does not issue an access token at the moment (${status}).`, checkNetwork];
  }
  if (/reasonable timeframe|iat and exp/i.test(description)) {
    return [
      'denied',
      'Google refuses the key in GOOGLE_APPLICATION_CREDENTIALS because the clock of this machine is wrong.',
      'Correct the clock: Google tolerates a few minutes.',
    ];
  }
  const isDead = /^(invalid_grant|invalid_client|deleted_client|disabled_client|account_disabled)$/.test(error);
  const why = isDead ? 'is no longer valid: it expired, or it, or its account, was deleted or disabled' : 'was refused';
  return [
    'denied',
    `The key in GOOGLE_APPLICATION_CREDENTIALS ${why}${error && ` (${error})`}.`,
    'Create a new key for the service account, and set GOOGLE_APPLICATION_CREDENTIALS to it.',
  ];
}

function meaningOfCode(code: string): TokenMeaning {
  if (/^(ENOENT|EACCES|EPERM|EISDIR|ENOTDIR)$/.test(code)) {
    return [
      'denied',
      `The key file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read (${code}).`,
      'Correct the path, or put the JSON of the key itself into GOOGLE_APPLICATION_CREDENTIALS.',
    ];
  }
  if (/^(E[A-Z]+|UND_ERR_\w+|TimeoutError|AbortError)$/.test(code)) {
    return ['unavailable', `Google could not be asked for an access token (${code}).`, checkNetwork];
  }
  return [
    'denied',
    'The key in GOOGLE_APPLICATION_CREDENTIALS cannot be used: it is damaged or of no known kind.',
    'Set GOOGLE_APPLICATION_CREDENTIALS to the JSON key of a service account, unchanged.',
  ];
}

function codeOf(error: unknown): string {
  const causes = [error, field(error, 'cause'), field(field(error, 'cause'), 'cause')].toReversed();
  const codes = causes.map((cause) => wordOf(field(cause, 'code'), /^[A-Za-z_0-9]{1,60}$/));
  return codes.find((code) => code !== '') ?? '';
}

function wordOf(value: unknown, shape: RegExp): string {
  return typeof value === 'string' && shape.test(value) ? value : '';
}
