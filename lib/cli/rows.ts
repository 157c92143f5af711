/** The rows of an answer as text. */
import { Table } from 'console-table-printer';
import { csvLine } from '../http/formats/csv.ts';
import { rowsOf, type StatementResult } from '../sql/result.ts';
import type { PlainValue } from '../values.ts';

export const rowFormats = ['table', 'csv', 'json'] as const;
export type RowFormat = (typeof rowFormats)[number];

/** @example rowsAs('csv', result) // 'title,price\r\nLogic,12.5\r\n' */
export function rowsAs(format: RowFormat, result: StatementResult): string {
  if (format === 'json') return `${JSON.stringify(rowsOf(result))}\n`;
  const { columns, rows } = result;
  if (format === 'csv') return [columns.map(({ name }) => name), ...rows].map(csvLine).join('');
  return table(result);
}

const numbers = /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|DECIMAL|FLOAT|DOUBLE|REAL|NUMERIC)/;

function table({ columns, rows }: StatementResult): string {
  const shown = new Table({
    shouldDisableColors: true,
    columns: columns.map(({ name, type }, index) => ({
      name: String(index),
      title: printable(name),
      alignment: numbers.test(type) ? 'right' : 'left',
    })),
  });
  for (const row of rows) shown.addRow(Object.fromEntries(row.map((value, index) => [index, cell(value)])));
  return `${shown.render()}\n`;
}

function cell(value: PlainValue): string {
  if (value === null) return 'NULL';
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

/** A value must not move the cursor or set colors. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
