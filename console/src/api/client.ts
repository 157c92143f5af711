/** Requests to the API of this very server: with the token, which is asked for when it is missing, and with errors as people read them. */
import { createStore } from '../store.ts';
import { askForToken, token } from './session.ts';

/** Where the API is, below the page. */
export const apiAddress = new URL('api/', document.baseURI).href;

/** False since a request did not get through. */
export const online = createStore(true);
/** What the last answer said of the database that it came from; null: it was the database itself. */
export const degraded = createStore<string | null>(null);

export interface FieldFault {
  readonly path: string;
  readonly message: string;
}

export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly hint?: string;
  readonly code?: string;
  readonly column?: string;
  readonly errors?: readonly FieldFault[];
}

/** An answer that is a problem document, or none at all (`status` 0). */
export class ApiError extends Error {
  readonly problem: Problem;
  readonly requestId: string | null;

  constructor(problem: Problem, requestId: string | null = null) {
    super(problem.detail ?? problem.title);
    this.name = 'ApiError';
    this.problem = problem;
    this.requestId = requestId;
  }

  get status(): number {
    return this.problem.status;
  }
}

export interface Send extends RequestInit {
  /** Do not open the sign-in dialog: the caller has something to show instead. */
  readonly quiet?: boolean;
}

/**
 * Answers of 2xx and 304. A 401 asks for a token, then the request is sent again: whoever waits for it loses nothing.
 *
 * @example await send('db-sync', { method: 'POST' })
 * @throws ApiError
 */
export async function send(path: string, { quiet = false, ...init }: Send = {}): Promise<Response> {
  for (;;) {
    const response = await fetchOnce(path, init);
    if (response.ok || response.status === 304) return response;
    const error = await problemOf(response);
    if (response.status !== 401 || quiet || !(await askForToken(error.message))) throw error;
  }
}

/** @throws ApiError */
export async function sendJson<T>(path: string, init: Send = {}): Promise<T> {
  return (await (await send(path, init)).json()) as T;
}

async function fetchOnce(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  const given = token.get();
  if (given !== null) headers.set('authorization', `Bearer ${given}`);
  if (init.body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
  try {
    const response = await fetch(new URL(path, apiAddress), {
      ...init,
      headers,
      cache: 'no-store',
      credentials: 'omit',
    });
    online.set(true);
    noteDegraded(response);
    return response;
  } catch (error) {
    init.signal?.throwIfAborted();
    online.set(false);
    const detail = `The server did not answer (${(error as Error).message}).`;
    throw new ApiError({ title: 'The server cannot be reached', status: 0, detail });
  }
}

function noteDegraded({ headers, ok }: Response): void {
  const why = headers.get('db-degraded');
  if (why !== null) degraded.set(why);
  else if (ok && headers.has('db-bookmark')) degraded.set(null);
}

async function problemOf(response: Response): Promise<ApiError> {
  const given = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const title = given.title ?? `The server answered ${response.status}`;
  return new ApiError({ ...given, title, status: response.status }, response.headers.get('x-request-id'));
}
