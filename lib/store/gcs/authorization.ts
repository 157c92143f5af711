/** Access tokens for a key of Google Cloud, by the SDK, which keeps a token until shortly before it expires. */
import { readFile } from 'node:fs/promises';
import { Storage } from '@google-cloud/storage';
import { isAppError } from '../../errors.ts';
import { orAborted, throwIfAborted, type Signal } from '../signal.ts';
import { explainKey } from './key-errors.ts';

/** A key of Google Cloud as its console issues it. */
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
  /** What authorizes a request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly by: Promise<GoogleAuth> | null;
}

/** For one request to Google's token endpoint. */
const tokenTimeoutMs = 10_000;

export class Authorization {
  readonly #credentials: GcsCredentials;
  #auth: Promise<GoogleAuth> | null = null;

  constructor(credentials: GcsCredentials) {
    this.#credentials = credentials;
  }

  /** @throws AppError `denied` or `unavailable`; nothing was sent to the store. */
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

  /** Forgets a token that was refused. Returns whether asking again makes sense. */
  renew({ by }: Grant): boolean {
    if (by) this.#forget(by);
    return by !== null;
  }

  /** Of many requests that failed together, the first reads the key file again. */
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
  throw new TypeError('The file holds no key.');
}

/** Node's own: the SDK's would load another HTTP client. */
function fetchImplementation(...request: Parameters<typeof fetch>): Promise<Response> {
  return fetch(...request);
}
