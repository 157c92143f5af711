/** Rows as CSV, RFC 4180: a line of names, then one a row. https://www.rfc-editor.org/rfc/rfc4180 */
import type { PlainValue } from '../../values.ts';

export const csvType = 'text/csv';

export function csvLine(values: readonly PlainValue[]): string {
  return `${values.map(cell).join(',')}\r\n`;
}

/** A text that a spreadsheet would take for a formula, so that it does not. https://owasp.org/www-community/attacks/CSV_Injection */
export function escapeFormula(value: PlainValue): PlainValue {
  return typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
}

function cell(value: PlainValue): string {
  if (value === null) return '';
  if (typeof value === 'object') return quote(JSON.stringify(value));
  if (typeof value !== 'string') return String(value);
  return value === '' || /[",\r\n]|^\s|\s$/.test(value) ? quote(value) : value;
}

function quote(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
