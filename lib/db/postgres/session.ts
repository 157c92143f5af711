/**
 * The session behind a connection, as far as it can be relied on. Where the server's process is the one that it named when
 * the connection began, the session is this connection's own: it keeps its settings and statements, and can be told from
 * others. A pooler in transaction mode makes that number up, since it lends sessions to many.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-BACKENDKEYDATA
 */
import type { Runtime } from '../../runtime.ts';
import type { Row } from '../../values.ts';

/** What the text of values depends on. */
const formats: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'iso_8601',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
};

/** An answered commit is durable, even if the server's default is asynchronous commit. */
const durable = (isLocal: boolean): string =>
  `CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', ${isLocal}) END`;

/** Tables are never looked for in Eider's own schema, where those of a user called `eider` would go, also if it is made later. */
const searchPath = (
  isLocal: boolean,
): string => `CASE WHEN current_user = 'eider' OR strpos(current_setting('search_path'), 'eider') > 0 THEN set_config('search_path', (
  SELECT coalesce(string_agg(quote_ident(name), ', ' ORDER BY place), '')
  FROM unnest(current_schemas(false)) WITH ORDINALITY AS path (name, place) WHERE name <> 'eider'
), ${isLocal}) END`;

/** Expressions that make settings, for the transaction alone (a pooler gives the session to others) or for the session. */
export function setting(values: Readonly<Record<string, string>>, isLocal = true): string {
  return Object.entries(values)
    .map(([name, value]) => `set_config('${name}', '${value}', ${isLocal})`)
    .join(', ');
}

function all(isLocal: boolean): string {
  return [searchPath(isLocal), durable(isLocal), setting(formats, isLocal)].join(', ');
}

export const localSettings = all(true);

/** The server process behind a connection; no other has had both. */
export interface ServerProcess {
  readonly id: number;
  readonly startedAt: string;
}

/** How long a connection may have idled; a frozen instance may find that the other end has gone without a word. */
const freshMs = 10_000;

export class ServerSession {
  /** What the server named when the connection began. */
  readonly #processId: () => number | null;
  #process: ServerProcess | null = null;
  #state: 'unknown' | 'set' | 'shared' = 'unknown';
  #answered: readonly [monotonicMs: number, nowMs: number] = [-Infinity, -Infinity];

  constructor(processId: () => number | null) {
    this.#processId = processId;
  }

  /** Null where the session is not this connection's own, or its settings are not known. */
  get process(): ServerProcess | null {
    return this.#state === 'set' ? this.#process : null;
  }

  /** Whether a statement can rely on it, and will be answered by the one that it relies on. */
  isReady(runtime: Runtime): boolean {
    const [monotonicMs, nowMs] = this.#answered;
    const idleMs = Math.max(runtime.monotonicMs() - monotonicMs, runtime.now() - nowMs);
    return this.#state === 'set' && idleMs < freshMs;
  }

  noteAnswer(runtime: Runtime): void {
    this.#answered = [runtime.monotonicMs(), runtime.now()];
  }

  /** Its settings may have been changed. */
  doubt(): void {
    if (this.#state === 'set') this.#state = 'unknown';
  }

  /** What the server says of a setting by itself. */
  noteSetting(name: string, value: string): void {
    if (formats[name] !== undefined && formats[name] !== value) this.doubt();
  }

  /** The statement that makes the settings, if the session is the connection's own; null when there is nothing to do. */
  setUp(timeoutMs: number): string | null {
    const id = this.#processId();
    if (this.#state !== 'unknown' || id === null) return null;
    const made = `${all(false)}, ${setting({ statement_timeout: String(timeoutMs) }, false)}`;
    return `SELECT a.backend_start::text AS started, ${made} FROM pg_stat_get_activity(pg_backend_pid()) a WHERE a.pid = ${id}`;
  }

  noteSetUp([row]: readonly Row[], runtime: Runtime): void {
    const id = this.#processId();
    const startedAt = row?.['started'];
    this.#process = id !== null && typeof startedAt === 'string' ? { id, startedAt } : null;
    this.#state = this.#process ? 'set' : 'shared';
    this.noteAnswer(runtime);
  }
}
