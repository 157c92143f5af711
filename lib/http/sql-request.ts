/** What a request to /api/sql asks for: one statement, or an array as one transaction, in the form of Neon's driver. */
import { AppError, type FieldError } from '../errors.ts';
import { longestPath, mostFaults } from '../rows/input.ts';
import type { PlainValue } from '../values.ts';

export interface AskedStatement {
  readonly sql: string;
  /** By position, or by name. */
  readonly params: readonly PlainValue[] | Readonly<Record<string, PlainValue>>;
  /** Rows as lists of values instead of objects. */
  readonly arrayMode: boolean;
}

export interface AskedSql {
  readonly statements: readonly AskedStatement[];
  readonly isBatch: boolean;
  /** Values as PostgreSQL's text, for a client that reads them by their types. */
  readonly isRawText: boolean;
  readonly isReadOnly: boolean;
}

const mostStatements = 500;
const longestSql = 100_000;
/** In the message of an error; its fields are more. */
const mostShown = 10;
const isolationLevels = /^(?:Serializable|RepeatableRead|ReadCommitted|ReadUncommitted)$/;
const batchHeaders = ['neon-batch-isolation-level', 'neon-batch-read-only', 'neon-batch-deferrable'] as const;

/** Whether it is Neon's driver, or another client of its protocol, that asks. */
export function isOfDriver(headers: Headers): boolean {
  return headers.has('neon-connection-string') || headers.has('neon-raw-text-output');
}

/** Those of a batch, which are answered as they came: every transaction is serializable. */
export function echoedHeaders({ headers }: Request): [string, string][] {
  return batchHeaders.flatMap((name): [string, string][] => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value]];
  });
}

/** @throws AppError `invalid` with one entry a wrong field */
export function parseSqlRequest(headers: Headers, input: PlainValue): AskedSql {
  const reader = new Reader();
  const arrays = reader.flag(headers, 'neon-array-mode');
  const isRawText = reader.flag(headers, 'neon-raw-text-output');
  const isReadOnly = reader.flag(headers, 'neon-batch-read-only');
  reader.flag(headers, 'neon-batch-deferrable');
  const level = headers.get('neon-batch-isolation-level') ?? 'Serializable';
  if (!isolationLevels.test(level)) reader.fault('neon-batch-isolation-level', 'is no isolation level');
  const isBatch = isObject(input) && Object.hasOwn(input, 'queries');
  const statements = isBatch ? reader.batch(input, arrays) : [reader.statement(input, arrays, '')];
  reader.finish();
  return { statements, isBatch, isRawText, isReadOnly: isBatch && isReadOnly };
}

class Reader {
  readonly #faults: FieldError[] = [];

  fault(path: string, message: string): void {
    if (this.#faults.length < mostFaults) this.#faults.push({ path: path.slice(0, longestPath), message });
  }

  flag(headers: Headers, name: string): boolean {
    const value = headers.get(name)?.toLowerCase() ?? 'false';
    if (value !== 'true' && value !== 'false') this.fault(name, 'must be true or false');
    return value === 'true';
  }

  batch({ queries, ...others }: Readonly<Record<string, PlainValue>>, arrays: boolean): AskedStatement[] {
    for (const name of Object.keys(others)) this.fault(name, 'is not a field of a batch');
    if (!Array.isArray(queries) || queries.length > mostStatements) {
      this.fault('queries', `must be a list of at most ${mostStatements} statements`);
      return [];
    }
    return queries.map((query: PlainValue, index) => this.statement(query, arrays, `queries/${index}/`));
  }

  statement(input: PlainValue, arrays: boolean, place: string): AskedStatement {
    const { query, params = [], arrayMode = arrays, ...others } = isObject(input) ? input : {};
    const fault = (path: string, message: string): void => this.fault(`${place}${path}`, message);
    if (typeof query !== 'string' || query.trim() === '') fault('query', 'must be a text with one statement');
    else if (query.length > longestSql) fault('query', `must have ${longestSql} characters at most`);
    else if (query.includes('\0') || !query.isWellFormed()) fault('query', 'must be well-formed text without NUL');
    if (!Array.isArray(params) && !isObject(params)) fault('params', 'must be a list or an object');
    for (const [name, value] of Object.entries(params ?? {})) {
      const wrong = faultOfValue(value);
      if (wrong !== null) fault(`params/${name}`, wrong);
    }
    if (typeof arrayMode !== 'boolean') fault('arrayMode', 'must be true or false');
    for (const name of Object.keys(others)) fault(name, 'is not a field of a statement');
    return { sql: query as string, params: params as AskedStatement['params'], arrayMode: arrayMode === true };
  }

  finish(): void {
    if (this.#faults.length === 0) return;
    const shown = this.#faults.slice(0, mostShown).map(({ path, message }) => `${path} ${message}`);
    if (this.#faults.length > mostShown) shown.push('…');
    throw new AppError('invalid', `The request is not valid: ${shown.join('; ')}.`, {
      fields: this.#faults,
      sqlState: '08P01',
      hint: 'Send {"query": "SELECT $1", "params": [1]}, or {"queries": […]} for a transaction.',
    });
  }
}

/** What is wrong with a value that is to be bound, or null. */
function faultOfValue(value: PlainValue): string | null {
  if (typeof value === 'string' && (!value.isWellFormed() || value.includes('\0'))) {
    return 'must be well-formed Unicode without NUL';
  }
  // It was rounded when the body was read.
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    return 'must be sent as a text: a number in JSON is not exact beyond 9007199254740991';
  if (typeof value !== 'object' || value === null) return null;
  return (
    Object.values(value)
      .map(faultOfValue)
      .find((fault) => fault !== null) ?? null
  );
}

function isObject(value: PlainValue | undefined): value is Readonly<Record<string, PlainValue>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
