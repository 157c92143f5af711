/** CSV as RFC 4180 has it, read into records with the line on which each begins. */
import { AppError } from '../errors.ts';
import { mostCharacters } from './text.ts';

export interface CsvRecord {
  /** From 1. */
  readonly line: number;
  readonly cells: readonly (string | null)[];
}

const cell = /"((?:[^"]|"")*)"|([^",\r\n]*)/y;
const separator = /,|\r\n|\n|\r|$/y;

/** @throws AppError `invalid` with the line of a quote that is out of place */
export function readCsv(text: string): Generator<CsvRecord> {
  return new CsvReader().read(text, true);
}

/** Reads a text that comes piece by piece, cut anywhere. */
export class CsvReader {
  #rest = '';
  #line = 1;
  #isFirst = true;

  /** The records that end in what was given so far. @throws AppError as `readCsv` */
  *read(more: string, isLast: boolean): Generator<CsvRecord> {
    const text = this.#rest + (this.#isFirst ? more.replace(/^\uFEFF/, '') : more);
    if (more !== '') this.#isFirst = false;
    let at = 0;
    while (at < text.length) {
      const found = recordAt(text, at, this.#line, isLast);
      if (!found) break;
      const { cells } = found;
      if (cells.length > 1 || cells[0] !== null) yield { line: this.#line, cells };
      at = found.end;
      this.#line = found.nextLine;
    }
    this.#rest = text.slice(at);
    if (this.#rest.length > mostCharacters) throw quoteOutOfPlace(this.#line);
  }
}

interface FoundRecord {
  readonly cells: readonly (string | null)[];
  readonly end: number;
  readonly nextLine: number;
}

/** Null when it may end in what follows. */
function recordAt(text: string, begin: number, beginLine: number, isLast: boolean): FoundRecord | null {
  const cells: (string | null)[] = [];
  let [at, line] = [begin, beginLine];
  for (let mark = ','; mark === ',';) {
    cell.lastIndex = at;
    const [matched = '', quoted, plain = ''] = cell.exec(text) ?? [];
    separator.lastIndex = at + matched.length;
    const next = separator.exec(text);
    // A quote may be closed, and one that closes be doubled, by what follows.
    if (!next && (isLast || text[at] !== '"')) throw quoteOutOfPlace(line);
    // So may a CR be the first half of a line end.
    if (!next || (!isLast && (next[0] === '' || (next[0] === '\r' && separator.lastIndex === text.length))))
      return null;
    cells.push(quoted === undefined ? plain || null : quoted.replaceAll('""', '"'));
    line += matched.split(/\r\n|\n|\r/).length - 1;
    mark = next[0];
    at += matched.length + mark.length;
  }
  return { cells, end: at, nextLine: line + 1 };
}

function quoteOutOfPlace(line: number): AppError {
  const message = 'has a quote out of place; a cell with quotes is in quotes, and each of them is doubled';
  return new AppError('invalid', `This is not CSV: line ${line} ${message}.`, {
    fields: [{ path: String(line), message }],
  });
}
