/** Staged values, which are texts, as the API takes them. */
import type { Column, Relation } from '../../api/catalog.ts';
import type { RowInput } from '../../api/rows.ts';
import type { SqlValue } from '../../api/sql.ts';
import { intervalOf, isoText, valueText } from '../../api/value-text.ts';
import { exactJson, isNested } from './nested.ts';
import type { Value, Values } from './staged.ts';

/** Columns that are left to their default are not in it. */
export function inputOf({ columns }: Relation, values: Values): RowInput {
  const known = columns.filter(({ name }) => Object.hasOwn(values, name));
  return Object.fromEntries(
    known.flatMap((column): [string, string][] => {
      const json = jsonOf(column, values[column.name] ?? 'default');
      return json === null ? [] : [[column.name, json]];
    }),
  );
}

/** Null for a column that is left to its default. Numbers go as text, in which no digit is lost. */
function jsonOf({ type }: Column, value: Value): string | null {
  if (value === 'default') return null;
  const { text } = value;
  if (text === null) return 'null';
  switch (type.kind) {
    case 'boolean':
      return /^t(?:rue)?$/i.test(text) ? 'true' : /^f(?:alse)?$/i.test(text) ? 'false' : JSON.stringify(text);
    case 'list':
    case 'struct':
    case 'map':
    case 'union':
      return exactJson(text) ?? JSON.stringify(text);
    case 'interval':
      return intervalOf(text) ?? JSON.stringify(text);
    default:
      return JSON.stringify(valueText(type, text));
  }
}

/** The same as a parameter of a statement, which casts it to the column's type. */
export function parameterOf({ type }: Column, text: SqlValue): unknown {
  if (text === null) return null;
  if (!isNested(type)) return type.kind === 'date' || type.kind === 'timestamp' ? isoText(text) : text;
  const json = exactJson(text);
  return json === null ? text : JSON.parse(json);
}
