/** A process for queries, from the server's side. */
import { LimitedProcess } from '../../../async/limited-process.ts';
import { AppError } from '../../../errors.ts';
import type { Runtime } from '../../../runtime.ts';
import type { QueryRequest, QueryResult } from '../../database.ts';
import type { QueryOrder, QueryReply } from './messages.ts';
import { moduleUrl, processMark } from './process.ts';

export interface SandboxLimits {
  /** What DuckDB may take, in bytes. */
  readonly memoryBytes: number;
  /** What the process may take in all, in bytes: Node's own share, and what DuckDB does not count. */
  readonly processBytes: number;
}

export const defaultLimits: SandboxLimits = {
  memoryBytes: 256 * 1024 * 1024,
  // Node reserves some 600 MB of it and touches 90.
  processBytes: 1024 * 1024 * 1024,
};

const openWithinMs = 30_000;

export class Sandbox {
  readonly #limits: SandboxLimits;
  readonly #process: LimitedProcess<QueryOrder, QueryReply>;

  constructor(runtime: Runtime, limits: SandboxLimits) {
    this.#limits = limits;
    this.#process = new LimitedProcess({ runtime, moduleUrl, mark: processMark, processBytes: limits.processBytes });
  }

  /** Whether it takes orders. */
  get isAlive(): boolean {
    return this.#process.isAlive;
  }

  /** Opens a copy of the database for the queries that follow. */
  async open(path: string, spillPath: string): Promise<void> {
    const order = { kind: 'open', path, spillPath, memoryBytes: this.#limits.memoryBytes } as const;
    const reply = await this.#process.ask(order, openWithinMs);
    if (reply.kind === 'opened') return;
    this.kill();
    const cause = new Error(reply.kind === 'failed' ? reply.message : `The process answered "${reply.kind}".`);
    throw new AppError('unavailable', 'The process for queries did not start.', { cause, retryAfterMs: 1000 });
  }

  /** Runs a query on the copy that is open. */
  async run(request: QueryRequest, signal: AbortSignal | undefined): Promise<QueryResult> {
    const { timeoutMs, ...rest } = request;
    const reply = await this.#process.ask({ kind: 'run', request: rest }, timeoutMs, signal);
    // An interrupted query may leave memory in use, so the next query gets a fresh process.
    if (reply.kind !== 'result' && reply.kind !== 'invalid') this.kill();
    switch (reply.kind) {
      case 'result':
        return reply.result;
      case 'invalid':
        throw new AppError('invalid', reply.message, {
          ...(reply.hint === undefined ? {} : { hint: reply.hint }),
          ...(reply.sqlState === undefined ? {} : { sqlState: reply.sqlState }),
        });
      case 'stopped':
        throw stopped(timeoutMs, signal);
      case 'too-much-memory':
        throw tooMuchMemory();
      case 'ended':
        if (reply.why === 'stopped') throw stopped(timeoutMs, signal);
        throw reply.why === 'killed' ? new AppError('unavailable', 'The database is closed.') : tooMuchMemory();
      case 'failed':
      case 'opened':
        throw new Error(`A query failed: ${reply.kind === 'failed' ? reply.message : reply.kind}`);
    }
  }

  kill(): void {
    this.#process.kill();
  }
}

function stopped(timeoutMs: number, signal: AbortSignal | undefined): AppError {
  if (signal?.aborted) return new AppError('unavailable', 'The query was cancelled.');
  return new AppError('invalid', `The query took longer than ${timeoutMs} ms and was stopped.`, {
    sqlState: '57014',
    hint: 'Use a filter, a smaller join, or an aggregate over fewer rows.',
  });
}

function tooMuchMemory(): AppError {
  return new AppError('invalid', 'The query needs more memory than allowed.', {
    sqlState: '54000',
    hint: 'Sort or group fewer rows, or use shorter texts or a smaller join.',
  });
}
