/**
 * The statement that reads one level of an answer: a relation, with the to-one embeddings whose columns are spread into it.
 * What else is embedded is read by statements of its own, by the keys that this one answers beside the columns.
 */
import type { Column, Relation } from '../catalog/catalog.ts';
import { columnNamed } from '../catalog/catalog.ts';
import type { ValueType } from '../catalog/types.ts';
import { comparisonSql, treeSql } from '../rows/conditions.ts';
import type { Tree } from '../rows/filter.ts';
import { jsonPathSql, typeOfPath } from '../rows/json-path.ts';
import { tableSql } from '../rows/statements.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import type { EngineName } from '../values.ts';
import { RestError } from './faults.ts';
import type { Embed, Expression, Leaf, Node, PlannedOrder } from './plan.ts';
import type { Pairing, Relationship } from './relationships.ts';

/** A member of an answer's objects: a column of the statement, or what is embedded, by the columns of its keys. */
export type Member =
  | { readonly key: string; readonly at: number }
  | { readonly embed: Embed; readonly keys: readonly { readonly at: number; readonly column: Column }[] };

interface Output {
  readonly sql: Sql;
  /** Null: as the engine says. */
  readonly type: ValueType | null;
  readonly isAggregated: boolean;
}

export interface StatementOptions {
  /** Columns before those of the level. */
  readonly leading?: number;
  /** Columns are written without the relation's name: in the sandbox of PostgreSQL `t.f` might be a call of `f`. */
  readonly isBare?: boolean;
}

/** The relation itself, in the statement. */
const root = 't';

export class LevelStatement {
  readonly members: readonly Member[];
  readonly #engine: EngineName;
  readonly #node: Node;
  readonly #outputs: Output[] = [];
  readonly #joins: Sql[] = [];
  /** What the spread embeddings are called. */
  readonly #lifted = new Map<Embed, string>();
  readonly #leading: number;
  readonly #isBare: boolean;
  #names = 0;

  constructor(engine: EngineName, node: Node, { leading = 0, isBare = false }: StatementOptions = {}) {
    this.#engine = engine;
    this.#node = node;
    this.#leading = leading;
    this.#isBare = isBare;
    this.members = this.#membersOf(node, root);
  }

  get types(): readonly (ValueType | null)[] {
    return this.#outputs.map(({ type }) => type);
  }

  /** Whether rows are put together, so that none is a row of the relation. */
  get isGrouped(): boolean {
    return this.#outputs.some(({ isAggregated }) => isAggregated);
  }

  /** Whether it always has one row. */
  get isTotal(): boolean {
    return this.isGrouped && this.#outputs.every(({ isAggregated }) => isAggregated);
  }

  /** A column at least: DuckDB wants one. */
  columns(): Sql {
    const all = this.#outputs.map(({ sql: each }, index) => sql`${each} as ${raw(`eider_${index}`)}`);
    return all.length === 0 ? raw('1 as eider_0') : join(all);
  }

  /** `source`: replaces the relation; absent: its table. */
  from(source?: Sql): Sql {
    return sql`${source ?? tableSql(this.#node.relation)} as ${raw(root)} ${join(this.#joins, ' ')}`;
  }

  groupBy(): Sql {
    if (!this.isGrouped) return raw('');
    const leading = Array.from({ length: this.#leading }, (_, index) => index);
    const own = this.#outputs.flatMap(({ isAggregated }, index) => (isAggregated ? [] : [index + this.#leading]));
    const places = [...leading, ...own].map((index) => String(index + 1));
    return raw(places.length === 0 ? '' : `group by ${places.join(', ')}`);
  }

  where(): Sql {
    return this.#conditionOf(this.#node, root);
  }

  /** Of rows that are known to pass the filters: what `!inner` asks of them. */
  whereEmbedded(): Sql {
    return this.#conditionOf({ ...this.#node, condition: { and: [] } }, root);
  }

  /** `stored`: where rows of equal values are. */
  order(stored: Sql | null): readonly Sql[] {
    const terms = this.#node.order.map((term) => this.#term(term));
    return stored && !this.isGrouped ? [...terms, stored] : terms;
  }

  /** The place of a row in its table; null where it has none. */
  stored(): Sql | null {
    return this.#engine === 'duckdb' && this.#node.relation.kind === 'table' ? raw(`${root}.rowid`) : null;
  }

  #membersOf(node: Node, alias: string): Member[] {
    return node.parts.flatMap((part): Member[] => {
      if (part.kind === 'column') return [{ key: part.key, at: this.#add(this.#output(part.expression, alias)) }];
      const { embed } = part;
      if (embed.node.parts.length === 0) return [];
      if (isLifted(embed)) return this.#membersOf(embed.node, this.#lift(embed, alias));
      const { own } = embed.relationship.pairing;
      const keys = own.map((each) => {
        const column = requireColumn(node.relation, each);
        return { at: this.#add({ sql: name(alias, each), type: column.type, isAggregated: false }), column };
      });
      return [{ embed, keys }];
    });
  }

  #add(output: Output): number {
    return this.#outputs.push(output) - 1;
  }

  #output(expression: Expression, alias: string): Output {
    const { column, path, cast, aggregate, resultCast } = expression;
    const own = column ? this.#field(column, path, alias) : raw('*');
    const given = cast ? sql`cast(${own} as ${raw(cast.sqlType)})` : own;
    const result = aggregate === null ? given : aggregateSql(aggregate, given);
    const type = cast?.type ?? (path.length > 0 ? typeOfPath(path) : (column?.type ?? null));
    const isOfItsOwn = aggregate === 'sum' || aggregate === 'avg' || aggregate === 'count';
    return {
      sql: resultCast ? sql`cast(${result} as ${raw(resultCast.sqlType)})` : result,
      type: resultCast?.type ?? (isOfItsOwn ? null : type),
      isAggregated: aggregate !== null,
    };
  }

  #field(column: Column, path: Expression['path'], alias: string): Sql {
    const own = this.#isBare ? name(column.name) : name(alias, column.name);
    return path.length === 0 ? own : jsonPathSql(this.#engine, column, own, path);
  }

  /** Joins an embedding of which each row has one at most. */
  #lift(embed: Embed, alias: string): string {
    const [inner, lifted] = [this.#newName(), this.#newName()];
    const { relation } = embed.node;
    const rows = sql`(select * from ${tableSql(relation)} as ${raw(inner)} where ${this.#conditionOf(embed.node, inner)})`;
    const { own, other } = embed.relationship.pairing;
    this.#joins.push(sql`left join ${rows} as ${raw(lifted)} on ${same(lifted, other, alias, own)}`);
    this.#lifted.set(embed, lifted);
    return lifted;
  }

  #newName(): string {
    return `e${this.#names++}`;
  }

  #conditionOf(node: Node, alias: string): Sql {
    const inner = node.embeds.filter((embed) => embed.inner);
    const all: Tree<Leaf> = { and: [node.condition, ...inner.map((embed) => ({ embed, isPresent: true }))] };
    return treeSql(all, (leaf) =>
      'embed' in leaf
        ? sql`${raw(leaf.isPresent ? '' : 'not ')}exists (${this.#rowsOf(leaf.embed, alias)})`
        : comparisonSql(this.#engine, leaf, this.#isBare ? undefined : alias),
    );
  }

  #rowsOf({ relationship, node }: Embed, alias: string): Sql {
    const own = this.#newName();
    const condition = this.#conditionOf(node, own);
    return sql`select 1 from ${tableSql(node.relation)} as ${raw(own)} where ${this.#related(relationship, alias, own)} and ${condition}`;
  }

  #related({ pairing, junction }: Relationship, alias: string, target: string): Sql {
    if (!junction) return same(target, pairing.other, alias, pairing.own);
    const between = this.#newName();
    return sql`exists (select 1 from ${tableSql(junction.relation)} as ${raw(between)}
      where ${same(between, pairing.other, alias, pairing.own)} and ${same(between, junction.pairing.own, target, junction.pairing.other)})`;
  }

  #term(term: PlannedOrder): Sql {
    return sql`${this.#sorted(term)} ${raw(`${term.direction} nulls ${term.nulls}`)}`;
  }

  #sorted(term: PlannedOrder): Sql {
    const { embed, column, path } = term;
    const place = this.isGrouped ? this.#placeOf(term) : null;
    if (place !== null) return raw(String(place + 1 + this.#leading));
    if (!embed) return this.#field(column, path, root);
    const lifted = this.#lifted.get(embed);
    if (lifted !== undefined) return this.#field(column, path, lifted);
    const { own, other } = embed.relationship.pairing;
    const alias = this.#newName();
    return sql`(select ${this.#field(column, path, alias)} from ${tableSql(embed.node.relation)} as ${raw(alias)}
      where ${same(alias, other, root, own)} limit 1)`;
  }

  /** Of rows that are put together only what is in the answer has an order. */
  #placeOf({ embed, column, path }: PlannedOrder): number {
    const members = this.members.flatMap((member) => ('at' in member ? [member.at] : []));
    const alias = embed ? (this.#lifted.get(embed) ?? '') : root;
    const wanted = JSON.stringify(this.#field(column, path, alias));
    const found = members.find((at) => JSON.stringify(this.#outputs[at]?.sql) === wanted);
    if (found !== undefined) return found;
    throw new RestError('42803', 400, `column "${column.name}" must be in the select parameter to order groups by it`);
  }
}

/** Its columns are in the parent's rows, so the parent's statement can read them. */
function isLifted({ spread, relationship }: Embed): boolean {
  return spread && !relationship.isToMany;
}

function aggregateSql(aggregate: string, own: Sql): Sql {
  // Of whole numbers DuckDB makes a double and PostgreSQL a decimal.
  return aggregate === 'avg' ? sql`cast(avg(${own}) as double precision)` : sql`${raw(aggregate)}(${own})`;
}

/** That the columns of both have the same values. */
export function same(left: string, leftColumns: Pairing['own'], right: string, rightColumns: Pairing['own']): Sql {
  const pairs = leftColumns.map((each, index) => sql`${name(left, each)} = ${name(right, rightColumns[index] ?? '')}`);
  return join(pairs, ' and ');
}

function requireColumn(relation: Relation, column: string): Column {
  const found = columnNamed(relation, column);
  if (!found) throw new Error(`A reference names the column ${column}, which ${relation.name} lacks.`);
  return found;
}
