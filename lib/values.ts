import type { Kysely } from 'kysely';

/** What serves the SQL. */
export type EngineName = 'duckdb' | 'postgres';

/**
 * A value as rows carry it, the same on every engine and safe to put into JSON:
 * integers to 32 bits, and finite doubles other than -0: number. BIGINT and wider, DECIMAL: string of digits.
 * NaN, Infinity, -Infinity, -0: those words as strings. BOOLEAN: boolean. VARCHAR, JSON, ENUM, UUID: string. DATE: `2026-11-24`. TIME: `04:05:06.123456`.
 * TIMESTAMP: `2026-11-24T04:05:06.123456`, TIMESTAMPTZ: the same in UTC with `Z`; always six digits of fraction. BLOB: base64.
 * INTERVAL: `{months, days, micros}`. LIST: array. STRUCT: object. MAP: array of `[key, value]`.
 */
export type PlainValue =
  null | boolean | number | string | readonly PlainValue[] | { readonly [name: string]: PlainValue };

export type Row = Record<string, PlainValue>;

/** Any table, any column: the generic routes know the schema at run time only. */
export interface AnyTables {
  [table: string]: Record<string, unknown>;
}

/** Kysely on one connection, inside a transaction that the database opened and will end. */
export type Queries = Kysely<AnyTables>;
