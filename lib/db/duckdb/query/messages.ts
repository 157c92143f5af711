/** What the server and the process that runs queries say to each other, as JSON. Types only. */
import type { QueryRequest, QueryResult } from '../../database.ts';

/** To the process, one at a time. */
export type QueryOrder =
  /** Opens the copy at `path`, in place of the one before. */
  | { readonly kind: 'open'; readonly path: string; readonly spillPath: string; readonly memoryBytes: number }
  | { readonly kind: 'run'; readonly request: Omit<QueryRequest, 'timeoutMs'> }
  /** Stops what runs; its answer says so. */
  | { readonly kind: 'stop' };

/** From the process, one for each `open` and `run`. */
export type QueryReply =
  | { readonly kind: 'opened' }
  | { readonly kind: 'result'; readonly result: QueryResult }
  /** The query is wrong, or not allowed. */
  | {
      readonly kind: 'invalid';
      readonly message: string;
      readonly hint?: string | undefined;
      readonly sqlState?: string | undefined;
    }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'too-much-memory' }
  /** A defect, or the disk: nothing that the query could be blamed for. */
  | { readonly kind: 'failed'; readonly message: string };
