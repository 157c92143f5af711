/**
 * Faults that a test server, or the proxy before one, can be told to have. Named after what the network or the provider
 * does; which requests they meet is the test's to say.
 */

export type ServerFault =
  /** Waits, then goes on as if nothing had been. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Cuts the connection; nothing happened. */
  | { readonly kind: 'cut-before' }
  /** Takes effect, then cuts the connection instead of answering. */
  | { readonly kind: 'cut-after' }
  /** Answers, and cuts the connection after so many bytes of the answer's body. */
  | { readonly kind: 'cut-body'; readonly bytes: number }
  /** Answers this instead; nothing happened. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    };

export interface ServerRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface Planned {
  readonly matches: (request: ServerRequest) => boolean;
  readonly fault: ServerFault;
  left: number;
}

/** The faults that are still to come, in the order in which they were planned. */
export class FaultPlan {
  #planned: Planned[] = [];

  /** The next `times` requests that match meet `fault`. */
  add(matches: (request: ServerRequest) => boolean, fault: ServerFault, times = 1): void {
    this.#planned.push({ matches, fault, left: times });
  }

  /** The fault that this request meets, if any; it is used up. */
  take(request: ServerRequest): ServerFault | null {
    const planned = this.#planned.find(({ matches, left }) => left > 0 && matches(request));
    if (!planned) return null;
    planned.left--;
    return planned.fault;
  }

  /** Faults that no request has met yet. */
  get pending(): number {
    return this.#planned.reduce((sum, { left }) => sum + (left === Infinity ? 0 : left), 0);
  }

  clear(): void {
    this.#planned = [];
  }
}
