/** What Tab offers in the shell: words of SQL, tables, and columns of the tables that the statement names. */
import { type Catalog, displayName, type Relation } from '../catalog/catalog.ts';

const keywords =
  `ALL ALTER AND AS ASC AVG BETWEEN BY CASE CAST CHECK COLUMN COMMENT COUNT CREATE CROSS DEFAULT DELETE DESC
 DESCRIBE DISTINCT DROP ELSE END EXISTS EXCEPT FALSE FROM FULL GROUP HAVING ILIKE IN INDEX INNER INSERT INTERSECT INTO IS
 JOIN KEY LEFT LIKE LIMIT MAX MIN NOT NULL OFFSET ON OR ORDER OUTER PRIMARY REFERENCES REPLACE RETURNING RIGHT SELECT
 SET SUM SUMMARIZE TABLE THEN TRUE TRUNCATE UNION UNIQUE UPDATE USING VALUES VIEW WHEN WHERE WITH`.split(/\s+/);

const shellCommands = ['.tables', '.schema', '.format', '.help', '.quit'] as const;

/**
 * Everything that the last word of `text` can become, and that word.
 *
 * @example complete('SELECT ti', 'SELECT ti', catalog) // [['title'], 'ti']
 */
export function complete(line: string, statement: string, catalog: Catalog): [string[], string] {
  if (/^\.\w*$/.test(line)) return [shellCommands.filter((name) => name.startsWith(line)), line];
  const word = /(?<![\w$."\u0080-\uffff])[\w$."\u0080-\uffff]*$/.exec(line)?.[0] ?? '';
  const onlyTables = line.startsWith('.') || /\b(?:FROM|JOIN|INTO|UPDATE|TABLE)\s+[^\s,()]*$/i.test(line);
  const words = onlyTables
    ? [...catalog.relations.values()].map((relation) => tableName(catalog, relation))
    : [...names(word, statement, catalog), ...(word === '' ? [] : inCaseOf(word))];
  const found = words.filter((name) => name.toLowerCase().startsWith(word.toLowerCase()));
  return [[...new Set(found)], word];
}

/** `title`, `books.title` behind `books.`, and tables. */
function names(word: string, statement: string, catalog: Catalog): string[] {
  const relations = [...catalog.relations.values()];
  const named = relations.filter((relation) => isNamedIn(statement, relation));
  const dot = word.lastIndexOf('.');
  const qualified = relations.filter((relation) => word.slice(0, dot) === tableName(catalog, relation));
  if (dot > 0 && qualified.length > 0)
    return qualified.flatMap(({ columns }) => columns.map(({ name }) => `${word.slice(0, dot)}.${quoted(name)}`));
  const columns = (named.length > 0 ? named : relations).flatMap((relation) => relation.columns);
  return [...columns.map(({ name }) => quoted(name)), ...relations.map((relation) => tableName(catalog, relation))];
}

function isNamedIn(statement: string, { name }: Relation): boolean {
  return statement
    .toLowerCase()
    .split(/[^\w$\u0080-\uffff]+/)
    .includes(name.toLowerCase());
}

function tableName(catalog: Catalog, relation: Relation): string {
  const { schema, name } = relation;
  return schema === catalog.defaultSchema ? quoted(name) : `${quoted(schema)}.${quoted(name)}`;
}

const quoted = (name: string): string => (/^[a-z_]\w*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

function inCaseOf(word: string): string[] {
  return word === word.toUpperCase() ? keywords : keywords.map((keyword) => keyword.toLowerCase());
}

/** What `.tables` lists. */
export function listRelations(catalog: Catalog): string {
  const lines = [...catalog.relations.values()].map((relation) => {
    const rows = relation.estimatedRows === null ? '' : `, about ${relation.estimatedRows} rows`;
    return `${displayName(catalog, relation)} (${relation.kind}${rows})`;
  });
  return lines
    .toSorted()
    .map((text) => `${text}\n`)
    .join('');
}

/** What `.schema` says of a table. */
export function describeRelation(relation: Relation): string {
  const key = relation.key.length > 0 ? [`  PRIMARY KEY (${relation.key.map(quoted).join(', ')})`] : [];
  const columns = relation.columns.map(({ name, sqlType, nullable, default: value }) => {
    const rest = `${nullable ? '' : ' NOT NULL'}${value === null ? '' : ` DEFAULT ${value}`}`;
    return `  ${quoted(name)} ${sqlType}${rest}`;
  });
  const checks = relation.checks.map(({ expression }) => `  CHECK (${expression})`);
  return `${quoted(relation.name)}\n${[...columns, ...key, ...checks].join('\n')}\n`;
}
