/** What a query means for the relations of a catalog: every name found, every value read. */
import { type Catalog, type Column, columnNamed, type Relation } from '../catalog/catalog.ts';
import { type PlannedComparison, planComparison } from '../rows/conditions.ts';
import { type Comparison, type Filter, type JsonStep, mapTree, ParameterFault, type Tree } from '../rows/filter.ts';
import { typeOfPath } from '../rows/json-path.ts';
import type { SortDirection } from '../rows/order.ts';
import type { EngineName } from '../values.ts';
import { type Cast, castNamed } from './casts.ts';
import { noSuchColumn, RestError, tooMuch } from './faults.ts';
import type { OrderTerm } from './order.ts';
import type { RestQuery, Scoped } from './query.ts';
import { findRelationship, type Relationship } from './relationships.ts';
import type { Aggregate, EmbedItem, FieldItem, SelectItem } from './select.ts';
import { filterText } from './values.ts';

/** A relation in an answer: the one that was asked for, or an embedded one. */
export interface Node {
  readonly relation: Relation;
  readonly parts: readonly PlanPart[];
  /** All of it, those too that are there for filters alone. */
  readonly embeds: readonly Embed[];
  readonly condition: Tree<Leaf>;
  readonly order: readonly PlannedOrder[];
  readonly limit: number | null;
  readonly offset: number;
}

/** In the order of the answer. */
export type PlanPart =
  | { readonly kind: 'column'; readonly key: string; readonly expression: Expression }
  | { readonly kind: 'embed'; readonly embed: Embed };

export interface Expression {
  /** Null for `count()`. */
  readonly column: Column | null;
  readonly path: readonly JsonStep[];
  readonly cast: Cast | null;
  readonly aggregate: Aggregate | null;
  readonly resultCast: Cast | null;
}

export interface Embed {
  readonly name: string;
  readonly relationship: Relationship;
  readonly node: Node;
  readonly inner: boolean;
  readonly spread: boolean;
}

/** Whether there are rows of an embedding that pass its filters. */
export interface Presence {
  readonly embed: Embed;
  readonly isPresent: boolean;
}

export type Leaf = PlannedComparison | Presence;

export interface PlannedOrder extends SortDirection {
  readonly embed: Embed | null;
  readonly column: Column;
  readonly path: readonly JsonStep[];
}

/** Embeddings of one request. */
const mostEmbeds = 30;

/** @throws RestError */
export function planQuery(catalog: Catalog, relation: Relation, query: RestQuery): Node {
  const planner = new Planner(catalog, query);
  const node = planner.node(relation, query.select, []);
  planner.requireAllUsed();
  return node;
}

class Planner {
  readonly #catalog: Catalog;
  readonly #unused: Set<Scoped>;
  #embeds = 0;

  constructor(catalog: Catalog, query: RestQuery) {
    this.#catalog = catalog;
    this.#unused = new Set(query.scopes);
  }

  node(relation: Relation, items: readonly SelectItem[], path: readonly string[]): Node {
    const parts = items.flatMap((item) => this.#parts(relation, item, path));
    const embeds = parts.flatMap((part) => (part.kind === 'embed' ? [part.embed] : []));
    const scope = [...this.#unused].find((each) => each.path.join('\0') === path.join('\0'));
    if (scope) this.#unused.delete(scope);
    return {
      relation,
      parts,
      embeds,
      condition: { and: (scope?.filters ?? []).map((filter) => planTree(relation, embeds, filter)) },
      order: (scope?.order ?? []).map((term) => planTerm(relation, embeds, term)),
      limit: scope?.limit ?? null,
      offset: scope?.offset ?? 0,
    };
  }

  #parts(relation: Relation, item: SelectItem, path: readonly string[]): PlanPart[] {
    if (item.kind === 'embed') return [{ kind: 'embed', embed: this.#embed(relation, item, path) }];
    if (item.kind === 'star')
      return relation.columns.map((column) => ({ kind: 'column', key: column.name, expression: plain(column) }));
    return [planField(this.#catalog.engine, relation, item)];
  }

  #embed(parent: Relation, item: EmbedItem, path: readonly string[]): Embed {
    if (++this.#embeds > mostEmbeds) throw tooMuch(`more than ${mostEmbeds} embeddings`);
    const relationship = findRelationship(this.#catalog, parent, item);
    const name = item.alias ?? item.target;
    const node = this.node(relationship.target, item.items, [...path, name]);
    return { name, relationship, node, inner: item.inner, spread: item.spread };
  }

  /** A filter on nothing would be ignored. */
  requireAllUsed(): void {
    const [left] = this.#unused;
    if (!left) return;
    const name = left.path.join('.');
    throw new RestError('PGRST108', 400, `'${name}' is not an embedded resource in this request`, {
      hint: `Verify that '${name}' is included in the 'select' query parameter.`,
    });
  }
}

function plain(column: Column): Expression {
  return { column, path: [], cast: null, aggregate: null, resultCast: null };
}

function planField(engine: EngineName, relation: Relation, item: FieldItem): PlanPart {
  const { column: name, path, cast, aggregate, resultCast, alias } = item;
  const column = columnNamed(relation, name) ?? null;
  // What `count` without brackets meant before there were aggregates.
  const isCount = name === '' || (column === null && name === 'count' && path.length === 0 && aggregate === null);
  if (!column && !isCount) throw noSuchColumn(relation.name, name);
  const given = isCount ? 'count' : aggregate;
  return {
    kind: 'column',
    key: alias ?? given ?? keyOf(name, path),
    expression: {
      column,
      path,
      cast: cast === null || isCount ? null : castNamed(engine, cast),
      aggregate: given,
      resultCast: castOrNull(engine, isCount ? (resultCast ?? cast) : resultCast),
    },
  };
}

function castOrNull(engine: EngineName, name: string | null): Cast | null {
  return name === null ? null : castNamed(engine, name);
}

/** The last name of a path. */
function keyOf(column: string, path: readonly JsonStep[]): string {
  return path.findLast(({ key }) => typeof key === 'string')?.key.toString() ?? column;
}

function planTerm(relation: Relation, embeds: readonly Embed[], term: OrderTerm): PlannedOrder {
  const { embedding, path, direction, nulls } = term;
  const embed = embedding === null ? null : (embeds.find(({ name }) => name === embedding) ?? null);
  if (embedding !== null && !embed)
    throw new RestError('PGRST108', 400, `'${embedding}' is not an embedded resource in this request`, {
      hint: `Verify that '${embedding}' is included in the 'select' query parameter.`,
    });
  if (embed?.relationship.isToMany === true)
    throw new RestError('PGRST118', 400, `A related order on '${embed.name}' is not possible`, {
      details: `'${relation.name}' and '${embed.name}' do not form a many-to-one or one-to-one relationship`,
    });
  const owner = embed?.node.relation ?? relation;
  const column = columnNamed(owner, term.column);
  if (!column) throw noSuchColumn(owner.name, term.column);
  return { embed, column, path, direction, nulls };
}

function planTree(relation: Relation, embeds: readonly Embed[], filter: Filter): Tree<Leaf> {
  return mapTree(filter, (comparison): Leaf => {
    const embed = embeds.find(({ name }) => name === comparison.column);
    return embed && !columnNamed(relation, comparison.column)
      ? presenceOf(embed, comparison)
      : planLeaf(relation, comparison);
  });
}

function presenceOf(embed: Embed, { operator, values: [word = ''], path }: Comparison): Presence {
  if (operator === 'is' && !path && (word === 'null' || word === 'not_null'))
    return { embed, isPresent: word === 'not_null' };
  throw new RestError('PGRST120', 400, `Only is null or not is null filters are allowed on embedded resources`, {
    details: `'${embed.name}' is an embedded resource`,
  });
}

function planLeaf(relation: Relation, comparison: Comparison): PlannedComparison {
  try {
    return planComparison(relation, readable(relation, comparison));
  } catch (error) {
    throw asRestError(relation, comparison, error);
  }
}

/** Its values in the forms of the plain grammar. */
function readable(relation: Relation, comparison: Comparison): Comparison {
  const { column: name, operator, path } = comparison;
  const type = path ? typeOfPath(path) : columnNamed(relation, name)?.type;
  if (!type || operator === 'is' || operator === 'like' || operator === 'ilike') return comparison;
  return { ...comparison, values: comparison.values.map((text) => filterText(type, text)) };
}

function asRestError(relation: Relation, { column, operator }: Comparison, error: unknown): unknown {
  if (!(error instanceof ParameterFault)) return error;
  const { sqlState = '22P02', message } = error;
  if (sqlState === '42703') return noSuchColumn(relation.name, column);
  if (sqlState === '42883')
    return new RestError('42883', 404, `operator does not exist: "${operator}" on ${relation.name}.${column}`, {
      hint: `The column ${message}.`,
    });
  return new RestError(sqlState, 400, `"${column}" ${message}`);
}

/** The filter of a write, in the forms of the plain grammar: as a command keeps it. @throws RestError */
export function writeFilter(relation: Relation, { scopes: [root] }: RestQuery): Filter {
  return {
    and: root.filters.map((filter) =>
      mapTree(filter, (comparison): Comparison => {
        planLeaf(relation, comparison);
        return readable(relation, comparison);
      }),
    ),
  };
}
