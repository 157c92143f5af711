/**
 * The terms on which an endpoint is served: who may use it, in which queue it waits, how large a body it takes.
 *
 * Each endpoint declares its terms where it is registered, in endpoints.ts; none can be registered without. Who has
 * which permission is decided in access.ts.
 */
import type { Address } from './address.ts';

/** What a request does, as far as rights are concerned. */
export type Permission =
  /** Answered to anyone: what methods there are. */
  | 'methods'
  /** Anyone gets a summary; callers with more rights get more. */
  | 'status'
  | 'openapi'
  | 'read-table'
  | 'write-table'
  /** SQL; what it may change, the role says. */
  | 'sql'
  | 'catalog'
  | 'changes'
  | 'import'
  | 'export-table'
  | 'export-database'
  /** What Vercel's cron does with its secret: GET. */
  | 'cron-sync'
  | 'sync';

/**
 * The queues of the load shedder. `transfer`: an import or an export, which keeps its place until the answer is sent, as a
 * `query` does. `events`: an answer of server-sent events for as long as it lasts, whichever queue it came through.
 * `free`: short requests, and those of which there is only one at a time.
 */
export type Load = 'read' | 'write' | 'query' | 'transfer' | 'events' | 'free';

export interface Terms {
  /** A function where the address decides, such as an export of a table or of the whole database. */
  readonly permission: Permission | ((address: Address) => Permission);
  readonly load: Exclude<Load, 'events'>;
  /** Most bytes of a body; 0 where none is read. */
  readonly maxBodyBytes: number;
  /** The types of its answers; absent: JSON. A client that accepts none of them is refused before anything is done. */
  readonly produces?: readonly string[];
  /** The answer to an error; absent: a problem document. */
  readonly failure?: (error: unknown, request: Request) => Response;
}

const mebibyte = 1024 * 1024;

/** A read without a body. */
export const reading = (permission: Terms['permission']): Terms => ({ permission, load: 'read', maxBodyBytes: 0 });

/** A write of one commit. */
export const writing = (permission: Terms['permission'], maxBodyBytes = mebibyte): Terms => ({
  permission,
  load: 'write',
  maxBodyBytes,
});
