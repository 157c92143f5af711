/**
 * What a query may say, decided on the syntax tree that DuckDB's own parser makes of it: so no comment, quote or odd
 * letter makes this file read another text than the one that runs.
 *
 * Everything is refused that is not listed, what new versions of DuckDB add included.
 */
import { AppError } from '../../../errors.ts';
import { tooDeep } from '../../../sql/nesting.ts';
import { operators, scalarFunctions, tableFunctions } from './functions.ts';
import { requireBounded } from './in-server.ts';

/** What there is in the database, in lower case. */
export interface Relations {
  /** Tables and views of the user, as `schema.table`. */
  readonly users: ReadonlySet<string>;
  /** Names that mean a table or view of DuckDB's own where no schema is given. */
  readonly internal: ReadonlySet<string>;
  /** The name that DuckDB knows the database by. */
  readonly database: string;
  /** Functions that may be called beside those that only compute. */
  readonly functions: ReadonlySet<string>;
  /** Types that have no words of their own: JSON, and the user's. */
  readonly types: ReadonlySet<string>;
  /** Macros of the user as `schema.name`, each with its texts as statements. */
  readonly macros: ReadonlyMap<string, readonly string[]>;
}

type DuckDbNode = Readonly<Record<string, unknown>>;
type NodeValues = readonly unknown[];

const expressions = new Set(
  `BETWEEN CASE CAST COLLATE COLUMN_REF COMPARISON CONJUNCTION CONSTANT DEFAULT FUNCTION LAMBDA LAMBDA_REF OPERATOR
   PARAMETER POSITIONAL_REFERENCE STAR SUBQUERY WINDOW`.split(/\s+/),
);
const queries = new Set(['SELECT_NODE', 'SET_OPERATION_NODE', 'RECURSIVE_CTE_NODE', 'CTE_NODE']);
const sources = new Set(
  'BASE_TABLE SUBQUERY JOIN TABLE_FUNCTION EXPRESSION_LIST EMPTY PIVOT SHOW_REF COLUMN_DATA'.split(' '),
);
const modifiers = new Set(['LIMIT_MODIFIER', 'LIMIT_PERCENT_MODIFIER', 'ORDER_MODIFIER', 'DISTINCT_MODIFIER']);
/** What types of values are made of. */
const types = new Set(['DECIMAL_TYPE_INFO', 'LIST_TYPE_INFO', 'ARRAY_TYPE_INFO', 'STRUCT_TYPE_INFO']);
/** The sort orders, which carry their direction in a field of this name. */
const directions = new Set(['ORDER_DEFAULT', 'ASCENDING', 'DESCENDING']);
/** DuckDB's binder takes the third power of the depth of an expression, and hears no interrupt meanwhile. */
const maxDepth = 200;
/** The sum of the squares of the depths: of one expression of that depth. */
const maxEffort = 6_000_000;
/** Of queries within expressions it takes three times as long for each level. */
const maxQueryDepth = 10;
const plainName = /^[\p{L}_][\p{L}\p{M}\p{N}_$]*$/u;

/**
 * Answers the macros of the user that the tree calls: they are read in its place, so their texts have to be checked, too.
 *
 * `values`: of the parameters, where it runs in the server's own process. @throws AppError `invalid` for a tree that holds anything which is not allowed
 */
export function checkTree(tree: unknown, relations: Relations, values: NodeValues | null): ReadonlySet<string> {
  return new DuckDbInspection(relations, values).statement(tree);
}

class DuckDbInspection {
  readonly #relations: Relations;
  readonly #values: NodeValues | null;
  readonly #common = new Set<string>();
  /** Looked at when all names that WITH gives are known. */
  readonly #tables: DuckDbNode[] = [];
  readonly #macros = new Set<string>();
  #depth = 0;
  #queryDepth = 0;
  #effort = 0;

  constructor(relations: Relations, values: NodeValues | null) {
    this.#relations = relations;
    this.#values = values;
  }

  statement(tree: unknown): ReadonlySet<string> {
    this.#walk(tree);
    for (const table of this.#tables) this.#requireTable(table);
    return this.#macros;
  }

  #walk(value: unknown): void {
    if (Array.isArray(value)) for (const each of value) this.#walk(each);
    else if (isNode(value)) this.#nested(value);
  }

  #nested(node: DuckDbNode): void {
    const isExpression = typeof node['class'] === 'string';
    const isQuery = node['class'] === 'SUBQUERY';
    if (isExpression) this.#depth++;
    if (isQuery) this.#queryDepth++;
    if (isExpression) this.#effort += this.#depth ** 2;
    if (this.#depth > maxDepth || this.#effort > maxEffort)
      throw tooDeep(`Operators and functions may be nested ${maxDepth} deep.`);
    if (this.#queryDepth > maxQueryDepth)
      throw tooDeep(`Queries within expressions may be nested ${maxQueryDepth} deep.`);
    this.#node(node);
    if (isExpression) this.#depth--;
    if (isQuery) this.#queryDepth--;
  }

  #node(node: DuckDbNode): void {
    this.#classify(node);
    if (Array.isArray(node['map'])) this.#commonTables(node['map']);
    if (typeof node['cte_name'] === 'string') this.#noteCommon(node['cte_name']);
    for (const [name, child] of Object.entries(node)) {
      // The value of a constant is data, not syntax.
      if (node['class'] === 'CONSTANT' && name === 'value') continue;
      if (name === 'function' && node['type'] === 'TABLE_FUNCTION') this.#tableFunction(child);
      else this.#walk(child);
    }
  }

  #classify(node: DuckDbNode): void {
    const { class: kind, type } = node;
    if (typeof kind === 'string') {
      if (!expressions.has(kind)) throw refuse(`an expression of the kind ${kind}`);
      if (typeof node['function_name'] === 'string') this.#requireFunction(node, scalarFunctions);
      return;
    }
    if (kind !== undefined || typeof node['function_name'] === 'string') throw refuse('a function of an unknown kind');
    if (typeof type !== 'string') return;
    if (type === 'BASE_TABLE') this.#tables.push(node);
    else if (type === 'UNBOUND_TYPE_INFO') this.#requireType(node);
    else if (type === 'SHOW_REF') requireDescribe(node);
    else if (![queries, sources, modifiers, types, directions].some((known) => known.has(type))) {
      throw refuse(`a part of the kind ${type}`);
    }
  }

  #requireType(node: DuckDbNode): void {
    const name = nameIn(node, 'name');
    if (nameIn(node, 'catalog') !== '' || !this.#relations.types.has(name)) throw refuse(`the type ${name}`);
  }

  /** A macro comes before a function of the same name. */
  #requireFunction(node: DuckDbNode, allowed: ReadonlySet<string>): void {
    const name = nameIn(node, 'function_name');
    const schema = nameIn(node, 'schema');
    const catalog = nameIn(node, 'catalog');
    // A macro comes before a function of the same name.
    const path = `${schema || 'main'}.${name}`;
    if (['', this.#relations.database].includes(catalog) && this.#relations.macros.has(path)) {
      this.#macros.add(path);
      return;
    }
    if (this.#values) requireBounded(node, this.#values);
    const isOwn = ['', 'main'].includes(schema) && ['', 'system'].includes(catalog);
    const isKnown = allowed.has(name) || (node['is_operator'] === true && operators.has(name));
    if (isOwn && (isKnown || this.#relations.functions.has(name))) return;
    throw refuse(`the function ${[schema, name].filter((part) => part !== '').join('.')}`);
  }

  #tableFunction(child: unknown): void {
    if (!isNode(child) || child['class'] !== 'FUNCTION') throw refuse('a table function of an unknown kind');
    this.#requireFunction(child, tableFunctions);
    for (const [name, part] of Object.entries(child)) if (name !== 'function_name') this.#walk(part);
  }

  #commonTables(map: readonly unknown[]): void {
    for (const entry of map) if (isNode(entry) && typeof entry['key'] === 'string') this.#noteCommon(entry['key']);
  }

  #noteCommon(given: string): void {
    const name = given.toLowerCase();
    if (!plainName.test(name) || this.#relations.internal.has(name)) throw refuse(`a WITH by the name "${given}"`);
    this.#common.add(name);
  }

  #requireTable(node: DuckDbNode): void {
    const catalog = nameIn(node, 'catalog_name');
    const schema = nameIn(node, 'schema_name');
    const table = nameIn(node, 'table_name');
    const { users, database } = this.#relations;
    if (catalog === '' && schema === '' && this.#common.has(table)) return;
    if ((catalog === '' || catalog === database) && users.has(`${schema || 'main'}.${table}`)) return;
    // `database.table` comes as a schema of the database's name.
    if (catalog === '' && schema === database && users.has(`main.${table}`)) return;
    const name = [catalog, schema, table].filter((part) => part !== '').join('.');
    throw new AppError('invalid', `There is no table "${name}" that a query may read.`, {
      sqlState: '42P01',
      hint: `These may be read: ${this.#readable()}.`,
    });
  }

  #readable(): string {
    const names = [...this.#relations.users].map((name) => name.replace(/^main\./, ''));
    return names.length === 0 ? 'none' : names.slice(0, 50).join(', ');
  }
}

function isNode(value: unknown): value is DuckDbNode {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Names are compared in lower case, as DuckDB does; one that is left out is empty. */
function nameIn(node: DuckDbNode, field: string): string {
  const name = node[field] ?? '';
  if (typeof name !== 'string') throw refuse(`a ${field} of an unknown kind`);
  return name.toLowerCase();
}

/** DESCRIBE and SUMMARIZE show a table or a query; SHOW lists what there is, ours included. */
function requireDescribe(node: DuckDbNode): void {
  if (isNode(node['query']) && (node['show_type'] === 'DESCRIBE' || node['show_type'] === 'SUMMARY')) return;
  throw refuse('SHOW');
}

export function refuse(what: string): AppError {
  return new AppError('invalid', `A query may not use ${what}.`, {
    sqlState: '42501',
    hint: 'A query reads the tables of the database: one SELECT, with the functions that compute values.',
  });
}
