import { type Catalog, displayName, type Relation, relationId } from '../../catalog/catalog.ts';
import { AppError, type ConstraintName, type ErrorKind } from '../../errors.ts';
import type { ServerError } from './server-error.ts';

export function mapConstraint(error: ServerError, cause: Error, catalog: Catalog | null): AppError {
  const { kind, message, columns = [], fault = '' } = violationOf(error, catalog);
  return new AppError(kind, message, {
    cause,
    sqlState: error.code === '23001' ? '23503' : error.code,
    ...(columns.length === 0 ? {} : { fields: columns.map((path) => ({ path, message: fault })) }),
    ...named(error),
  });
}

interface Violation {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly columns?: readonly string[];
  readonly fault?: string;
}

function violationOf(error: ServerError, catalog: Catalog | null): Violation {
  const { schema = '', table = '', constraint, column } = error;
  const relation = catalog?.relations.get(relationId({ schema, name: table }));
  switch (error.code) {
    case '23505':
      return duplicate(relation, error);
    case '23503':
    case '23001':
      return brokenReference(error, catalog, relation);
    case '23502':
      return {
        kind: 'invalid',
        message: `${column ?? 'A value'} must not be null.`,
        columns: column === undefined ? [] : [column],
        fault: 'must not be null',
      };
    case '23514':
      return brokenCheck(relation, error);
    case '23P01':
      return { kind: 'conflict', message: `The row conflicts with one that exists already (${constraint}).` };
    default:
      return { kind: 'invalid', message: 'A value breaks a rule of its table.' };
  }
}

function duplicate(relation: Relation | undefined, { constraint, detail }: ServerError): Violation {
  const set = relation?.unique.find(({ name }) => name === constraint);
  const columns = set?.columns ?? columnsIn(detail, relation);
  const message = `A row with the same ${columns.join(', ') || `key (${constraint})`} exists already.`;
  return { kind: 'conflict', message, columns, fault: 'is taken' };
}

/** From `Key (email)=(…) …`, in any language; none when it is about an expression. */
function columnsIn(detail = '', relation: Relation | undefined): readonly string[] {
  const end = detail.indexOf(')=(');
  const names = end < 0 ? [] : detail.slice(detail.indexOf('(') + 1, end).split(', ');
  const columns = names.map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name));
  const isKnown = (name: string): boolean => !relation || relation.columns.some((column) => column.name === name);
  return columns.every(isKnown) ? columns : [];
}

/**
 * PostgreSQL says only in the text, in the server's language, which side is broken; either way the referring table is
 * named.
 */
function brokenReference(error: ServerError, catalog: Catalog | null, relation: Relation | undefined): Violation {
  const reference = relation?.references.find(({ name }) => name === error.constraint);
  const isGone = error.message.startsWith('update or delete on');
  const isMissing = error.message.startsWith('insert or update on');
  if (!catalog || !relation || !reference || !(isGone || isMissing)) {
    const message = 'Another row refers to this one, or one that is referred to is missing.';
    return { kind: isMissing ? 'invalid' : 'conflict', message };
  }
  const child = `${displayName(catalog, relation)}.${listOf(reference.columns)}`;
  const parent = displayName(catalog, reference.target);
  const value = valueIn(error.detail, reference.columns.length);
  if (isGone) {
    const message = `${parent}.${listOf(reference.targetColumns)}${value} is still referred to by ${child}.`;
    return { kind: 'conflict', message, columns: reference.targetColumns, fault: `is still referred to by ${child}` };
  }
  const fault = `names no row of ${parent}`;
  return { kind: 'invalid', message: `${child}${value} ${fault}.`, columns: reference.columns, fault };
}

const mostShown = 100;

/** ` = 7` of `Key (a)=(7) is not present in table "t".` */
function valueIn(detail = '', columns: number): string {
  const start = detail.indexOf(')=(') + 3;
  const end = Math.max(
    ...['not present in', 'still referenced from'].map((is) => detail.lastIndexOf(`) is ${is} table`)),
  );
  if (start < 3 || end < start) return '';
  const text = detail.slice(start, end);
  const shown = text.length > mostShown ? `${text.slice(0, mostShown)}…` : text;
  return ` = ${columns === 1 ? shown : `(${shown})`}`;
}

function brokenCheck(relation: Relation | undefined, { constraint = '' }: ServerError): Violation {
  const check = relation?.checks.find(({ name }) => name === constraint);
  if (!check) return { kind: 'invalid', message: `A value breaks the rule ${constraint}.` };
  const fault = `breaks the rule ${check.expression}`;
  const message = `${check.columns.join(', ') || 'The row'} ${fault} (${constraint}).`;
  return { kind: 'invalid', message, columns: check.columns, fault };
}

function listOf(columns: readonly string[]): string {
  return columns.length === 1 ? (columns[0] ?? '') : `(${columns.join(', ')})`;
}

function named({ constraint, schema, table }: ServerError): { readonly constraint?: ConstraintName } {
  if (constraint === undefined || schema === undefined || table === undefined) return {};
  return { constraint: { name: constraint, schema, table } };
}
