/**
 * The query parameters of a list, understood: filters, `order`, `select`, `limit`, `cursor`, `count`.
 *
 * Owns: their names and limits. All faults are found before the answer, so that a client can mend them at once. The
 * worst that can happen: a parameter that is passed over in silence.
 */
import { AppError, type FieldError } from '../../errors.ts';
import { columnOf, type Table } from '../table.ts';
import { decodeCursor } from './cursor.ts';
import { ParameterFault, parseFilter } from './filters.ts';
import type { Filter, ListQuery } from './list-query.ts';
import { byId, parseOrder } from './order.ts';

const defaultLimit = 50;
const maxLimit = 500;

/** One `name=value`, decoded. */
export type Parameter = readonly [name: string, value: string];

/** @throws AppError `invalid` with one entry a wrong parameter. */
export function parseListQuery(table: Table, parameters: readonly Parameter[]): ListQuery {
  const reader = new ParameterReader(parameters);
  const select = reader.once('select', (text) => parseSelect(table, text)) ?? Object.keys(table.columns);
  const order = reader.once('order', (text) => parseOrder(table, text)) ?? [byId];
  const limit = reader.once('limit', (text) => parseLimit(text)) ?? defaultLimit;
  const count = reader.once('count', parseCount) ?? false;
  const cursor = reader.once('cursor', (text) => text);
  const filters = reader.rest((name, text) => filterOf(table, name, text));
  const scope = { table, order, filters };
  // A cursor cannot be judged against an order that was not understood.
  const after =
    cursor === null || reader.faults.length > 0 ? null : reader.attempt('cursor', () => decodeCursor(scope, cursor));
  reader.finish();
  return { filters, order, select, limit, after, count };
}

/** The filters of a write to all rows that pass them. @throws AppError `invalid`, also when there is none. */
export function parseFilters(table: Table, parameters: readonly Parameter[]): readonly Filter[] {
  const reader = new ParameterReader(parameters);
  const filters = reader.rest((name, text) => filterOf(table, name, text));
  reader.finish();
  if (filters.length > 0) return filters;
  const columns = columnNames(table);
  throw new AppError(
    'invalid',
    `This would concern all ${table.name}: a filter has to say which, such as "?id=eq.…".`,
    {
      hint: `The columns are ${columns}. For all rows on purpose: "?id=is.not_null".`,
      fields: [{ path: '', message: 'must have a filter' }],
    },
  );
}

export interface ExportQuery {
  /** Null: the whole database. */
  readonly table: string | null;
  readonly format: string | null;
  /** The other parameters, as filters of a table. @throws AppError `invalid` */
  readonly rest: (table: Table) => readonly Filter[];
}

/** @throws AppError `invalid` */
export function parseExportQuery(parameters: readonly Parameter[]): ExportQuery {
  const reader = new ParameterReader(parameters);
  const table = reader.once('table', (text) => text);
  const format = reader.once('format', (text) => text);
  const rest = (known: Table): readonly Filter[] => {
    const filters = reader.rest((name, text) => filterOf(known, name, text));
    reader.finish();
    return filters;
  };
  if (table === null) {
    reader.rest(() => {
      throw new ParameterFault('is not known here; filters need a table');
    });
    reader.finish();
  }
  return { table, format, rest };
}

export interface FeedQuery {
  /** Null: from now on. */
  readonly after: number | null;
  readonly limit: number;
  /** Null: of all tables. */
  readonly table: string | null;
  /** Of one row, as a path names it; null: of all rows. */
  readonly key: string | null;
}

const defaultSets = 100;
const maxSets = 1000;

/** The parameters of the change feed. @throws AppError `invalid` with one entry a wrong parameter. */
export function parseFeedQuery(parameters: readonly Parameter[]): FeedQuery {
  const reader = new ParameterReader(parameters);
  const after = reader.once('after', parseVersion);
  const limit = reader.once('limit', (text) => parseLimit(text, maxSets)) ?? defaultSets;
  const table = reader.once('table', (text) => text);
  const key = reader.once('key', (text) => {
    if (table === null) throw new ParameterFault('needs a table');
    return text;
  });
  reader.rest(() => {
    throw new ParameterFault('is no parameter of the change feed; it has "after", "limit", "table" and "key"');
  });
  reader.finish();
  return { after, limit, table, key };
}

/** The `select` of a single row, or all columns. @throws AppError `invalid` with one entry a wrong parameter. */
export function parseRowQuery(table: Table, parameters: readonly Parameter[]): readonly string[] {
  const reader = new ParameterReader(parameters);
  const select = reader.once('select', (text) => parseSelect(table, text));
  reader.rest(() => {
    throw new ParameterFault('is no parameter of a single row; it has "select" alone');
  });
  reader.finish();
  return select ?? Object.keys(table.columns);
}

/** @throws AppError `invalid` when there is any parameter: they would be passed over. */
export function refuseParameters(parameters: readonly Parameter[]): void {
  const reader = new ParameterReader(parameters);
  reader.rest(() => {
    throw new ParameterFault('is not known here; this request has no parameters');
  });
  reader.finish();
}

/** Takes parameters one by one and collects what is wrong with them. */
export class ParameterReader {
  readonly faults: FieldError[] = [];
  readonly #taken = new Set<string>();
  readonly #parameters: readonly Parameter[];

  constructor(parameters: readonly Parameter[]) {
    this.#parameters = parameters;
  }

  /** The parameter of this name, or null when it is absent or wrong. */
  once<T>(name: string, parse: (text: string) => T): T | null {
    this.#taken.add(name);
    const [first, second] = this.#parameters.filter(([given]) => given === name);
    if (!first) return null;
    return this.attempt(name, () => {
      if (second) throw new ParameterFault('is given twice');
      return parse(first[1]);
    });
  }

  /** All that were not taken by name. */
  rest<T>(parse: (name: string, text: string) => T): T[] {
    const left = this.#parameters.filter(([name]) => !this.#taken.has(name));
    return left.flatMap(([name, text]) => {
      const value = this.attempt(name, () => ({ parsed: parse(name, text) }));
      return value ? [value.parsed] : [];
    });
  }

  attempt<T>(path: string, parse: () => T): T | null {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof ParameterFault)) throw error;
      this.faults.push({ path, message: error.message });
      return null;
    }
  }

  finish(): void {
    if (this.faults.length === 0) return;
    const faults = this.faults.map(({ path, message }) => `"${path}" ${message}`).join('; ');
    throw new AppError('invalid', `The query is not understood: ${faults}.`, { fields: this.faults });
  }
}

function filterOf(table: Table, name: string, text: string): Filter {
  const column = columnOf(table, name);
  if (!column) throw new ParameterFault(`is no parameter and no column; the columns are ${columnNames(table)}`);
  return parseFilter(name, column, text);
}

function parseSelect(table: Table, text: string): string[] {
  if (text === '*') return Object.keys(table.columns);
  const names = text.split(',');
  const unknown = names.find((name) => !columnOf(table, name));
  if (unknown !== undefined)
    throw new ParameterFault(`names no column: "${unknown}"; the columns are ${columnNames(table)}`);
  if (new Set(names).size < names.length) throw new ParameterFault('names a column twice');
  return names;
}

function parseLimit(text: string, most = maxLimit): number {
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > most) throw new ParameterFault(`expects a number from 1 to ${most}`);
  return limit;
}

function parseVersion(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new ParameterFault('expects a version, as an answer has it in db-bookmark');
  return Number(text);
}

function parseCount(text: string): boolean {
  if (text !== 'exact') throw new ParameterFault('expects "exact"');
  return true;
}

function columnNames(table: Table): string {
  return Object.keys(table.columns).join(', ');
}
