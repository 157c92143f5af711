/**
 * What a move knows of a table, whichever engine it is on. Types, names and texts of messages only.
 */
import type { DuckDBType } from '@duckdb/node-api';
import { AppError } from '../../errors.ts';
import type { PlainValue } from '../../values.ts';
import type { Codec } from '../../sync/codec.ts';
import type { TextForm } from './texts.ts';

export interface MovedColumn {
  readonly name: string;
  readonly notNull: boolean;
  /** On DuckDB, as DDL writes it, and as its client knows it. */
  readonly declared: string;
  readonly type: DuckDBType;
  /** On PostgreSQL, as `format_type` writes it. */
  readonly postgres: string;
  readonly codec: Codec;
  readonly form: TextForm;
}

export interface MovedTable {
  /** On DuckDB; `main` there is `public` on PostgreSQL. */
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly MovedColumn[];
  /** Empty when there is no primary key. */
  readonly key: readonly MovedColumn[];
  readonly unique: readonly (readonly string[])[];
  /** For the progress; counted when the move began. */
  readonly rows: number;
}

/** A row's values in the order of the table's columns. */
export type PlainRow = readonly PlainValue[];

/** The tables of a database, and what of it does not come along. */
export interface Inventory {
  readonly tables: readonly MovedTable[];
  /** Sentences. */
  readonly leftBehind: readonly string[];
}

/** Tables of Eider's own that say something about the data, rather than about where it is. */
export function isDataOfEider(table: string): boolean {
  return /^(?:idempotency|drained)/.test(table);
}

/** `students`, `sales.orders`: as messages name tables. */
export function tableTitle({ schema, name }: { readonly schema: string; readonly name: string }): string {
  return schema === 'main' || schema === 'public' ? name : `${schema}.${name}`;
}

/** What cannot be moved, and why; gathered over the whole database before anything is written. */
export interface Refusal {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly reason: string;
}

/** @throws AppError `invalid` that names every table, column and type */
export function throwRefusals(refusals: readonly Refusal[]): void {
  if (refusals.length === 0) return;
  const listed = refusals.map(({ table, column, type, reason }) => `${table}.${column} (${type}) ${reason}`);
  throw new AppError('invalid', `This cannot be moved without loss: ${listed.join('; ')}.`, {
    fields: refusals.map(({ table, column, type, reason }) => ({
      path: `${table}.${column}`,
      message: `${type} ${reason}`,
    })),
    hint: 'Change or remove these columns at the source, then repeat. Nothing was written.',
  });
}
