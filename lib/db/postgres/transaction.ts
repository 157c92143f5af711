import { AppError } from '../../errors.ts';
import type { Runtime } from '../../runtime.ts';
import type { Row } from '../../values.ts';
import { beginText, doneAlone, LostTransaction, type TransactionMode, versionOf } from './begin.ts';
import {
  codeOf,
  isConnectionLoss,
  isServerError,
  mapBeginError,
  mapStatementError,
  notARead,
  tooLate,
} from './errors.ts';
import { within } from './limits.ts';
import type { Connection, ConnectionPool, PostgresResult, PostgresStatement } from './pool.ts';
import { toParameter } from './values.ts';

/**
 * - `committed`: the server said so.
 * - `aborted`: the server said so; nothing is kept.
 * - `unknown`: it said nothing.
 */
export type CommitOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'aborted'; readonly error: unknown }
  | { readonly kind: 'unknown'; readonly error: unknown };

export interface TransactionOptions {
  readonly pool: Pick<ConnectionPool, 'connect'>;
  readonly runtime: Runtime;
  readonly mode: TransactionMode;
  readonly deadlineMs: number;
  readonly beginMs: number;
  /** Until when it may be asked what became of a statement that was not answered. */
  readonly outcomeMs: number;
  /** The longest that a statement of its own may take, which the session is told once. */
  readonly statementMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The error of a statement as it is thrown; without it, nothing is known of the catalog. */
  readonly mapError?: (error: unknown) => unknown;
}

/** Begins with its first statement, which is sent along with BEGIN. */
export class PostgresTransaction {
  /** Its own, unlike the version: kept with its changes. Null for one that reads. */
  readonly token: string | null;
  readonly #options: TransactionOptions;
  #hasEnded = false;
  #mode: TransactionMode;
  #connecting: Promise<Connection> | null = null;
  /** Resolves when the server has begun it. */
  #begun: Promise<void> | null = null;
  #version: number | null = null;
  #isSessionDoubtful = false;
  #turn: Promise<unknown> = Promise.resolve();
  /** The first error of a statement: after it, COMMIT would roll back. */
  failure: unknown;
  /** Whether the connection went: nothing of it is kept. */
  isLost = false;

  constructor(options: TransactionOptions) {
    this.#options = options;
    this.#mode = options.mode;
    this.token = options.mode === 'read' ? null : options.runtime.uuid();
  }

  get runtime(): Runtime {
    return this.#options.runtime;
  }

  get options(): TransactionOptions {
    return this.#options;
  }

  get isBegun(): boolean {
    return this.#begun !== null;
  }

  /** Of the state that was read, or that this transaction makes. Known once a statement has been answered. */
  get version(): number {
    if (this.#version === null) throw new Error('The version of a transaction is not known before it has begun.');
    return this.#version;
  }

  get isVersionKnown(): boolean {
    return this.#version !== null;
  }

  /** A statement that was a transaction of its own made or saw this version. */
  noteVersion(version: number): void {
    this.#version = Math.max(this.#version ?? 0, version);
  }

  /** The connection that it runs on, which is its own until it ends. @throws AppError */
  connect(): Promise<Connection> {
    this.#options.signal?.throwIfAborted();
    if (this.#hasEnded) throw new AppError('unavailable', 'This transaction has ended.');
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<Connection> {
    const { pool, runtime, statementMs } = this.#options;
    const connection = await pool.connect();
    const { session } = connection;
    const text = session.setUp(statementMs);
    // Not waited for: what is sent behind it is answered after it.
    if (text !== null)
      connection.run({ text }).then(
        ({ rows }) => session.noteSetUp(rows, runtime),
        () => undefined,
      );
    return connection;
  }

  /** Waits until the server has begun it. @throws AppError, LostTransaction */
  async begin(): Promise<void> {
    await this.#sendBegin(await this.connect());
  }

  /** For a single statement, which its constraints guard, and which sees what others commit while it waits for them. */
  async beginForOne(): Promise<void> {
    const connection = await this.connect();
    if (this.#mode === 'write') this.#mode = 'upkeep';
    this.#sendBegin(connection).catch(() => undefined);
  }

  /** Text of others may change settings beyond the transaction; where it is undone, they are, too. */
  mayChangeSession(): void {
    this.#isSessionDoubtful = this.#mode !== 'read';
  }

  /** The connection broke while a statement was a transaction of its own. */
  giveUpConnection(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    void this.#connecting?.then((connection) => connection.destroy());
  }

  /** Callers in parallel are answered in their order. @throws AppError */
  run(statement: PostgresStatement): Promise<PostgresResult> {
    const values = statement.values?.map(toParameter);
    const before = this.#turn;
    const result = this.#runNow(values ? { ...statement, values } : statement, before);
    this.#turn = result.then(ignore, ignore).then(() => before);
    return result;
  }

  async rows<R extends Row = Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    return (await this.run({ text, values })).rows as R[];
  }

  /** Sends COMMIT, and waits for its answer at least until `untilMs` on the monotonic clock. */
  async commit(untilMs: number): Promise<CommitOutcome> {
    await this.#turn;
    if (this.failure !== undefined) {
      await this.rollback();
      return { kind: 'aborted', error: this.failure };
    }
    // Its statements were transactions of their own.
    if (!this.isBegun) {
      await this.rollback();
      return { kind: 'committed' };
    }
    const connection = await this.connect();
    this.#hasEnded = true;
    if (this.#isSessionDoubtful) connection.session.doubt();
    const { runtime } = this.#options;
    try {
      const { command } = await within(runtime, untilMs - runtime.monotonicMs(), connection.run({ text: 'COMMIT' }));
      connection.release();
      return command === 'COMMIT'
        ? { kind: 'committed' }
        : { kind: 'aborted', error: new Error('It was rolled back.') };
    } catch (error) {
      return endBadly(connection, error);
    }
  }

  /** Undoes it. Never fails: a connection that does not answer is ended, and the server undoes it then. */
  async rollback(): Promise<void> {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const connection = await this.#connecting?.catch(() => null);
    if (!connection) return;
    if (this.isLost) return connection.destroy();
    const { runtime, beginMs } = this.#options;
    try {
      await this.#turn;
      if (this.isBegun) await within(runtime, beginMs, connection.run({ text: 'ROLLBACK' }));
      connection.release();
    } catch {
      connection.destroy();
    }
  }

  /** The server answers a BEGIN at once, unless it is not there: then the connection is closed. */
  #sendBegin(connection: Connection): Promise<void> {
    if (!this.isBegun && this.isVersionKnown)
      throw new Error('A transaction cannot begin after a statement that was one of its own.');
    this.#begun ??= this.#beginOn(connection);
    return this.#begun;
  }

  async #beginOn(connection: Connection): Promise<void> {
    const { runtime, deadlineMs, beginMs } = this.#options;
    const { session } = connection;
    const leftMs = Math.max(Math.ceil(deadlineMs - runtime.monotonicMs()), 1);
    const text = beginText(this.#mode, { leftMs, token: this.token, isSet: session.isReady(runtime) });
    try {
      const { rows } = await within(runtime, Math.min(beginMs, leftMs), connection.run({ text }));
      session.noteAnswer(runtime);
      this.#version = versionOf(rows[0]?.['version'], this.#mode);
    } catch (error) {
      this.failure ??= error;
      this.isLost = isConnectionLoss(error);
      this.#hasEnded = true;
      connection.destroy();
      throw isConnectionLoss(error) ? new LostTransaction(error) : mapBeginError(error);
    }
  }

  async #runNow(statement: PostgresStatement, before: Promise<unknown>): Promise<PostgresResult> {
    const { runtime, deadlineMs, signal, mapError = mapStatementError } = this.#options;
    const connection = await this.connect();
    if (this.isLost) throw new AppError('unavailable', 'This transaction has ended.');
    const begun = this.#sendBegin(connection);
    if (!connection.isPipelined) await begun.then(() => before);
    const leftMs = deadlineMs - runtime.monotonicMs();
    // The server stops long statements; a little later this stops waiting for a server that does not.
    const answered = within(runtime, leftMs + graceMs, connection.run(statement), signal);
    answered.catch(() => undefined);
    await this.#requireBegun(begun, answered);
    try {
      const result = await answered;
      connection.session.noteAnswer(runtime);
      return result;
    } catch (error) {
      this.failure ??= error;
      this.isLost ||= isConnectionLoss(error) || signal?.aborted === true;
      if (signal?.aborted) throw error;
      if (runtime.monotonicMs() >= deadlineMs) throw tooLate(error);
      // In a read it is the work's fault, and not the server's state.
      throw this.#mode === 'read' && codeOf(error) === '25006' ? notARead(error) : mapError(error);
    }
  }

  /** Where BEGIN was refused, what was sent along with it may have been done without a transaction. */
  async #requireBegun(begun: Promise<void>, answered: Promise<PostgresResult>): Promise<void> {
    try {
      await begun;
    } catch (error) {
      const isDone = await answered.then(
        () => true,
        () => false,
      );
      throw isDone && this.#mode !== 'read' ? doneAlone(error) : error;
    }
  }
}

const ignore = (): void => undefined;

function endBadly(connection: Connection, error: unknown): CommitOutcome {
  if (isServerError(error) && !isConnectionLoss(error)) {
    connection.release();
    return { kind: 'aborted', error };
  }
  connection.destroy();
  return { kind: 'unknown', error };
}

export const graceMs = 500;
