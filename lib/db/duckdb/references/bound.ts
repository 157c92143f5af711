/** Sets of values as parameters of a statement, in the form that DuckDB looks up fastest. */
import { type DuckDBType, type DuckDBValue, LIST, listValue } from '@duckdb/node-api';
import { codecFor } from '../../../sync/codec.ts';
import { resultRows, type Session } from '../../../sync/sql.ts';
import type { PlainValue } from '../../../values.ts';
import type { Values } from './questions.ts';

/** DuckDB looks each value of an IN list up in the index; from about so many on, one pass over a table of a million rows is as fast. */
const mostListed = 256;

export type BoundValues =
  | { readonly kind: 'one' | 'listed'; readonly terms: readonly string[] }
  | { readonly kind: 'joined'; readonly table: string };

/** The parameters of one statement, numbered as they are added. */
export class Bound {
  readonly #values: DuckDBValue[] = [];
  readonly #types: DuckDBType[] = [];

  values(values: readonly Values[], types: readonly DuckDBType[], casts: readonly (string | null)[] = []): BoundValues {
    const [first = []] = values;
    if (values.length > 1 && (types.length > 1 || values.length > mostListed)) {
      return { kind: 'joined', table: this.table(values, types) };
    }
    const term = (value: PlainValue, at: number): string => {
      const parameter = this.#add(codecFor(types[at]!).decode(value), types[at]!);
      return casts[at] ? `TRY_CAST(${parameter} AS ${casts[at]})` : parameter;
    };
    if (values.length === 1) return { kind: 'one', terms: first.map(term) };
    return { kind: 'listed', terms: values.map(([value = null]) => term(value, 0)) };
  }

  /** A table `v` of the values as `v0`, `v1`, …, with their place as `i`. */
  table(values: readonly Values[], types: readonly DuckDBType[]): string {
    const columns = types.map((type, at) => {
      const codec = codecFor(type);
      const list = listValue(values.map((each) => codec.decode(each[at] ?? null)));
      return `unnest(${this.#add(list, LIST(type))}) AS v${at}`;
    });
    return `(SELECT ${columns.join(', ')}, unnest(range(${values.length})) AS i) AS v`;
  }

  async rows(session: Session, sql: string): Promise<DuckDBValue[][]> {
    return resultRows(await session.run(sql, this.#values, this.#types));
  }

  #add(value: DuckDBValue, type: DuckDBType): string {
    this.#values.push(value);
    this.#types.push(type);
    return `$${this.#values.length}`;
  }
}
