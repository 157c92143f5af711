/** Reading answers: one statement a level, whatever number of rows it has; levels are put together here. */
import type { Column } from '../catalog/catalog.ts';
import { parseDuckDbType } from '../catalog/duckdb-types.ts';
import type { ValueType } from '../catalog/types.ts';
import type { Scope } from '../db/database.ts';
import { valueTable } from '../rows/bind.ts';
import { runAlone, runStatement, tableSql } from '../rows/statements.ts';
import { join, name, raw, type Sql, sql } from '../sql/compose.ts';
import type { StatementResult } from '../sql/result.ts';
import type { PlainValue, Row } from '../values.ts';
import { RestError } from './faults.ts';
import type { Embed, Node } from './plan.ts';
import { LevelStatement, type Member, same } from './statement.ts';
import { type ClientRow, type ClientValue, toClient } from './values.ts';

/** Rows that one answer has, embedded ones apart. A limit beyond it is cut. */
export const mostRows = 1000;
/** Embedded rows of one level. */
const mostEmbedded = 20_000;

export interface Window {
  readonly limit: number;
  readonly offset: number;
}

/** Rows of the table that pass. `isOnly`: they are all that is read. */
export async function readRows(
  scope: Scope,
  node: Node,
  { limit, offset, isOnly }: Window & { readonly isOnly: boolean },
): Promise<ClientRow[]> {
  const statement = new LevelStatement(scope.catalog.engine, node);
  const order = statement.order(statement.stored());
  const isAlone = isOnly && statement.members.every((member) => !('embed' in member));
  const run = (text: Sql) =>
    isAlone ? runAlone(scope, text, { changes: null, isKept: false }) : runStatement(scope, text);
  const source = sql`${statement.from()} where ${statement.where()}`;
  const page = sql`${orderBy(order)} limit ${raw(String(limit))} offset ${raw(String(offset))}`;
  const result = await run(
    isDeep(scope, statement, node, offset)
      ? sql`select ${statement.columns()} from ${statement.from()} where t.rowid in (select t.rowid from ${source} ${page}) ${orderBy(order)}`
      : sql`select ${statement.columns()} from ${source} ${statement.groupBy()} ${page}`,
  );
  return assemble(scope, statement, valuesOf(statement, result));
}

/** DuckDB takes several times as long to sort whole rows as to sort their numbers, and then to read the rows of the page. */
const deepOffset = 10_000;

function isDeep({ catalog }: Scope, statement: LevelStatement, { relation }: Node, offset: number): boolean {
  const hasNumbers = relation.kind === 'table' && !relation.columns.some((column) => /^rowid$/i.test(column.name));
  return offset >= deepOffset && catalog.engine === 'duckdb' && hasNumbers && !statement.isGrouped;
}

/** How many rows `readRows` could read. */
export async function countRows(scope: Scope, node: Node): Promise<number> {
  const statement = new LevelStatement(scope.catalog.engine, node);
  const what = statement.isGrouped ? statement.columns() : raw('1 as eider_0');
  const rows = sql`select ${what} from ${statement.from()} where ${statement.where()} ${statement.groupBy()}`;
  const { rows: counted } = await runStatement(scope, sql`select count(*) from (${rows}) as passing`);
  return Number(counted[0]?.[0]);
}

/** The same of rows that a write made, changed or deleted: they need not be in the table. */
export async function representRows(
  scope: Scope,
  node: Node,
  rows: readonly Row[],
  window: Window,
): Promise<ClientRow[]> {
  const { engine } = scope.catalog;
  const statement = new LevelStatement(engine, node);
  if (rows.length === 0 && !statement.isGrouped) return [];
  const { columns } = node.relation;
  const given = valueTable(engine, columns, rows);
  const cells = columns.map((column, index) => sql`${given.columns[index] ?? raw('null')} as ${name(column.name)}`);
  const source = sql`(select ${join([...cells, sql`${given.place} as eider_place`])} from ${given.from})`;
  const result = await runStatement(
    scope,
    sql`select ${statement.columns()} from ${statement.from(source)} where ${statement.whereEmbedded()} ${statement.groupBy()}
      ${orderBy(statement.order(raw('t.eider_place')))} limit ${raw(String(window.limit))} offset ${raw(String(window.offset))}`,
  );
  return assemble(scope, statement, valuesOf(statement, result));
}

function orderBy(order: readonly Sql[]): Sql {
  return order.length === 0 ? raw('') : sql`order by ${join(order)}`;
}

/** A row of a statement: plain values and, for the answer, those of clients. */
interface Level {
  readonly rows: readonly (readonly PlainValue[])[];
  readonly types: readonly ValueType[];
}

type Answered = Pick<StatementResult, 'columns' | 'rows'>;

/** The rows of a statement that embeds nothing. */
export function rowsOfLevel(statement: LevelStatement, result: Answered): ClientRow[] {
  return rowsOf(statement, valuesOf(statement, result), new Map());
}

/** `from`: the columns before those of the statement. */
function valuesOf(statement: LevelStatement, { columns, rows }: Answered, from = 0): Level {
  const types = statement.types.map((type, index) => type ?? typeOf(columns[index + from]?.type ?? ''));
  return { rows: from === 0 ? rows : rows.map((row) => row.slice(from)), types };
}

/** PostgreSQL's decimals may have any number of digits. */
function typeOf(text: string): ValueType {
  return text === 'DECIMAL' ? { kind: 'decimal', width: null, scale: null } : parseDuckDbType(text);
}

async function assemble(scope: Scope, statement: LevelStatement, level: Level): Promise<ClientRow[]> {
  const attached = new Map<Member, Attached>();
  for (const member of statement.members)
    if ('embed' in member) attached.set(member, await readEmbedded(scope, member.embed, member.keys, level.rows));
  return rowsOf(statement, level, attached);
}

function rowsOf(
  { members }: LevelStatement,
  { rows, types }: Level,
  attached: ReadonlyMap<Member, Attached>,
): ClientRow[] {
  return rows.map((row, index) => {
    const entries = members.flatMap((member): readonly (readonly [string, ClientValue])[] => {
      if ('at' in member)
        return [[member.key, toClient(types[member.at] ?? { kind: 'other' }, row[member.at] ?? null)]];
      return attached.get(member)?.entriesOf(index) ?? [];
    });
    return Object.fromEntries(entries);
  });
}

interface Attached {
  /** What the row at this place gets of the embedding. */
  readonly entriesOf: (row: number) => readonly (readonly [string, ClientValue])[];
}

type Keys = readonly { readonly at: number; readonly column: Column }[];

async function readEmbedded(
  scope: Scope,
  embed: Embed,
  keys: Keys,
  parents: readonly (readonly PlainValue[])[],
): Promise<Attached> {
  const places = new Map<string, number>();
  const given: Row[] = [];
  const placeOf = parents.map((parent) => {
    const values = keys.map(({ at }) => parent[at] ?? null);
    if (values.includes(null)) return null;
    const text = JSON.stringify(values);
    let place = places.get(text);
    if (place === undefined) {
      places.set(text, (place = given.length));
      given.push(Object.fromEntries(values.map((value, index) => [keys[index]?.column.name ?? '', value])));
    }
    return place;
  });
  const statement = new LevelStatement(scope.catalog.engine, embed.node, { leading: 1 });
  const found =
    given.length === 0 ? new Map<number, ClientRow[]>() : await readChildren(scope, embed, statement, keys, given);
  // An aggregate without groups has a row where there is nothing to put together, too.
  const nothing = statement.isTotal ? [totalOfNothing(embed.node)] : [];
  return {
    entriesOf: (row) => {
      const place = placeOf[row] ?? null;
      return entriesFor(embed, (place === null ? undefined : found.get(place)) ?? nothing);
    },
  };
}

/** Of the rows that an embedding is read for, by their places. */
async function readChildren(
  scope: Scope,
  embed: Embed,
  statement: LevelStatement,
  keys: Keys,
  given: readonly Row[],
): Promise<Map<number, ClientRow[]>> {
  const table = valueTable(
    scope.catalog.engine,
    keys.map(({ column }) => column),
    given,
  );
  const result = await runStatement(scope, childrenSql(embed, statement, table));
  if (result.rows.length > mostEmbedded) throw tooManyEmbedded(embed);
  const places = result.rows.map(([place]) => Number(place));
  const rows = await assemble(scope, statement, valuesOf(statement, result, 1));
  const grouped = new Map<number, ClientRow[]>();
  for (const [index, row] of rows.entries()) {
    const place = places[index] ?? 0;
    const siblings = grouped.get(place);
    if (siblings) siblings.push(row);
    else grouped.set(place, [row]);
  }
  const { limit, offset } = embed.node;
  if (statement.isGrouped && (limit !== null || offset > 0))
    for (const [place, group] of grouped) grouped.set(place, group.slice(offset, offset + (limit ?? mostEmbedded)));
  return grouped;
}

/** The first column is the place of the row that each belongs to. */
function childrenSql(
  { relationship, node }: Embed,
  statement: LevelStatement,
  table: ReturnType<typeof valueTable>,
): Sql {
  const { pairing, junction } = relationship;
  const near = junction ? 'j' : 't';
  const isOfRow = join(
    pairing.other.map((column, index) => sql`${name(near, column)} = ${table.columns[index] ?? raw('null')}`),
    ' and ',
  );
  // The joins follow the relation in FROM, so the condition on the relation itself goes into WHERE.
  const related = junction ? same('j', junction.pairing.own, 't', junction.pairing.other) : isOfRow;
  const order = statement.order(statement.stored());
  const from = junction
    ? sql`${table.from} join ${tableSql(junction.relation)} as j on ${isOfRow}, ${statement.from()}`
    : sql`${table.from}, ${statement.from()}`;
  const most = raw(String(mostEmbedded + 1));
  if (statement.isGrouped)
    return sql`select ${table.place} as p, ${statement.columns()} from ${from} where ${related} and ${statement.where()}
      ${statement.groupBy()} order by ${join([raw('1'), ...order])} limit ${most}`;
  const rows = sql`select ${table.place} as p, ${statement.columns()}`;
  const rest = sql`from ${from} where ${related} and ${statement.where()}`;
  const { limit, offset } = node;
  if (limit === null && offset === 0) return sql`${rows} ${rest} order by ${join([raw('1'), ...order])} limit ${most}`;
  const numbered = sql`${rows}, row_number() over (partition by ${table.place} ${orderBy(order)}) as n ${rest}`;
  const last = offset + Math.min(limit ?? mostEmbedded, mostEmbedded);
  return sql`select * from (${numbered}) as numbered where n > ${raw(String(offset))} and n <= ${raw(String(last))}
    order by p, n limit ${most}`;
}

function tooManyEmbedded({ name: of }: Embed): RestError {
  return new RestError('PGRST100', 400, `More than ${mostEmbedded} rows of '${of}' would be embedded.`, {
    hint: `Limit them (${of}.limit=…), or ask for fewer rows at once.`,
  });
}

/** What the parent gets of these rows. */
function entriesFor(
  { name: key, spread, relationship, node }: Embed,
  rows: readonly ClientRow[],
): readonly (readonly [string, ClientValue])[] {
  if (!spread) return [[key, relationship.isToMany ? rows : (rows[0] ?? null)]];
  return memberNames(node).map((each) => [each, rows.map((row) => row[each] ?? null)]);
}

/** The members that the objects of a level have, in their order. */
export function memberNames({ parts }: Node): string[] {
  const names = parts.flatMap((part) => {
    if (part.kind === 'column') return [part.key];
    const { spread, name: key, node } = part.embed;
    if (node.parts.length === 0) return [];
    return spread ? memberNames(node) : [key];
  });
  return [...new Set(names)];
}

function totalOfNothing({ parts }: Node): ClientRow {
  const columns = parts.flatMap((part) => (part.kind === 'column' ? [part] : []));
  return Object.fromEntries(columns.map(({ key, expression }) => [key, expression.aggregate === 'count' ? 0 : null]));
}
