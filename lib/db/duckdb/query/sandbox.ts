/**
 * A process for queries, from the server's side: starting it within limits, giving it orders, ending it.
 *
 * A query that does not stop when it is told to, or takes more memory than DuckDB counts, ends with its process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { AppError } from '../../../errors.ts';
import type { Runtime } from '../../../runtime.ts';
import type { QueryRequest, QueryResult } from '../../database.ts';
import type { Order, Reply } from './messages.ts';
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

/** How long a query may take to stop before its process is killed. */
const graceMs = 500;
const openWithinMs = 30_000;

type Ended = { readonly kind: 'ended' };

export class Sandbox {
  readonly #runtime: Runtime;
  readonly #limits: SandboxLimits;
  readonly #process: ChildProcess;
  #waiting: ((reply: Reply | Ended) => void) | null = null;
  #ended = false;
  #killed = false;
  /** What runs was told to stop. */
  #late = false;

  constructor(runtime: Runtime, limits: SandboxLimits) {
    this.#runtime = runtime;
    this.#limits = limits;
    this.#process = start(limits);
    this.#process.on('message', (reply: Reply) => this.#settle(reply));
    this.#process.on('error', () => this.#end());
    this.#process.on('exit', () => this.#end());
    this.#rest();
  }

  /** Whether it takes orders. */
  get isAlive(): boolean {
    return !this.#ended;
  }

  /** Opens a copy of the database for the queries that follow. */
  async open(path: string, spillPath: string): Promise<void> {
    const order = { kind: 'open', path, spillPath, memoryBytes: this.#limits.memoryBytes } as const;
    const reply = await this.#order(order, openWithinMs, undefined);
    if (reply.kind === 'opened') return;
    this.kill();
    const cause = new Error(reply.kind === 'failed' ? reply.message : `The process answered "${reply.kind}".`);
    throw new AppError('unavailable', 'The process for queries did not start.', { cause, retryAfterMs: 1000 });
  }

  /** Runs a query on the copy that is open. */
  async run(request: QueryRequest, signal: AbortSignal | undefined): Promise<QueryResult> {
    const { timeoutMs, ...rest } = request;
    const reply = await this.#order({ kind: 'run', request: rest }, timeoutMs, signal);
    // A query that was broken off may leave memory taken: whoever comes next gets a process that has not been through it.
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
        // Killed for its time, or by the limit on its memory.
        if (this.#late) throw stopped(timeoutMs, signal);
        throw this.#killed ? new AppError('unavailable', 'The database is closed.') : tooMuchMemory();
      case 'failed':
      case 'opened':
        throw new Error(`A query failed: ${reply.kind === 'failed' ? reply.message : reply.kind}`);
    }
  }

  kill(): void {
    this.#killed = true;
    this.#process.kill('SIGKILL');
    this.#end();
  }

  /** Gives an order and waits for its reply, no longer than the time that it has, and a grace. */
  async #order(order: Order, withinMs: number, signal: AbortSignal | undefined): Promise<Reply | Ended> {
    const reply = new Promise<Reply | Ended>((resolve) => (this.#waiting = resolve));
    if (this.#ended) return { kind: 'ended' };
    const over = new AbortController();
    const stop = (): void => this.#stop(over.signal);
    this.#late = false;
    this.#work();
    this.#process.send(order, (error) => error && this.#end());
    void this.#runtime.sleep(withinMs, over.signal).then(stop, () => undefined);
    signal?.addEventListener('abort', stop);
    if (signal?.aborted) stop();
    try {
      return await reply;
    } finally {
      over.abort();
      signal?.removeEventListener('abort', stop);
      this.#rest();
    }
  }

  /** Asks the query to stop; what does not listen is killed. */
  #stop(over: AbortSignal): void {
    if (this.#late || this.#ended) return;
    this.#late = true;
    this.#process.send({ kind: 'stop' } satisfies Order, () => undefined);
    void this.#runtime.sleep(graceMs, over).then(
      () => this.kill(),
      () => undefined,
    );
  }

  #settle(reply: Reply | Ended): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(reply);
  }

  #end(): void {
    this.#ended = true;
    this.#settle({ kind: 'ended' });
  }

  /** Between orders the process keeps nobody from ending. */
  #rest(): void {
    this.#process.unref();
    this.#process.channel?.unref();
  }

  #work(): void {
    this.#process.ref();
    this.#process.channel?.ref();
  }
}

/**
 * By way of the shell, which can set limits: `-d` counts what the process may write to, `-c` keeps a process that is
 * killed from leaving its memory on disk. Where there is no such limit (macOS), DuckDB's own has to do.
 */
function start({ processBytes }: SandboxLimits): ChildProcess {
  const kilobytes = Math.floor(processBytes / 1024);
  const limited = `ulimit -d ${kilobytes} 2>/dev/null; ulimit -c 0 2>/dev/null; exec "$0" "$@"`;
  const program = 'import(process.argv[1])';
  const node = [
    process.execPath,
    '--max-old-space-size=256',
    '--input-type=module',
    '-e',
    program,
    moduleUrl,
    processMark,
  ];
  return spawn('/bin/sh', ['-c', limited, ...node], {
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    windowsHide: true,
  });
}

function stopped(timeoutMs: number, signal: AbortSignal | undefined): AppError {
  if (signal?.aborted) return new AppError('unavailable', 'The query was stopped: nobody waits for it any more.');
  return new AppError('invalid', `The query took longer than ${timeoutMs} ms and was stopped.`, {
    hint: 'Ask for less: a filter, a smaller join, an aggregate of fewer rows.',
  });
}

function tooMuchMemory(): AppError {
  return new AppError('invalid', 'The query needs more memory than a query may take.', {
    hint: 'Ask for less: fewer rows to sort or to group, shorter texts, a smaller join.',
  });
}
