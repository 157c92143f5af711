/**
 * The server's side of a child process for untrusted input: starts it within limits, gives it one order at a time, ends it.
 *
 * Work that does not stop when asked, or takes too much memory, is killed with its process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Runtime } from '../runtime.ts';

export interface LimitedProcessOptions {
  readonly runtime: Runtime;
  /** The module that serves the orders, where the last argument of its process is `mark`. */
  readonly moduleUrl: string;
  readonly mark: string;
  /** What the process may take in all, in bytes: Node's own share too, which reserves some 600 MB and touches 90. */
  readonly processBytes: number;
}

/** Why there is no reply: it timed out or was cancelled, `kill` was called, or it died by itself, mostly for lack of memory. */
export type Ended = { readonly kind: 'ended'; readonly why: 'stopped' | 'killed' | 'died' };

/** How long work may take to stop before its process is killed. */
const graceMs = 500;

/**
 * The process gets each order as a message, answers it with one, and is sent `{ kind: 'stop' }` when that takes too long.
 *
 * @example const reply = await process.ask({ kind: 'run', sql }, 10_000, signal)
 */
export class LimitedProcess<Order extends object, Reply> {
  readonly #runtime: Runtime;
  readonly #process: ChildProcess;
  #waiting: ((reply: Reply | Ended) => void) | null = null;
  #ended: Ended['why'] | null = null;
  /** The running order was asked to stop. */
  #late = false;

  constructor(options: LimitedProcessOptions) {
    this.#runtime = options.runtime;
    this.#process = start(options);
    this.#process.on('message', (reply: Reply) => this.#settle(reply));
    this.#process.on('error', () => this.#end('died'));
    this.#process.on('exit', () => this.#end('died'));
    this.#rest();
  }

  /** Whether it takes orders. */
  get isAlive(): boolean {
    return this.#ended === null;
  }

  /** Gives an order and waits for its reply, at most for its time limit and a grace period. */
  async ask(order: Order, withinMs: number, signal?: AbortSignal): Promise<Reply | Ended> {
    const reply = new Promise<Reply | Ended>((resolve) => (this.#waiting = resolve));
    if (this.#ended !== null) return { kind: 'ended', why: this.#ended };
    const over = new AbortController();
    const stop = (): void => this.#stop(over.signal);
    this.#late = false;
    this.#work();
    this.#process.send(order, (error) => error && this.#end('died'));
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

  kill(): void {
    this.#end('killed');
    this.#process.kill('SIGKILL');
  }

  /** Asks the work to stop; what does not listen is killed. */
  #stop(over: AbortSignal): void {
    if (this.#late || this.#ended !== null) return;
    this.#late = true;
    this.#process.send({ kind: 'stop' }, () => undefined);
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

  #end(why: Ended['why']): void {
    this.#ended ??= this.#late ? 'stopped' : why;
    this.#settle({ kind: 'ended', why: this.#ended });
  }

  /** Between orders the child does not keep this process alive. */
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
 * killed from leaving its memory on disk. Where there is no such limit (macOS), that of the work itself has to do.
 */
function start({ moduleUrl, mark, processBytes }: LimitedProcessOptions): ChildProcess {
  const kilobytes = Math.floor(processBytes / 1024);
  const limited = `ulimit -d ${kilobytes} 2>/dev/null; ulimit -c 0 2>/dev/null; exec "$0" "$@"`;
  const program = 'import(process.argv[1])';
  const node = [process.execPath, '--max-old-space-size=256', '--input-type=module', '-e', program, moduleUrl, mark];
  return spawn('/bin/sh', ['-c', limited, ...node], {
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // What JSON cannot express, such as a bigint in a type.
    serialization: 'advanced',
    windowsHide: true,
  });
}
