/**
 * Checks what clients send as a row, with a zod schema made from the table's definition.
 *
 * Owns: which fields are required, known and well-formed, and the words in which that is said. What depends on the
 * data (a reference that leads nowhere, a duplicate) is lib/schema/integrity.ts. The worst that can happen: a value
 * gets through that the database refuses.
 */
import { z } from 'zod';
import { AppError, type FieldError } from '../errors.ts';
import { parseUuid } from './identifiers.ts';
import { parseDay, parseMoment } from './moments.ts';
import {
  clientColumns,
  type Column,
  columnOf,
  type IntegerColumn,
  type NumberColumn,
  type Table,
  type TextColumn,
} from './table.ts';
import { faultOfText, normalizeText } from './text.ts';
import type { PlainValue } from '../values.ts';

/** Create and replace take a whole row, update some of its columns. */
export type InputMode = 'whole' | 'part';

/** The columns of a row that the client decides. */
export type InputValues = Readonly<Record<string, PlainValue>>;

const cache = new WeakMap<Table, Partial<Record<InputMode, z.ZodObject>>>();

/** The zod schema of the input, made once a table. JSON Schema follows from it (`z.toJSONSchema(…, {io: 'input'})`). */
export function inputSchema(table: Table, mode: InputMode): z.ZodObject {
  const schemas = cache.get(table) ?? {};
  cache.set(table, schemas);
  return (schemas[mode] ??= makeSchema(table, mode));
}

/**
 * The values of the input, normalised; for `whole` with defaults filled in.
 *
 * @throws AppError `invalid` with one entry a wrong field.
 */
export function parseInput(table: Table, mode: InputMode, input: unknown): InputValues {
  const { values, fields } = examineInput(table, mode, input);
  if (values) return values;
  throw new AppError('invalid', summary(table, fields), { fields });
}

/** Faults that are told of an array; more would only be noise. */
const mostFaults = 100;

/**
 * The same for an array of whole rows.
 *
 * @throws AppError `invalid` whose paths begin with the row's place in the array: `3/email`.
 */
export function parseInputs(table: Table, inputs: readonly unknown[]): readonly InputValues[] {
  const faults: FieldError[] = [];
  const rows = inputs.flatMap((input, index) => {
    const { values, fields } = examineInput(table, 'whole', input);
    faults.push(
      ...fields.map(({ path, message }) => ({ path: path === '' ? `${index}` : `${index}/${path}`, message })),
    );
    return values ? [values] : [];
  });
  if (faults.length === 0) return rows;
  throw new AppError('invalid', summary(table, faults), { fields: faults.slice(0, mostFaults) });
}

interface Examined {
  /** Null when anything is wrong. */
  readonly values: InputValues | null;
  readonly fields: readonly FieldError[];
}

function examineInput(table: Table, mode: InputMode, input: unknown): Examined {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return { values: null, fields: [{ path: '', message: 'must be an object' }] };
  }
  const fields = unknownFields(table, input);
  const parsed = inputSchema(table, mode).safeParse(input);
  if (!parsed.success) fields.push(...firstFaults(parsed.error));
  if (mode === 'part' && Object.keys(input).length === 0)
    fields.push({ path: '', message: 'must have a field to change' });
  return { values: fields.length === 0 ? (parsed.data as InputValues) : null, fields };
}

/** As a sentence; the fields themselves are listed beside it. */
const mostShown = 20;

function summary(table: Table, fields: readonly FieldError[]): string {
  const shown = fields.slice(0, mostShown).map(({ path, message }) => `${path} ${message}`.trim());
  const more = fields.length > mostShown ? `; and ${fields.length - mostShown} more` : '';
  return `This is not a valid ${table.singular}: ${shown.join('; ')}${more}.`;
}

/** Names the fields that are no columns, or not the client's; zod itself passes over some names (`__proto__`). */
function unknownFields(table: Table, input: object): FieldError[] {
  return Object.keys(input).flatMap((path) => {
    const column = columnOf(table, path);
    if (column?.origin === 'client') return [];
    return [{ path, message: column ? 'is set by the server; leave it out' : `is not a field of a ${table.singular}` }];
  });
}

function firstFaults(error: z.ZodError): FieldError[] {
  const faults = new Map<string, string>();
  for (const { path, message } of error.issues) {
    const name = path.join('/');
    if (!faults.has(name)) faults.set(name, message);
  }
  return [...faults].map(([path, message]) => ({ path, message }));
}

function makeSchema(table: Table, mode: InputMode): z.ZodObject {
  const shape = clientColumns(table).map(([name, column]) => [name, fieldSchema(column, mode)] as const);
  return z.object(Object.fromEntries(shape));
}

function fieldSchema(column: Column, mode: InputMode): z.ZodType {
  const value = column.nullable ? valueSchema(column).nullable() : valueSchema(column);
  const described = column.description === undefined ? value : value.describe(column.description);
  if (mode === 'part') return described.optional();
  if (column.default !== undefined) return described.default(column.default);
  return column.nullable ? described.default(null) : described;
}

/** Says `is required` for a field that is missing, else what it must be. */
const must = (what: string) => ({
  error: (issue: { readonly input?: unknown }) => (issue.input === undefined ? 'is required' : `must be ${what}`),
});

function valueSchema(column: Column): z.ZodType {
  const { kind } = column;
  if (kind === 'text') return textSchema(column);
  if (kind === 'integer') return inRange(z.int(must('a whole number')), column);
  if (kind === 'number') return inRange(z.number(must('a number')), column);
  if (kind === 'boolean') return z.boolean(must('true or false'));
  if (kind === 'enum') return z.enum([...column.values], must(`one of ${column.values.join(', ')}`));
  return canonicalSchemas[kind];
}

function inRange(number: z.ZodNumber, { min, max }: IntegerColumn | NumberColumn): z.ZodType {
  return number
    .min(min, { error: `must be ${min} or more` })
    .max(max, { error: `must be ${max} or less` })
    .overwrite((value) => value + 0); // -0 becomes 0
}

function textSchema(column: TextColumn): z.ZodType {
  const { minLength, maxLength, format } = column;
  return z
    .string(must('text'))
    .overwrite((text) => normalizeText(column, text.trim()))
    .superRefine((text, context) => {
      const message = faultOfText(column, text);
      if (message !== null) context.addIssue({ code: 'custom', message });
    })
    .meta({ minLength, maxLength, ...(format === 'email' ? { format: 'idn-email' } : {}) });
}

/** Text that `parse` brings to its one form. */
function canonical(parse: (text: string) => string | null, what: string, format: string): z.ZodType {
  return z
    .string(must(what))
    .refine((text) => parse(text) !== null, must(what))
    .overwrite((text) => parse(text) ?? text)
    .meta({ format });
}

const canonicalSchemas = {
  date: canonical(parseDay, 'a day such as 2026-11-24', 'date'),
  timestamp: canonical(parseMoment, 'a time with its offset, such as 2026-11-24T04:05:06Z', 'date-time'),
  uuid: canonical(parseUuid, 'a UUID', 'uuid'),
};
