/** The rows of a body. */
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import { ValueFault } from '../rows/kind.ts';
import { parseText } from '../rows/values.ts';
import type { PlainValue, Row } from '../values.ts';
import { RestError } from './faults.ts';
import { filterText, fromClient } from './values.ts';

export interface PayloadOptions {
  /** Those that count; null: all that are given. */
  readonly columns: readonly string[] | null;
  /** What a row leaves out takes its default, and not null. */
  readonly missingIsDefault: boolean;
}

type Given = Readonly<Record<string, PlainValue>>;

/** @throws RestError PGRST102, PGRST204, and those of values */
export function readPayload(relation: Relation, body: PlainValue, options: PayloadOptions): Row[] {
  const rows = (Array.isArray(body) ? body : [body]) as readonly PlainValue[];
  if (!rows.every(isObject)) throw new RestError('PGRST102', 400, 'A row has to be an object');
  const { columns, missingIsDefault } = options;
  for (const name of columns ?? []) requireColumn(relation, name);
  if (columns === null && Array.isArray(body)) requireSameKeys(rows);
  return rows.map((row) => {
    const names = columns ?? Object.keys(row);
    const given = columns === null || missingIsDefault ? names.filter((name) => Object.hasOwn(row, name)) : names;
    return Object.fromEntries(given.map((name) => [name, valueFor(requireColumn(relation, name), row[name] ?? null)]));
  });
}

function isObject(value: PlainValue): value is Given {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function requireSameKeys(rows: readonly Given[]): void {
  const keys = (row: Given): string => JSON.stringify(Object.keys(row).toSorted());
  const [first = {}] = rows;
  const expected = keys(first);
  if (rows.some((row) => keys(row) !== expected))
    throw new RestError('PGRST102', 400, 'All object keys must match', {
      hint: 'Name the columns in the parameter "columns"; with "Prefer: missing=default", missing columns take their defaults.',
    });
}

function requireColumn(relation: Relation, name: string): Column {
  const column = columnNamed(relation, name);
  if (column) return column;
  throw new RestError('PGRST204', 400, `Could not find the '${name}' column of '${relation.name}' in the schema cache`);
}

function valueFor(column: Column, input: PlainValue): PlainValue {
  if (column.generated)
    throw new RestError('428C9', 400, `column "${column.name}" can only be updated to DEFAULT`, {
      details: `Column "${column.name}" is a generated column.`,
    });
  return fromClient(column.type, input, column.name);
}

/**
 * Records of CSV, the header first, as a body of JSON would have them. `NULL` is null.
 *
 * @throws RestError PGRST102
 */
export function rowsOfCsv(
  relation: Relation,
  records: Iterable<{ readonly cells: readonly (string | null)[] }>,
): Given[] {
  let header: readonly string[] | null = null;
  const rows: Given[] = [];
  for (const { cells } of records) {
    if (!header) header = cells.map((cell) => (cell ?? '').trim());
    else if (cells.length !== header.length)
      throw new RestError('PGRST102', 400, 'All lines must have same number of fields');
    else
      rows.push(Object.fromEntries(header.map((name, index) => [name, cellValue(relation, name, cells[index] ?? '')])));
  }
  return rows;
}

function cellValue(relation: Relation, name: string, cell: string): PlainValue {
  const type = columnNamed(relation, name)?.type;
  if (cell === 'NULL' || (cell === '' && type?.kind !== 'text')) return null;
  if (!type || type.kind === 'text') return cell;
  try {
    const value = parseText(type, filterText(type, cell));
    return type.kind === 'json' ? (JSON.parse(cell) as PlainValue) : value;
  } catch (error) {
    if (error instanceof ValueFault) return cell;
    throw error;
  }
}
