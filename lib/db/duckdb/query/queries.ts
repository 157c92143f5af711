/** Queries of users on DuckDB: which process runs which, on which copy of the database. */
import { join } from 'node:path';
import { Semaphore } from '../../../async/semaphore.ts';
import { AppError, isAppError } from '../../../errors.ts';
import type { Runtime } from '../../../runtime.ts';
import type { ReplicaCopy } from '../../../sync/copies.ts';
import type { Engine } from '../../../sync/engine.ts';
import type { ReadRequest } from '../../../sync/reads.ts';
import type { Answer, QueryRequest, QueryResult } from '../../database.ts';
import { defaultLimits, Sandbox, type SandboxLimits } from './sandbox.ts';

interface Worker {
  readonly sandbox: Sandbox;
  copy: ReplicaCopy | null;
  usedMs: number;
}

/** A process that had nothing to do for so long is ended: it holds memory, and a copy on the disk. */
const idleMs = 120_000;

const mostProcesses = 2;
const mostWaiting = 32;

export class SandboxedQueries {
  readonly #engine: Engine;
  readonly #runtime: Runtime;
  readonly #limits: SandboxLimits;
  readonly #idle: Worker[] = [];
  readonly #workers = new Set<Worker>();
  readonly #places = new Semaphore(
    { permits: mostProcesses, waiting: mostWaiting },
    () => new AppError('unavailable', 'Too many queries are waiting.', { retryAfterMs: 2000 }),
  );

  constructor(engine: Engine, runtime: Runtime, limits: SandboxLimits = defaultLimits) {
    this.#engine = engine;
    this.#runtime = runtime;
    this.#limits = limits;
  }

  /** Runs all of them on one copy. */
  async run(requests: readonly QueryRequest[], read: ReadRequest): Promise<Answer<readonly QueryResult[]>> {
    const started = this.#runtime.monotonicMs();
    const release = await this.#places.acquire({ signal: read.signal });
    const queued = this.#runtime.monotonicMs();
    try {
      const copy = await this.#engine.copy(read);
      const worker = await this.#workerOn(copy);
      const opened = this.#runtime.monotonicMs();
      const value = await this.#runOn(worker, requests, read.signal);
      const timings = {
        queue: queued - started,
        fresh: opened - queued,
        run: this.#runtime.monotonicMs() - opened,
      };
      return { value, version: copy.version, durability: 'durable', timings };
    } finally {
      release();
    }
  }

  /** Ends processes that have had nothing to do for long. */
  retireIdle(): void {
    const since = this.#runtime.monotonicMs() - idleMs;
    const retired = this.#idle.filter(({ usedMs }) => usedMs < since);
    for (const worker of retired) {
      this.#idle.splice(this.#idle.indexOf(worker), 1);
      this.#discard(worker);
    }
  }

  /** Ends every process and the query that it runs. */
  close(): void {
    void this.#places.close(new AppError('unavailable', 'The database is closed.'));
    for (const worker of this.#workers) this.#discard(worker);
  }

  /** A process that has the copy open; the copy is its own from then on. */
  async #workerOn(copy: ReplicaCopy): Promise<Worker> {
    for (;;) {
      const idle = this.#idleWorker();
      const worker = idle ?? this.#startWorker();
      try {
        await this.#openCopy(worker, copy);
        return worker;
      } catch (error) {
        this.#discard(worker);
        // One that has run before may have been on its last legs; a new one is not.
        if (idle) continue;
        copy.release();
        throw error;
      }
    }
  }

  async #openCopy(worker: Worker, copy: ReplicaCopy): Promise<void> {
    if (worker.copy?.path === copy.path) return copy.release();
    await worker.sandbox.open(copy.path, join(copy.path, '..', 'spill'));
    worker.copy?.release();
    worker.copy = copy;
  }

  #idleWorker(): Worker | null {
    for (let worker = this.#idle.pop(); worker; worker = this.#idle.pop()) {
      if (worker.sandbox.isAlive) return worker;
      this.#discard(worker);
    }
    return null;
  }

  #startWorker(): Worker {
    const worker: Worker = { sandbox: new Sandbox(this.#runtime, this.#limits), copy: null, usedMs: 0 };
    this.#workers.add(worker);
    return worker;
  }

  async #runOn(
    worker: Worker,
    requests: readonly QueryRequest[],
    signal: AbortSignal | undefined,
  ): Promise<readonly QueryResult[]> {
    const results: QueryResult[] = [];
    let isSpent = false;
    try {
      for (const request of requests) results.push(await worker.sandbox.run(request, signal));
      return results;
    } catch (error) {
      // Part of the memory may still be held for queries before it: whoever asks again gets a new process.
      isSpent = isAppError(error) && error.sqlState === '54000';
      throw error;
    } finally {
      worker.usedMs = this.#runtime.monotonicMs();
      if (worker.sandbox.isAlive && !isSpent) this.#idle.push(worker);
      else this.#discard(worker);
    }
  }

  #discard(worker: Worker): void {
    this.#workers.delete(worker);
    worker.sandbox.kill();
    worker.copy?.release();
    worker.copy = null;
  }
}
