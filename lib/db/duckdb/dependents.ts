/**
 * Sequences and macros that tables use in defaults, checks and generated columns. DuckDB 1.5 knows of that only until the
 * file is opened again: then what one replica refuses another does, and CASCADE drops the table on one of them alone. So
 * nothing that is in use may go.
 */
import { AppError } from '../../errors.ts';
import type { Definition } from '../../sql/definition.ts';
import { type Token, tokensOf } from '../../sql/tokens.ts';
import type { TableName } from '../../sync/shapes.ts';
import type { Session } from '../../sync/sql.ts';
import { objectExists } from './introspect.ts';

/** A function that is called, or a name in a text that may be a sequence's. In lower case. */
interface Use {
  readonly schema: string | null;
  readonly name: string;
  readonly isCall: boolean;
}

/** @throws AppError `conflict` when a table uses what the statement would drop or replace */
export async function requireUnused(session: Session, definition: Definition, name: TableName): Promise<void> {
  const { action, object, orReplace } = definition;
  if (!(object === 'SEQUENCE' || object === 'MACRO' || object === 'SCHEMA') || !(action === 'DROP' || orReplace))
    return;
  if (!(await objectExists(session, object, name))) return;
  const [schema, wanted] = [name.schema.toLowerCase(), name.table.toLowerCase()];
  const isMeant = (use: Use): boolean => {
    if (object === 'SCHEMA') return use.schema === wanted;
    return use.name === wanted && (use.schema ?? schema) === schema && (use.isCall || object === 'SEQUENCE');
  };
  for (const { table, uses } of await tablesWithUses(session)) {
    const isInside = object === 'SCHEMA' && table.schema.toLowerCase() === wanted;
    if (isInside || !uses.some(isMeant)) continue;
    throw new AppError('conflict', `The table ${table.table} uses the ${object.toLowerCase()} ${name.table}.`, {
      sqlState: '2BP01',
      hint: 'First drop the table, or the part of it that uses this.',
    });
  }
}

async function tablesWithUses(session: Session): Promise<{ table: TableName; uses: readonly Use[] }[]> {
  const mine = 'database_name = current_database()';
  const macros = await session.rows(
    `SELECT function_name, macro_definition FROM duckdb_functions() WHERE ${mine} AND NOT internal AND macro_definition IS NOT NULL`,
  );
  const bodies = Map.groupBy(macros, ([name]) => String(name).toLowerCase());
  const tables = await session.rows(
    `SELECT schema_name, table_name, sql FROM duckdb_tables() WHERE ${mine} AND NOT temporary AND schema_name <> 'eider'`,
  );
  return tables.map((row) => {
    const [schema, table, sql] = row.map(String) as [string, string, string];
    return {
      table: { schema, table },
      uses: allUses(sql, (name) => (bodies.get(name) ?? []).map(([, body]) => String(body))),
    };
  });
}

/** Those of the text, and of the macros that it calls, however deep. */
function allUses(text: string, bodiesOf: (macro: string) => readonly string[]): Use[] {
  const found: Use[] = [];
  const seen = new Set<string>();
  for (let texts: readonly string[] = [text]; texts.length > 0;) {
    const uses = texts.flatMap((each) => usesIn(tokensOf(each)));
    const called = uses.filter(({ name, isCall }) => isCall && !seen.has(name)).map(({ name }) => name);
    found.push(...uses);
    for (const name of called) seen.add(name);
    texts = [...new Set(called)].flatMap(bodiesOf);
  }
  // Other texts are values.
  const takesNumbers = found.some(({ name, isCall }) => isCall && (name === 'nextval' || name === 'currval'));
  return takesNumbers ? found : found.filter(({ isCall }) => isCall);
}

function usesIn(tokens: readonly Token[]): Use[] {
  return tokens.flatMap((token, index): Use[] => {
    if (token.kind === 'string') return [nameIn(token.text)];
    if ((token.kind !== 'word' && token.kind !== 'name') || tokens[index + 1]?.text !== '(') return [];
    const schema = tokens[index - 1]?.text === '.' ? tokens[index - 2]?.text.toLowerCase() : undefined;
    return [{ schema: schema ?? null, name: token.text.toLowerCase(), isCall: true }];
  });
}

/** `'"main"."s"'`, cut as DuckDB cuts it; any other text is one long name, which no sequence has. */
function nameIn(literal: string): Use {
  const text = literal.slice(literal.indexOf("'") + 1, -1).replaceAll("''", "'");
  const parts = text.match(/(?:"[^"]*"|[^."])+/g) ?? [];
  const [name = '', schema = null] = parts.map((part) => part.replaceAll('"', '').toLowerCase()).toReversed();
  return { schema, name, isCall: false };
}
