/**
 * Checks what clients send as rows against the relation: which fields are required, known and well-formed, and the words in
 * which that is said. What depends on other rows, and all but the simplest CHECKs, is left to the database.
 */
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import { AppError, type FieldError } from '../errors.ts';
import type { PlainValue, Row } from '../values.ts';
import { ValueFault } from './kind.ts';
import { faultByRules, rulesOf } from './rules.ts';
import { parseValue } from './values.ts';

/** `whole`: a row that is created or replaced. `part`: some of its columns. */
export type InputMode = 'whole' | 'part';

/** Faults that are listed; more would only be noise. */
export const mostFaults = 100;
/** Names are the client's, and may be as long as the body. */
export const longestPath = 200;
/** As a sentence; the fields themselves are listed beside it. */
const mostShown = 20;

/**
 * The columns that the input gives, in the form that rows have; what it leaves out is left out.
 *
 * @throws AppError `invalid` with one entry a wrong field.
 */
export function parseInput(relation: Relation, mode: InputMode, input: PlainValue): Row {
  const { row, fields } = examineInput(relation, mode, input);
  if (row) return row;
  throw invalidInput(relation, fields);
}

/**
 * The same for an array of whole rows.
 *
 * @throws AppError `invalid` whose paths begin with the row's place in the array: `3/email`.
 */
export function parseInputs(relation: Relation, inputs: readonly PlainValue[]): Row[] {
  const faults: FieldError[] = [];
  const rows = inputs.flatMap((input, index) => {
    const { row, fields } = examineInput(relation, 'whole', input);
    const room = mostFaults + 1 - faults.length;
    faults.push(...fields.slice(0, room).map(({ path, message }) => ({ path: placed(index, path), message })));
    return row && faults.length === 0 ? [row] : [];
  });
  if (faults.length > 0) throw invalidInput(relation, faults);
  return rows;
}

/** The path of a fault in the row at `place`. */
export function placed(place: number, path: string): string {
  return path === '' ? String(place) : `${place}/${path}`;
}

/** Columns that a whole row must give. */
export function isRequired({ nullable, default: otherwise, generated }: Column): boolean {
  return !nullable && otherwise === null && !generated;
}

/** `GENERATED ALWAYS AS IDENTITY` of PostgreSQL. */
export function isNumbered({ generated, default: number }: Column): boolean {
  return generated && number !== null;
}

interface Examined {
  /** Null when anything is wrong. */
  readonly row: Row | null;
  readonly fields: readonly FieldError[];
}

function examineInput(relation: Relation, mode: InputMode, input: PlainValue): Examined {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return { row: null, fields: [{ path: '', message: 'must be an object' }] };
  const given = Object.entries(input as Readonly<Record<string, PlainValue>>);
  const fields: FieldError[] = [];
  const entries: (readonly [string, PlainValue])[] = [];
  for (const [name, value] of given) {
    const parsed = parseField(relation, name, value);
    if (!('message' in parsed)) entries.push([name, parsed.value]);
    else if (fields.push({ ...parsed, path: parsed.path.slice(0, longestPath) }) > mostFaults) break;
  }
  if (mode === 'whole') fields.push(...missingFields(relation, input));
  else if (given.length === 0) fields.push({ path: '', message: 'must have a field to change' });
  return { row: fields.length === 0 ? Object.fromEntries(entries) : null, fields };
}

function parseField(relation: Relation, name: string, value: PlainValue): FieldError | { readonly value: PlainValue } {
  const column = columnNamed(relation, name);
  if (!column) return { path: name, message: `is not a column of ${relation.name}` };
  if (column.generated) return { path: name, message: 'is computed by the database; leave it out' };
  if (value === null) return column.nullable ? { value } : { path: name, message: 'must not be null' };
  try {
    const parsed = parseValue(column.type, value);
    const fault = faultByRules(rulesOf(relation).get(name) ?? {}, parsed);
    return fault === null ? { value: parsed } : { path: name, message: fault };
  } catch (error) {
    if (!(error instanceof ValueFault)) throw error;
    return { path: error.path === '' ? name : `${name}/${error.path}`, message: error.message };
  }
}

/**
 * Rows that were checked against an earlier catalog may give a column that is there no longer. A number that a copy of the
 * database gave stays, also where clients may give none.
 *
 * @throws AppError `invalid`
 */
export function requireColumns(relation: Relation, rows: readonly Row[]): void {
  const stored = relation.columns.filter((column) => !column.generated || isNumbered(column));
  const known = new Set(stored.map(({ name }) => name));
  const unknown = rows.flatMap((row) => Object.keys(row)).find((name) => !known.has(name));
  if (unknown === undefined) return;
  throw new AppError('invalid', `${relation.name} has no column "${unknown}" any more that can be written.`, {
    fields: [{ path: unknown, message: `is not a column of ${relation.name}` }],
    sqlState: '42703',
  });
}

function missingFields({ columns }: Relation, input: object): FieldError[] {
  return columns
    .filter((column) => isRequired(column) && !Object.hasOwn(input, column.name))
    .map(({ name }) => ({ path: name, message: 'is required' }));
}

function invalidInput(relation: Relation, fields: readonly FieldError[]): AppError {
  const shown = fields.slice(0, mostShown).map(({ path, message }) => `${path} ${message}`.trim());
  const count = fields.length > mostFaults ? 'many' : fields.length - mostShown;
  const more = fields.length > mostShown ? `; and ${count} more` : '';
  return new AppError('invalid', `This is not a valid row of ${relation.name}: ${shown.join('; ')}${more}.`, {
    fields: fields.slice(0, mostFaults),
  });
}
