/**
 * What a query may say on PostgreSQL, decided on the syntax tree that PostgreSQL's own parser makes of it (libpg-query).
 *
 * Owns: which nodes, tables, functions and types are allowed. Everything is refused that is not listed. The worst that can
 * happen: a name that means something else when it runs. `t.f` is also a way to call `f(t)`, and a name that a WITH gives
 * in one place may be a table in another; so such names must not be those of functions and tables that are not allowed.
 */
import type { RelationName } from '../../../catalog/catalog.ts';
import { AppError } from '../../../errors.ts';
import { clockValues, scalarFunctions, setFunctions, types } from './functions.ts';

/** The names that a tree uses and that only the database can judge. */
export interface UsedNames {
  /** Tables, without those that a WITH gives. */
  readonly tables: ReadonlySet<string>;
  /** What WITH gives: must not be a table or view of the database. */
  readonly common: ReadonlySet<string>;
  /** After a dot: must not be a function. */
  readonly fields: ReadonlySet<string>;
}

type Node = Readonly<Record<string, unknown>>;

const allowedNodes = new Set(
  `A_ArrayExpr A_Const A_Expr A_Indices A_Indirection A_Star BoolExpr BooleanTest CaseExpr CaseWhen CoalesceExpr
   CollateClause ColumnRef CommonTableExpr Float FuncCall GroupingFunc GroupingSet Integer JoinExpr List MinMaxExpr
   NamedArgExpr NullTest ParamRef RangeFunction RangeSubselect RangeTableSample RangeVar ResTarget RowExpr SelectStmt
   SortBy SQLValueFunction String SubLink TypeCast WindowDef Boolean BitString`.split(/\s+/),
);
/** Fields that hold a node without its name around it, beyond those that are walked like any other. */
const refusedFields = new Set(['intoClause', 'lockingClause']);
const plainName = /^[\p{L}_][\p{L}\p{N}_$]*$/u;

/** @throws AppError `invalid` for a tree that holds anything which is not allowed */
export function checkTree(tree: unknown, calls?: RelationName): UsedNames {
  const inspection = new Inspection(calls);
  inspection.walk(tree);
  return inspection.names();
}

class Inspection {
  readonly #tables = new Set<string>();
  readonly #common = new Set<string>();
  readonly #fields = new Set<string>();
  /** The one function of the user's that may be called. */
  readonly #calls: RelationName | undefined;

  constructor(calls: RelationName | undefined) {
    this.#calls = calls;
  }

  names(): UsedNames {
    const tables = new Set([...this.#tables].filter((name) => !this.#common.has(name)));
    return { tables, common: this.#common, fields: this.#fields };
  }

  walk(value: unknown): void {
    if (Array.isArray(value)) for (const each of value) this.walk(each);
    if (!isNode(value)) return;
    for (const [name, child] of Object.entries(value)) {
      if (refusedFields.has(name)) throw refuse(name === 'intoClause' ? 'SELECT … INTO' : 'FOR UPDATE');
      // Names of nodes begin with a capital, names of fields do not.
      if (/^[A-Z]/.test(name)) this.#node(name, child);
      else if (name === 'typeName') requireType(child);
      else this.walk(child);
    }
  }

  #node(kind: string, node: unknown): void {
    if (!allowedNodes.has(kind) || !isNode(node)) throw refuse(`a part of the kind ${kind}`);
    if (kind === 'FuncCall' && !this.#isCall(node)) requireFunction(node);
    if (kind === 'SQLValueFunction' && !clockValues.test(String(node['op'])))
      throw refuse('the name of a user or a schema');
    if (kind === 'RangeVar') this.#noteTable(node);
    if (kind === 'CommonTableExpr') this.#noteCommon(node['ctename']);
    if (kind === 'ColumnRef') this.#noteFields(stringsIn(node['fields']).slice(1));
    if (kind === 'A_Indirection') this.#noteFields(stringsIn(node['indirection']));
    if (kind === 'A_Expr' || kind === 'SubLink') requireOperator(node['name'] ?? node['operName']);
    this.walk(node);
  }

  #isCall(node: Node): boolean {
    const [schema, name, ...others] = stringsIn(node['funcname']);
    return (
      this.#calls !== undefined && others.length === 0 && schema === this.#calls.schema && name === this.#calls.name
    );
  }

  #noteTable(node: Node): void {
    const { relname, schemaname, catalogname } = node;
    if (typeof relname !== 'string' || catalogname !== undefined) throw refuse('a table of another database');
    if (schemaname !== undefined) throw refuse('a schema; tables are named without one');
    this.#tables.add(relname);
  }

  #noteCommon(name: unknown): void {
    if (typeof name !== 'string' || !plainName.test(name)) throw refuse('a WITH without a plain name');
    this.#common.add(name);
  }

  #noteFields(names: readonly string[]): void {
    for (const name of names) if (!scalarFunctions.has(name)) this.#fields.add(name);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The texts among nodes such as `{String: {sval}}`; an empty text is left out of the tree. */
function stringsIn(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((each: unknown) => {
    const text = isNode(each) ? each['String'] : undefined;
    if (!isNode(text)) return [];
    const { sval = '' } = text;
    return typeof sval === 'string' ? [sval] : [];
  });
}

/** The last part of a name, whose part before it can only be PostgreSQL's own schema. */
function ownName(list: unknown): string | null {
  const parts = stringsIn(list);
  if (parts.length === 0 || parts.length > 2 || (parts.length === 2 && parts[0] !== 'pg_catalog')) return null;
  return parts.at(-1) ?? null;
}

function requireFunction(node: Node): void {
  const name = ownName(node['funcname']);
  if (name !== null && (scalarFunctions.has(name) || setFunctions.has(name))) return;
  throw refuse(`the function ${stringsIn(node['funcname']).join('.')}`);
}

function requireType(node: unknown): void {
  const names = isNode(node) ? node['names'] : undefined;
  const name = ownName(names);
  if (name === null || !types.has(name)) throw refuse(`the type ${stringsIn(names).join('.')}`);
}

function requireOperator(name: unknown): void {
  if (name !== undefined && ownName(name) === null) throw refuse('an operator of a schema');
}

export function refuse(what: string): AppError {
  return new AppError('invalid', `A query may not use ${what}.`, {
    hint: 'A query reads the tables of the database: one SELECT, with the functions that compute values.',
  });
}
