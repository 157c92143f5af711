/** What a filter means for a relation: its columns found, its values read by their types, then as SQL. */
import { type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import type { ValueType } from '../catalog/types.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import type { EngineName, PlainValue } from '../values.ts';
import { bind } from './bind.ts';
import { type Comparison, type Filter, type JsonStep, mapTree, ParameterFault, type Tree } from './filter.ts';
import { compareJson, comparesJson, jsonPathSql, typeOfPath } from './json-path.ts';
import { type Operator, ValueFault } from './kind.ts';
import { listed } from './names.ts';
import { isPatternOperator, patternSql, requirePattern } from './patterns.ts';
import { everyOperatorOf, isOtherNumber, operatorsOf, parseText, textOf } from './values.ts';

/** A comparison of a known column with values of its type; of `like` and `match` with a pattern, of `is` with a word. */
export interface PlannedComparison {
  readonly column: Column;
  readonly operator: Operator;
  readonly values: readonly PlainValue[];
  /** Into its JSON: then what is compared is text, or JSON, by the last step. */
  readonly path?: readonly JsonStep[];
}

export type Condition = Tree<PlannedComparison>;

const maxTextLength = 1000;

/** @throws ParameterFault for a column that is not there, an operator that it does not have, or a value that it cannot have */
export function planFilter(relation: Relation, filter: Filter): Condition {
  return mapTree(filter, (comparison) => planComparison(relation, comparison));
}

/** @throws ParameterFault */
export function planComparison(relation: Relation, comparison: Comparison): PlannedComparison {
  const { operator, values, path } = comparison;
  const column = columnNamed(relation, comparison.column);
  if (!column)
    throw new ParameterFault(
      `is no column; the columns are ${listed(relation.columns.map((each) => each.name))}`,
      '42703',
    );
  const type = path ? typeOfPath(path) : column.type;
  if (!everyOperatorOf(type).includes(operator) && !(path && comparesJson(type, operator)))
    throw new ParameterFault(
      `expects one of the operators that this column has: ${operatorsOf(type).join(', ')}`,
      '42883',
    );
  const more = path ? { path } : {};
  if (isPatternOperator(operator))
    return { column, operator, values: values.map((text) => requirePattern(operator, text)), ...more };
  const read = operator === 'is' ? wordOf : valueOf;
  return { column, operator, values: values.map((text) => read(type, text)), ...more };
}

function valueOf(type: ValueType, text: string): PlainValue {
  if (text.length > maxTextLength) throw new ParameterFault(`expects at most ${maxTextLength} characters`, '22001');
  try {
    return parseText(type, text);
  } catch (error) {
    if (!(error instanceof ValueFault)) throw error;
    throw new ParameterFault(`${error.message}, not "${shorten(text)}"`, isOtherNumber(type, text) ? '22003' : '22P02');
  }
}

function wordOf(type: ValueType, text: string): string {
  const words = type.kind === 'boolean' ? ['null', 'not_null', 'true', 'false'] : ['null', 'not_null'];
  if (words.includes(text)) return text;
  throw new ParameterFault(`expects "is." followed by ${words.join(', ')}, not "${shorten(text)}"`, '42804');
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text;
}

/** The condition in SQL. `table`: what the relation is called there, where names alone would not do. */
export function conditionSql(engine: EngineName, condition: Condition, table?: string): Sql {
  return treeSql(condition, (comparison) => comparisonSql(engine, comparison, table));
}

/** A tree in SQL, by what its leaves are. */
export function treeSql<Leaf extends object>(tree: Tree<Leaf>, leafSql: (leaf: Leaf) => Sql): Sql {
  const joined = (parts: readonly Tree<Leaf>[], word: string, empty: string): Sql => {
    if (parts.length === 0) return raw(empty);
    const all = parts.map((part) => treeSql(part, leafSql));
    return sql`(${join(all, word)})`;
  };
  if ('and' in tree) return joined(tree.and, ' and ', 'true');
  if ('or' in tree) return joined(tree.or, ' or ', 'false');
  if ('not' in tree) return sql`not (${treeSql(tree.not, leafSql)})`;
  return leafSql(tree);
}

const symbols = {
  eq: '=',
  neq: '<>',
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
  isdistinct: 'is distinct from',
  cs: '@>',
  cd: '<@',
  ov: '&&',
} as const;

export function comparisonSql(engine: EngineName, comparison: PlannedComparison, table?: string): Sql {
  const { column, operator, values, path } = comparison;
  const whole = table === undefined ? name(column.name) : name(table, column.name);
  const own = path ? jsonPathSql(engine, column, whole, path) : whole;
  const [first = null] = values;
  if (operator === 'is') return sql`${own} is ${raw(first === 'not_null' ? 'not null' : textOf(first))}`;
  if (isPatternOperator(operator)) return patternSql(engine, own, operator, textOf(first));
  const type = path ? typeOfPath(path) : column.type;
  if (type.kind === 'json') return compareJson(engine, own, operator, values);
  const [left, bound] = operands(engine, own, path ? { type, sqlType: 'text' } : column, values);
  if (operator !== 'in') return sql`${left} ${raw(symbols[operator])} ${bound[0] ?? raw('null')}`;
  return bound.length === 0 ? raw('false') : sql`${left} in (${join(bound)})`;
}

/** What an engine has of its own may have no operators: its text has. */
function operands(
  engine: EngineName,
  own: Sql,
  column: Pick<Column, 'type' | 'sqlType'>,
  values: readonly PlainValue[],
): readonly [Sql, readonly Sql[]] {
  if (column.type.kind !== 'other') return [own, values.map((value) => bind(engine, column, value))];
  return [sql`cast(${own} as text)`, values.map((value) => sql`cast(${bind(engine, column, value)} as text)`)];
}
