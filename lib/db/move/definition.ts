/**
 * Names, types and NOT NULL must carry over; defaults, checks and computed columns are tried, and named where they do
 * not.
 */
import { quoteName } from '../../sync/sql.ts';
import type { EngineName } from '../../values.ts';
import { translate, type Translation } from './expressions.ts';
import type { MovedColumn, MovedTable, MovedView } from './tables.ts';

export interface Defining extends Translation {
  readonly quoted: string;
  readonly typeOf: (column: MovedColumn) => string;
  readonly constraints: readonly string[];
  readonly tries: (ddl: string) => Promise<boolean>;
}

interface Extra {
  readonly title: string;
  readonly column: string | null;
  /** A clause of the column, or of the table; null when it was not translated. */
  readonly clause: string | null;
}

export async function defineTable(table: MovedTable, defining: Defining) {
  const extras = extrasOf(table, defining);
  const translated = extras.filter(({ clause }) => clause !== null);
  const fitting = (await defining.tries(ddlOf(table, defining, translated)))
    ? translated
    : await eachThatFits(table, defining, translated);
  const lost = extras.filter((extra) => !fitting.includes(extra));
  return { sql: ddlOf(table, defining, fitting), leftBehind: lost.map(({ title }) => title) };
}

async function eachThatFits(table: MovedTable, defining: Defining, extras: readonly Extra[]): Promise<Extra[]> {
  const fitting: Extra[] = [];
  for (const extra of extras) {
    if (await defining.tries(ddlOf(table, defining, [...fitting, extra]))) fitting.push(extra);
  }
  return fitting;
}

function extrasOf({ title, all, relation }: MovedTable, translation: Defining): Extra[] {
  const names = [...all.map(({ name }) => name), ...translation.names];
  const inOther = (sql: string): string | null => translate(sql, { ...translation, names });
  const ofColumns = all
    .filter(({ expression }) => expression !== null)
    .map(({ name, expression, isGenerated }): Extra => {
      const text = inOther(expression ?? '');
      const clause = isGenerated ? `GENERATED ALWAYS AS (${text}) ${kept[translation.to]}` : `DEFAULT (${text})`;
      const what = isGenerated ? 'the computed column' : 'the default of';
      return { title: `${what} ${title}.${name}: ${expression}`, column: name, clause: text === null ? null : clause };
    });
  const ofTable = relation.checks.map(({ expression }): Extra => {
    const text = inOther(expression);
    const clause = text === null ? null : `CHECK (${text})`;
    return { title: `the check of ${title}: ${expression}`, column: null, clause };
  });
  return [...ofColumns, ...ofTable];
}

/** DuckDB computes when it reads; PostgreSQL before version 18 only when it writes. */
const kept: Readonly<Record<EngineName, string>> = { duckdb: 'VIRTUAL', postgres: 'STORED' };

function ddlOf({ all }: MovedTable, { quoted, typeOf, constraints }: Defining, extras: readonly Extra[]): string {
  const clauses = new Map(extras.map(({ column, clause }) => [column, clause]));
  const columns = all
    .filter(({ name, isGenerated }) => !isGenerated || clauses.has(name))
    .map((column) =>
      [
        quoteName(column.name),
        typeOf(column),
        ...(column.notNull && !column.isGenerated ? ['NOT NULL'] : []),
        clauses.get(column.name) ?? '',
      ].join(' '),
    );
  const checks = extras.flatMap(({ column, clause }) => (column === null && clause !== null ? [clause] : []));
  return `CREATE TABLE ${quoted} (${[...columns, ...constraints, ...checks].join(', ')})`;
}

export function keyClauses({ key, relation, columns }: MovedTable): string[] {
  const stored = new Set(columns.map(({ name }) => name));
  const unique = relation.unique.filter(({ columns: of }) => of.every((name) => stored.has(name)));
  return [
    ...(key.length > 0 ? [`PRIMARY KEY (${quotedNames(key.map(({ name }) => name))})`] : []),
    ...unique.map(({ columns: of }) => `UNIQUE (${quotedNames(of)})`),
  ];
}

export function quotedNames(names: readonly string[]): string {
  return names.map(quoteName).join(', ');
}

export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export interface MakingViews extends Translation {
  readonly quotedOf: (view: MovedView) => string;
  readonly take: (ddl: string) => Promise<boolean>;
}

/** Makes the views. One may be of another: until none is left that can be made. Answers what could not. */
export async function makeViews(views: readonly MovedView[], making: MakingViews): Promise<string[]> {
  let left = views;
  for (let before = -1; left.length !== before;) {
    before = left.length;
    const failed: MovedView[] = [];
    for (const view of left) if (!(await makeView(view, making))) failed.push(view);
    left = failed;
  }
  return left.map(({ duckdb: { name } }) => `the view ${name}`);
}

async function makeView(view: MovedView, { quotedOf, take, ...translation }: MakingViews): Promise<boolean> {
  const query = translate(view.query, translation);
  const quoted = quotedOf(view);
  if (query === null || !(await take(`CREATE VIEW ${quoted} (${quotedNames(view.columns)}) AS ${query}`))) return false;
  if (view.comment !== null) await take(`COMMENT ON VIEW ${quoted} IS ${quotedText(view.comment)}`);
  return true;
}

export function commentsOf(
  { relation, all }: MovedTable,
  quoted: string,
  noteOf: (column: MovedColumn) => string | null,
): string[] {
  const ofColumns = all.map((column): [string, string | null] => [
    `COLUMN ${quoted}.${quoteName(column.name)}`,
    noteOf(column),
  ]);
  return [[`TABLE ${quoted}`, relation.comment] as const, ...ofColumns].flatMap(([what, comment]) =>
    comment === null ? [] : [`COMMENT ON ${what} IS ${quotedText(comment)}`],
  );
}
