import type { Column, Relation } from '../../catalog/catalog.ts';
import { isRequired } from '../../rows/input.ts';
import type { JsonSchema } from '../../rows/kind.ts';
import { nullable as orNull } from '../../rows/nested.ts';
import { rulesOf } from '../../rows/rules.ts';
import { valueInputSchema, valueSchema } from '../../rows/values.ts';
import { tokensOf } from '../../sql/tokens.ts';
import { arrayOf, type JsonObject, nullable, object, schemaRef } from './json-schema.ts';

export interface DescribedRows {
  readonly relation: Relation;
  /** In addresses. */
  readonly table: string;
  /** In schemas and operations: `Books`. */
  readonly name: string;
}

const suffixes = ['', 'Selection', 'Input', 'Patch', 'Page'] as const;

export function schemaNames({ name }: DescribedRows) {
  return {
    row: name,
    selection: `${name}Selection`,
    input: `${name}Input`,
    patch: `${name}Patch`,
    page: `${name}Page`,
  };
}

/** Names for schemas; `taken`: those that others have. `books` becomes `Books`, `exam dates` `ExamDates`. */
export function schemaNamer(taken: readonly string[]): (table: string) => string {
  const used = new Set(taken);
  return (table) => {
    const letters = table.replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9]?)/g, (_, letter: string) => letter.toUpperCase());
    const base = letters === '' ? 'Table' : letters;
    let name = base;
    for (let count = 2; suffixes.some((suffix) => used.has(name + suffix)); count++) name = `${base}${count}`;
    for (const suffix of suffixes) used.add(name + suffix);
    return name;
  };
}

export function relationSchemas(described: DescribedRows): JsonObject {
  const { relation } = described;
  const names = schemaNames(described);
  const columns = Object.fromEntries(relation.columns.map((column) => [column.name, rowSchema(column)]));
  const about = relation.comment === null ? {} : { description: relation.comment };
  const shown = {
    [names.row]: { ...object(columns), ...about },
    [names.selection]: {
      ...object({}, columns),
      description: `The columns of a row of ${described.table} that \`select\` names: all of them when it is left out.`,
    },
    [names.page]: object(
      {
        data: arrayOf(schemaRef(names.selection)),
        next: { ...nullable('string'), description: 'The cursor of the page after this one.' },
      },
      { count: { type: 'integer', minimum: 0, description: 'Of all pages, when `count=exact` asks for it.' } },
    ),
  };
  if (relation.readOnly !== null) return shown;
  return { ...shown, [names.input]: inputSchema(relation), [names.patch]: patchSchema(relation) };
}

function rowSchema(column: Column): JsonObject {
  const schema = valueSchema(column.type);
  return { ...(column.nullable ? orNull(schema) : schema), ...commentOf(column) };
}

function inputSchema(relation: Relation): JsonObject {
  const { required, optional } = Object.groupBy(inputColumns(relation), (column) =>
    isRequired(column) ? 'required' : 'optional',
  );
  return object(inputMembers(relation, required ?? []), inputMembers(relation, optional ?? []));
}

function patchSchema(relation: Relation): JsonObject {
  return { ...object({}, inputMembers(relation, inputColumns(relation))), minProperties: 1 };
}

function inputColumns({ columns }: Relation): Column[] {
  return columns.filter(({ generated }) => !generated);
}

function inputMembers(relation: Relation, columns: readonly Column[]): JsonObject {
  return Object.fromEntries(
    columns.map((column) => {
      const schema: JsonSchema = { ...valueInputSchema(column.type), ...rulesOf(relation).get(column.name) };
      return [
        column.name,
        { ...(column.nullable ? orNull(schema) : schema), ...defaultOf(column), ...commentOf(column) },
      ];
    }),
  );
}

function defaultOf({ default: expression, type }: Column): JsonObject {
  const [token, cast] = expression === null ? [] : tokensOf(expression.replace(/^\((.*)\)$/, '$1'));
  if (!token || (cast && cast.text !== ':')) return {};
  if (token.kind === 'string' && (type.kind === 'text' || type.kind === 'enum'))
    return { default: token.text.slice(1, -1).replaceAll("''", "'") };
  if (token.kind === 'number' && (type.kind === 'integer' || type.kind === 'float'))
    return { default: Number(token.text) };
  if (/^(?:true|false)$/i.test(token.text)) return { default: token.text.toLowerCase() === 'true' };
  return {};
}

function commentOf({ comment }: Column): JsonObject {
  return comment === null ? {} : { description: comment };
}
