/** What the server and the process that reads files say to each other. Types only. */
import type { Relation } from '../catalog/catalog.ts';
import type { InferredColumn } from '../db/duckdb/files/infer.ts';
import type { FieldError } from '../errors.ts';
import type { EngineName, Row } from '../values.ts';

export type Format = 'csv' | 'jsonl' | 'parquet';

/** An uploaded file. */
export interface SentFile {
  readonly format: Format;
  readonly path: string;
  readonly mostRows: number;
}

/** How a file is to be judged. */
export interface Judging {
  readonly file: SentFile;
  readonly relation: Relation;
  /** Columns that are text only since their values are of several forms. */
  readonly texts: readonly string[];
  /** Where the rows without a fault go. */
  readonly spool: string;
}

/** What is known of a file once all of its rows were looked at. */
export interface Judged {
  /** Rows without a fault. */
  readonly rows: number;
  readonly wrong: number;
  /** As JSON, with what the server adds to each. */
  readonly bytes: number;
  /** By line: `12/email`. */
  readonly faults: readonly FieldError[];
  /** The columns that rows give. */
  readonly given: ReadonlySet<string>;
  readonly sample: readonly Row[];
}

/** To the process, one at a time. */
export type ImportOrder =
  | { readonly kind: 'ready' }
  | { readonly kind: 'columns'; readonly file: SentFile; readonly engine: EngineName }
  | { readonly kind: 'judge'; readonly judging: Judging };

/** From the process, one for each order. */
export type ImportReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'columns'; readonly columns: readonly InferredColumn[] }
  | { readonly kind: 'judged'; readonly judged: Judged }
  /** The file is wrong. */
  | {
      readonly kind: 'invalid';
      readonly message: string;
      readonly hint: string | undefined;
      readonly fields: readonly FieldError[] | undefined;
    }
  /** A defect, or the disk: nothing that the file could be blamed for. */
  | { readonly kind: 'failed'; readonly message: string };
