/**
 * A table as schemas: its rows, and what clients send for them.
 *
 * Owns: how a kind of column is described. Inputs follow from the schema that validates them, rows from the table's
 * definition. The worst that can happen: a client that is generated from this refuses what the server answers.
 */
import { z } from 'zod';
import type { Column, Table } from '../../schema/table.ts';
import { type InputMode, inputSchema } from '../../schema/validation.ts';
import { arrayOf, type Json, type JsonObject, nullable, object, schemaRef, string } from './json-schema.ts';

/** `students` as `Students`, `exam_dates` as `ExamDates`. */
export function pascal(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The names of a table's schemas. */
export function schemaNames(table: Table) {
  const name = pascal(table.singular);
  return {
    row: name,
    selection: `${name}Selection`,
    input: `${name}Input`,
    patch: `${name}Patch`,
    page: `${name}Page`,
  };
}

export function tableSchemas(table: Table): JsonObject {
  const names = schemaNames(table);
  const columns = Object.fromEntries(
    Object.entries(table.columns).map(([name, column]) => [name, columnSchema(column)]),
  );
  const about = table.description === undefined ? {} : { description: table.description };
  return {
    [names.row]: { ...object(columns), ...about },
    [names.selection]: {
      ...object({}, columns),
      description: `The columns of a ${table.singular} that \`select\` names: all of them when it is left out.`,
    },
    [names.input]: inputJsonSchema(table, 'whole'),
    [names.patch]: { ...inputJsonSchema(table, 'part'), minProperties: 1 },
    [names.page]: object(
      {
        data: arrayOf(schemaRef(names.selection)),
        next: { ...nullable('string'), description: 'The cursor of the page after this one.' },
      },
      { count: { type: 'integer', minimum: 0, description: 'Of all pages, when `count=exact` asks for it.' } },
    ),
  };
}

const kinds: Readonly<Record<Column['kind'], JsonObject>> = {
  text: string,
  enum: string,
  integer: { type: 'integer' },
  number: { type: 'number' },
  boolean: { type: 'boolean' },
  date: { type: 'string', format: 'date' },
  timestamp: { type: 'string', format: 'date-time' },
  uuid: { type: 'string', format: 'uuid' },
};

function columnSchema(column: Column): JsonObject {
  const { type, ...rest } = kinds[column.kind];
  const values =
    column.kind === 'enum' ? { enum: column.nullable ? [...column.values, null] : [...column.values] } : {};
  return {
    type: column.nullable ? [type ?? null, 'null'] : (type ?? null),
    ...rest,
    ...values,
    ...(column.description === undefined ? {} : { description: column.description }),
  };
}

function inputJsonSchema(table: Table, mode: InputMode): JsonObject {
  const { $schema: _, ...schema } = z.toJSONSchema(inputSchema(table, mode), { io: 'input' }) as {
    [name: string]: Json;
  };
  return { ...schema, additionalProperties: false };
}
