/**
 * What a filter means for a relation: its columns found, its values read by their types, then as SQL.
 *
 * The worst that can happen: a value that passes here and fails in the database, which the client would see as a defect.
 */
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import { join, name, raw, type Sql, sql, value as parameter } from '../sql/compose.ts';
import type { Engine, PlainValue } from '../values.ts';
import { bind } from './bind.ts';
import { type Comparison, type Filter, mapTree, ParameterFault, type Tree } from './filter.ts';
import { type Operator, ValueFault } from './kind.ts';
import { listed } from './names.ts';
import { operatorsOf, parseText, textOf } from './values.ts';

/** A comparison of a known column with values of its type; of `like` with a pattern, of `is` with a word. */
export interface PlannedComparison {
  readonly column: Column;
  readonly operator: Operator;
  readonly values: readonly PlainValue[];
}

export type Condition = Tree<PlannedComparison>;

const maxTextLength = 1000;

/** @throws ParameterFault for a column that is not there, an operator that it does not have, or a value that it cannot have */
export function planFilter(relation: Relation, filter: Filter): Condition {
  return mapTree(filter, (comparison) => planComparison(relation, comparison));
}

function planComparison(relation: Relation, { column: given, operator, values }: Comparison): PlannedComparison {
  const column = columnNamed(relation, given);
  if (!column)
    throw new ParameterFault(`is no column; the columns are ${listed(relation.columns.map((each) => each.name))}`);
  const known = operatorsOf(column.type);
  if (!known.includes(operator))
    throw new ParameterFault(`expects one of the operators that this column has: ${known.join(', ')}`);
  if (operator === 'like' || operator === 'ilike') return { column, operator, values };
  const read = operator === 'is' ? wordOf : valueOf;
  return { column, operator, values: values.map((text) => read(column, text)) };
}

function valueOf({ type }: Column, text: string): PlainValue {
  if (text.length > maxTextLength) throw new ParameterFault(`expects at most ${maxTextLength} characters`);
  try {
    return parseText(type, text);
  } catch (error) {
    if (!(error instanceof ValueFault)) throw error;
    throw new ParameterFault(`${error.message}, not "${shorten(text)}"`);
  }
}

function wordOf({ type }: Column, text: string): string {
  const words = type.kind === 'boolean' ? ['null', 'not_null', 'true', 'false'] : ['null', 'not_null'];
  if (words.includes(text)) return text;
  throw new ParameterFault(`expects "is." followed by ${words.join(', ')}, not "${shorten(text)}"`);
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text;
}

/** The condition in SQL. */
export function conditionSql(engine: Engine, condition: Condition): Sql {
  if ('and' in condition) return joined(engine, condition.and, ' and ', 'true');
  if ('or' in condition) return joined(engine, condition.or, ' or ', 'false');
  if ('not' in condition) return sql`not (${conditionSql(engine, condition.not)})`;
  return comparisonSql(engine, condition);
}

function joined(engine: Engine, parts: readonly Condition[], word: string, empty: string): Sql {
  if (parts.length === 0) return raw(empty);
  return sql`(${join(
    parts.map((part) => conditionSql(engine, part)),
    word,
  )})`;
}

const symbols = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=', like: 'like', ilike: 'ilike' } as const;

function comparisonSql(engine: Engine, { column, operator, values }: PlannedComparison): Sql {
  const own = name(column.name);
  const [first = null] = values;
  if (operator === 'is') return raw(`${own.texts[0]} is ${first === 'not_null' ? 'not null' : textOf(first)}`);
  if (operator === 'like' || operator === 'ilike')
    return sql`${own} ${raw(symbols[operator])} cast(${parameter(first)} as text) escape '\\'`;
  const [left, bound] = operands(engine, column, values);
  if (operator !== 'in') return sql`${left} ${raw(symbols[operator])} ${bound[0] ?? raw('null')}`;
  return bound.length === 0 ? raw('false') : sql`${left} in (${join(bound)})`;
}

/** What an engine has of its own may have no operators: its text has. */
function operands(engine: Engine, column: Column, values: readonly PlainValue[]): readonly [Sql, readonly Sql[]] {
  const own = name(column.name);
  if (column.type.kind !== 'other') return [own, values.map((value) => bind(engine, column, value))];
  return [sql`cast(${own} as text)`, values.map((value) => sql`cast(${bind(engine, column, value)} as text)`)];
}
