/** Paths into JSON as SQL, and comparisons of what they lead to: the same on either engine. */
import type { Column } from '../catalog/catalog.ts';
import type { ValueType } from '../catalog/types.ts';
import { join, raw, type Sql, sql, value as parameter } from '../sql/compose.ts';
import type { EngineName, PlainValue } from '../values.ts';
import type { JsonStep } from './filter.ts';
import type { Operator } from './kind.ts';
import { textOf } from './values.ts';

export function typeOfPath(path: readonly JsonStep[]): ValueType {
  return path.at(-1)?.asText === true ? { kind: 'text', maxLength: null } : { kind: 'json' };
}

/** `own` is the column. What is no JSON is made JSON first. */
export function jsonPathSql(engine: EngineName, { type }: Column, own: Sql, path: readonly JsonStep[]): Sql {
  const isJson = type.kind === 'json';
  if (engine === 'postgres') {
    const start = isJson ? own : sql`to_jsonb(${own})`;
    return path.reduce((from, { key, asText }) => {
      const step = sql`cast(${parameter(key)} as ${raw(typeof key === 'number' ? 'integer' : 'text')})`;
      return sql`(${from} ${raw(asText ? '->>' : '->')} ${step})`;
    }, start);
  }
  return path.reduce(
    (from, { key, asText }) => {
      const extract = raw(asText ? 'json_extract_string' : 'json_extract');
      return sql`${extract}(${from}, cast(${parameter(pointer(key))} as varchar))`;
    },
    isJson ? own : sql`to_json(${own})`,
  );
}

/** One step in DuckDB's words: a JSON pointer where it is a name, whatever characters that has. */
function pointer(key: string | number): string {
  if (typeof key === 'number') return key < 0 ? `$[#${key}]` : `$[${key}]`;
  return `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

const ofJson: ReadonlySet<Operator> = new Set<Operator>(['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'isdistinct']);

/** Whether JSON that a path leads to can be compared so. */
export function comparesJson({ kind }: ValueType, operator: Operator): boolean {
  return kind === 'json' && ofJson.has(operator);
}

const symbols: Partial<Record<Operator, string>> = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' };

/** `values` are texts of JSON. Numbers are compared as numbers, all else as the text that JSON without blanks has. */
export function compareJson(engine: EngineName, own: Sql, operator: Operator, values: readonly PlainValue[]): Sql {
  const texts = values.map((each) => JSON.stringify(JSON.parse(textOf(each))));
  const [first = 'null'] = texts;
  const json = raw(engine === 'postgres' ? 'jsonb' : 'json');
  const of = (text: string): Sql => sql`cast(${parameter(text)} as ${json})`;
  const whole = sql`cast(${own} as ${json})`;
  if (operator === 'in') {
    const any = texts.map((text) => compareJson(engine, own, 'eq', [text]));
    return any.length === 0 ? raw('false') : sql`(${join(any, ' or ')})`;
  }
  if (operator === 'cs' || operator === 'cd') {
    const [container, part] = operator === 'cs' ? [whole, of(first)] : [of(first), whole];
    return engine === 'postgres' ? sql`${container} @> ${part}` : sql`json_contains(${container}, ${part})`;
  }
  const symbol = raw(operator === 'isdistinct' ? 'is distinct from' : (symbols[operator] ?? '='));
  if (typeof JSON.parse(first) === 'number')
    return sql`${numberSql(engine, whole)} ${symbol} cast(${parameter(first)} as double precision)`;
  return engine === 'postgres'
    ? sql`${whole} ${symbol} ${of(first)}`
    : sql`cast(${whole} as varchar) ${symbol} cast(${parameter(first)} as varchar)`;
}

/** Null where it is no number. */
function numberSql(engine: EngineName, own: Sql): Sql {
  return engine === 'postgres'
    ? sql`case when jsonb_typeof(${own}) = 'number' then cast(${own} as double precision) end`
    : sql`case when json_type(${own}) in ('BIGINT', 'UBIGINT', 'DOUBLE', 'HUGEINT', 'UHUGEINT') then cast(json_extract_string(${own}, '$') as double) end`;
}
