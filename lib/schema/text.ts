/**
 * What text may hold. Owns: normal form, forbidden characters, the syntax of e-mail addresses. The worst that can
 * happen: text that one engine takes and the other refuses (PostgreSQL takes no NUL), or two spellings of one address.
 */
import type { TextColumn } from './table.ts';

const controlInLine = /[\p{Cc}\u2028\u2029]/u;
const controlInLines = /[^\P{Cc}\n\t]/u;
/** Dot-separated atoms, then at least two labels; letters of any script (RFC 6531). */
const emailPattern =
  /^(?=.{1,64}@)[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}!#$%&'*+/=?^_`{|}~-]+)*@(?=.{1,253}$)(?:[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}])?\.)+[\p{L}\p{N}][\p{L}\p{M}\p{N}-]{0,61}[\p{L}\p{M}\p{N}]$/u;

/** The form in which a value of the column is kept and compared: Unicode NFC; addresses in lower case. */
export function normalizeText(column: TextColumn, text: string): string {
  return (column.format === 'email' ? text.toLowerCase() : text).normalize('NFC');
}

/** What is wrong with the text as a value of the column, or null. Expects it trimmed and normalised. */
export function faultOfText(column: TextColumn, text: string): string | null {
  if (!text.isWellFormed()) return 'must be well-formed Unicode (it has half of a surrogate pair)';
  const forbidden = column.format === 'lines' ? controlInLines : controlInLine;
  if (forbidden.test(text)) return 'must not have control characters';
  const length = Array.from(text).length;
  if (length < column.minLength)
    return length === 0 ? 'must not be empty' : `must have ${column.minLength} characters or more`;
  if (length > column.maxLength) return `must have ${column.maxLength} characters or fewer`;
  if (column.format === 'email' && !emailPattern.test(text))
    return 'must be an e-mail address, such as ada@example.org';
  return null;
}
