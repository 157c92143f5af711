/**
 * CSV as RFC 4180 has it, read into records with the line on which each begins.
 *
 * Owns: the grammar. A cell that is empty and not in quotes is null, one in quotes is text. Line ends may be CR LF, LF or
 * CR; a byte order mark is passed over. The worst that can happen: two cells taken for one; so a quote out of place is refused.
 */
import { AppError } from '../../errors.ts';

export interface CsvRecord {
  /** From 1. */
  readonly line: number;
  readonly cells: readonly (string | null)[];
}

const cell = /"((?:[^"]|"")*)"|([^",\r\n]*)/y;
const separator = /,|\r\n|\n|\r|$/y;

/** @throws AppError `invalid` with the line of a quote that is out of place */
export function* readCsv(given: string): Generator<CsvRecord> {
  const text = given.replace(/^\uFEFF/, '');
  let at = 0;
  let line = 1;
  while (at < text.length) {
    const begun = line;
    const cells: (string | null)[] = [];
    for (let mark = ','; mark === ',';) {
      cell.lastIndex = at;
      const [matched = '', quoted, plain = ''] = cell.exec(text) ?? [];
      separator.lastIndex = at + matched.length;
      const next = separator.exec(text);
      if (!next) throw quoteOutOfPlace(line);
      cells.push(quoted === undefined ? plain || null : quoted.replaceAll('""', '"'));
      line += matched.split(/\r\n|\n|\r/).length - 1;
      mark = next[0];
      at += matched.length + mark.length;
    }
    line++;
    if (cells.length > 1 || cells[0] !== null) yield { line: begun, cells };
  }
}

function quoteOutOfPlace(line: number): AppError {
  const message = 'has a quote out of place; a cell with quotes is in quotes, and each of them is doubled';
  return new AppError('invalid', `This is not CSV: line ${line} ${message}.`, {
    fields: [{ path: String(line), message }],
  });
}
