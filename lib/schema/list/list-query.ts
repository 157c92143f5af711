/**
 * What a list request asks for, once its parameters are understood. Types only.
 */
import type { PlainValue } from '../../values.ts';

export type Comparison =
  | { readonly operator: 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte'; readonly value: PlainValue }
  /** `pattern` is SQL's, with `\` as its escape. */
  | { readonly operator: 'like' | 'ilike'; readonly pattern: string }
  | { readonly operator: 'in'; readonly values: readonly PlainValue[] }
  | { readonly operator: 'is'; readonly value: 'null' | 'not_null' | boolean };

/** A type and no interface: as JSON, it is part of a command. */
export type Filter = {
  readonly column: string;
  readonly negated: boolean;
  readonly comparison: Comparison;
};

export interface SortKey {
  readonly column: string;
  readonly direction: 'asc' | 'desc';
  readonly nulls: 'first' | 'last';
}

export interface ListQuery {
  /** All must hold. */
  readonly filters: readonly Filter[];
  /** Never empty; its last key is `id`, so no two rows are equal in it. */
  readonly order: readonly SortKey[];
  /** The columns of the answer, in this order. */
  readonly select: readonly string[];
  /** Rows a page. */
  readonly limit: number;
  /** The values of `order`'s columns in the last row of the page before; null for the first page. */
  readonly after: readonly PlainValue[] | null;
  /** Whether to count all rows that pass the filters. */
  readonly count: boolean;
}
