/**
 * The parameters of a request, taken one by one. All faults are found before the answer, so that a client can mend them
 * at once.
 */
import type { Relation } from '../catalog/catalog.ts';
import { AppError, type FieldError } from '../errors.ts';
import { type Condition, planFilter } from './conditions.ts';
import { type Filter, ParameterFault, parseFilter } from './filter.ts';
import { columnOfParameter, listed } from './names.ts';

/** One `name=value`, decoded. */
export type Parameter = readonly [name: string, value: string];

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

  /** @throws AppError `invalid` with one entry a wrong parameter. `message`: for unknown parameters. */
  finish(message?: string): void {
    if (message !== undefined)
      this.rest(() => {
        throw new ParameterFault(message);
      });
    if (this.faults.length === 0) return;
    const faults = this.faults.map(({ path, message: fault }) => `"${path}" ${fault}`).join('; ');
    throw new AppError('invalid', `The query is not understood: ${faults}.`, { fields: this.faults });
  }
}

export interface ReadFilter {
  readonly filter: Filter;
  readonly condition: Condition;
}

/** All parameters that are left, as filters that must hold together. */
export function readFilters(reader: ParameterReader, relation: Relation): ReadFilter {
  const filters = reader.rest((name, text) => {
    const column = columnOfParameter(name);
    if (!relation.columns.some((each) => each.name === column)) throw noSuchColumn(relation);
    const filter = parseFilter(column, text);
    return { filter, condition: planFilter(relation, filter) };
  });
  return {
    filter: { and: filters.map(({ filter }) => filter) },
    condition: { and: filters.map(({ condition }) => condition) },
  };
}

function noSuchColumn({ columns }: Relation): ParameterFault {
  return new ParameterFault(
    `is no parameter and no column; the columns are ${listed(columns.map(({ name }) => name))}`,
  );
}

/** The filter of a write to all rows that pass it. @throws AppError `invalid`, also when there is none. */
export function parseWriteFilter(relation: Relation, parameters: readonly Parameter[]): Filter {
  const reader = new ParameterReader(parameters);
  const { filter } = readFilters(reader, relation);
  reader.finish();
  if (parameters.length > 0) return filter;
  const example = relation.key[0] ?? relation.columns[0]?.name ?? 'column';
  throw new AppError('invalid', `Without a filter this would change all rows of ${relation.name}.`, {
    hint: `Add a filter, such as "?${example}=eq.…". For all rows on purpose: "?${example}=is.not_null".`,
    fields: [{ path: '', message: 'must have a filter' }],
  });
}

/** @throws AppError `invalid` when there is any parameter: it would be ignored. */
export function refuseParameters(parameters: readonly Parameter[]): void {
  new ParameterReader(parameters).finish('is not known here; this request has no parameters');
}
