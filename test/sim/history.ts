/**
 * What clients saw: each operation with when it was asked, when and how it was answered.
 */
import type { ErrorKind } from '../../lib/errors.ts';
import type { Write } from './workload.ts';

export type Request =
  | {
      readonly kind: 'write';
      readonly write: Write;
      /** It is sent again, under a key that lets it be done once, until somebody knows what became of it. */
      readonly isKeyed: boolean;
    }
  /** The changes after a version. */
  | { readonly kind: 'follow'; readonly after: number }
  | {
      readonly kind: 'read';
      /** 0: strict. */
      readonly maxStalenessMs: number;
      /** The version that this client has seen already. */
      readonly bookmark: number;
    };

/**
 * `pending`: kept until the store is back. `degraded`: read from what stood in for it. `unknown`: no answer, or one that says
 * so. `failed`: nothing happened, says the answer. `refused`: the work itself, or a constraint, refused it, by the state
 * that it ran on.
 */
export type Reply =
  | { readonly kind: 'ok'; readonly version: number; readonly answer: string }
  | { readonly kind: 'pending'; readonly answer: string }
  | { readonly kind: 'degraded'; readonly answer: string }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: ErrorKind }
  | { readonly kind: 'unknown' };

export interface Recorded {
  readonly id: string;
  readonly client: string;
  readonly process: string;
  readonly request: Request;
  /** When it was asked and answered, as stamps of the world; Infinity as long as there is no answer. */
  readonly asked: number;
  answered: number;
  /** True time of the asking. */
  readonly askedMs: number;
  reply: Reply;
  /** How often it was sent. */
  attempts: number;
  /** When attempts after the first began that were refused, as stamps: none of them after it was done. */
  readonly refusedAttempts: number[];
}

export function describeRequest(request: Request): string {
  if (request.kind === 'read') return `read, at most ${request.maxStalenessMs} ms old, bookmark ${request.bookmark}`;
  if (request.kind === 'follow') return `follow ${request.after}`;
  return `${Object.values(request.write).join(' ')}${request.isKeyed ? ', under a key' : ''}`;
}

export function describeReply(reply: Reply): string {
  switch (reply.kind) {
    case 'ok':
      return `ok at ${reply.version}: ${reply.answer}`;
    case 'pending':
    case 'degraded':
      return `${reply.kind}: ${reply.answer}`;
    case 'refused':
      return `refused: ${reply.reason}`;
    case 'failed':
      return `failed: ${reply.error}`;
    case 'unknown':
      return 'unknown';
  }
}
