/**
 * Who asks: access tokens for a key of Google Cloud, by the SDK.
 *
 * Owns: the SDK's client for credentials, which keeps a token until shortly before it expires. Asks for nothing when
 * there are no credentials. The worst that can happen: a key in an error; so none of the SDK's errors leaves this room.
 */
import { Storage } from '@google-cloud/storage';
import { orAborted } from '../signal.ts';
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

export interface Grant {
  /** What authorizes a request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly by: Storage | null;
}

/** For one request to Google's token endpoint. */
const tokenTimeoutMs = 10_000;

export class Authorization {
  readonly #open: () => Storage;
  #storage: Storage | null;

  constructor(credentials: GcsCredentials, projectId: string | undefined) {
    this.#open = () => openStorage(credentials, projectId);
    this.#storage = credentials.kind === 'none' ? null : this.#open();
  }

  /** @throws AppError `denied` or `unavailable`; nothing was sent to the store. */
  async grant(signal: AbortSignal | undefined): Promise<Grant> {
    const storage = this.#storage;
    if (!storage) return { headers: {}, by: null };
    const headers = await orAborted(signal, () => headersOf(storage));
    return { headers, by: storage };
  }

  /** Forgets a token that was refused. Returns whether asking again makes sense. */
  renew({ by }: Grant): boolean {
    if (!by) return false;
    // Of many requests that were refused together, the first renews.
    if (by === this.#storage) this.#storage = this.#open();
    return true;
  }
}

async function headersOf(storage: Storage): Promise<Record<string, string>> {
  try {
    return Object.fromEntries(await storage.authClient.getRequestHeaders());
  } catch (error) {
    throw explainKey(error);
  }
}

/** Node's own `fetch` asks for tokens: the SDK's would load another HTTP client, and has no time limit. */
function openStorage(credentials: GcsCredentials, projectId: string | undefined): Storage {
  const transporterOptions = {
    timeout: tokenTimeoutMs,
    fetchImplementation: (...request: Parameters<typeof fetch>) => fetch(...request),
  };
  return new Storage({
    ...(credentials.kind === 'inline' ? { credentials: credentials.key } : {}),
    ...(credentials.kind === 'file' ? { keyFilename: credentials.path } : {}),
    ...(projectId === undefined ? {} : { projectId }),
    clientOptions: { transporterOptions },
  });
}
