/**
 * Independent of the order of rows and columns, and the same on both engines: the hashes of the rows' plain values are
 * added up.
 */
import { hash } from 'node:crypto';
import type { PlainValue } from '../../values.ts';
import type { MovedTable, PlainRow } from './tables.ts';

export interface TableSum {
  readonly rows: number;
  readonly checksum: string;
}

const sumWords = 8;

export class RowSum {
  readonly #columns: readonly { readonly index: number; readonly isJson: boolean }[];
  readonly #sums = new Uint32Array(sumWords);
  #rows = 0;

  /** Continues a sum, or begins one. */
  constructor(table: MovedTable, begun: TableSum = { rows: 0, checksum: '' }) {
    this.#columns = table.columns
      .map(({ name, declared }, index) => ({ name, index, isJson: declared === 'JSON' }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
    this.#rows = begun.rows;
    const bytes = Buffer.from(begun.checksum.padStart(sumWords * 8, '0'), 'hex');
    for (let word = 0; word < sumWords; word++) this.#sums[word] = bytes.readUInt32BE(word * 4);
  }

  add(row: PlainRow): void {
    const digest = hash('sha256', JSON.stringify(this.#comparable(row)), 'buffer');
    for (let word = 0; word < sumWords; word++) this.#sums[word]! += digest.readUInt32BE(word * 4);
    this.#rows += 1;
  }

  #comparable(row: PlainRow): PlainRow {
    return this.#columns.map(({ index, isJson }) => {
      const value = row[index] ?? null;
      return isJson && typeof value === 'string' ? canonicalJson(value) : value;
    });
  }

  get sum(): TableSum {
    const bytes = Buffer.alloc(sumWords * 4);
    for (let word = 0; word < sumWords; word++) bytes.writeUInt32BE(this.#sums[word]!, word * 4);
    return { rows: this.#rows, checksum: bytes.toString('hex') };
  }
}

export function isSameSum(a: TableSum, b: TableSum): boolean {
  return a.rows === b.rows && a.checksum === b.checksum;
}

/** JSON text in one spelling: what PostgreSQL's `jsonb` changes (blanks, order, repeated names) makes no difference. */
function canonicalJson(text: string): string {
  try {
    return JSON.stringify(sortNames(JSON.parse(text) as PlainValue));
  } catch {
    return text;
  }
}

function sortNames(value: PlainValue): PlainValue {
  if (Array.isArray(value)) return value.map((each: PlainValue) => sortNames(each));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as Readonly<Record<string, PlainValue>>);
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, each]) => [name, sortNames(each)]);
}

export interface Progress extends TableSum {
  readonly isDone: boolean;
  readonly after: PlainRow | null;
}

export const progressColumns = 'rows text NOT NULL, checksum text NOT NULL, last_key text, done text NOT NULL';

export function progressTexts({ rows, checksum, after, isDone }: Progress): (string | null)[] {
  return [String(rows), checksum, after === null ? null : JSON.stringify(after), String(isDone)];
}

export function progressOf([rows, checksum, after, done]: readonly unknown[]): Progress {
  const key = typeof after === 'string' ? (JSON.parse(after) as PlainValue[]) : null;
  return { rows: Number(rows), checksum: String(checksum), after: key, isDone: done === 'true' };
}

export function lastKey(
  { key, columns }: MovedTable,
  rows: readonly PlainRow[],
  before: PlainRow | null,
): PlainRow | null {
  const last = rows.at(-1);
  return last ? key.map((column) => last[columns.indexOf(column)] ?? null) : before;
}
