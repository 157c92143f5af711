/** One JSON line an event, for the operator of the deployment. The only place that writes to the console. */

export interface LogEntry {
  readonly level: 'error' | 'warning' | 'info';
  readonly message: string;
  readonly requestId?: string;
  readonly method?: string;
  /** Without the query, and without what is no name of a table and no id. */
  readonly path?: string;
  readonly status?: number;
  /** How long it took. */
  readonly ms?: number;
  readonly role?: string;
  readonly error?: unknown;
}

export type Log = (entry: LogEntry) => void;
type WriteLine = (line: string, level: LogEntry['level']) => void;

const maxCauses = 5;

/** A log that gives each entry to `write` as one line of JSON. */
export function lineLog(now: () => number, write: WriteLine): Log {
  return ({ error, ...entry }) => {
    const described = error === undefined ? {} : { error: describeError(error, maxCauses) };
    write(JSON.stringify({ time: new Date(now()).toISOString(), ...entry, ...described }), entry.level);
  };
}

/** What of a request may be in a log. */
export function describeRequest({ method, url }: Request): Pick<LogEntry, 'method' | 'path'> {
  const segments = (URL.parse(url)?.pathname ?? '').split('/');
  const shown = segments.slice(0, 5).map((segment) => (/^[a-z0-9_-]{0,36}$/.test(segment) ? segment : '…'));
  return { method, path: shown.join('/') };
}

const consoleMethods = { error: 'error', warning: 'warn', info: 'log' } as const;

/** Vercel takes the level of a line from the method. */
// oxlint-disable-next-line no-console
export const writeToConsole: WriteLine = (line, level) => console[consoleMethods[level]](line);

function describeError(error: unknown, causesLeft: number): unknown {
  if (!(error instanceof Error)) return { message: `Something other than an Error was thrown: ${typeof error}` };
  const { name, message, stack, cause } = error;
  const kind = 'kind' in error && typeof error.kind === 'string' ? { kind: error.kind } : {};
  const deeper = cause === undefined || causesLeft === 0 ? {} : { cause: describeError(cause, causesLeft - 1) };
  return { name, ...kind, message, stack, ...deeper };
}
