/** Statements about everything that is no table: views, macros, types, indexes, sequences, schemas, comments; and SELECT. */
import type { LiveTable } from './live-schema.ts';
import { anyTable, type Maker, type Making, path, quoted, settable, text } from './statement.ts';
import { anyKeyValue } from './values.ts';

const orReplace = ['', '', 'OR REPLACE '] as const;

export const createView: Maker = (making) => {
  const { pick } = making;
  const table = anyTable(making);
  if (!table) return null;
  const column = quoted(pick.of(table.columns).name);
  const query = pick.of([
    `SELECT * FROM ${path(table, pick)}`,
    `SELECT ${column} AS "one; two" FROM ${path(table, pick)} WHERE ${column} IS NOT NULL`,
    `SELECT count(*) AS n, now() AS "at" FROM ${path(table, pick)}`,
    `WITH w AS (FROM ${path(table, pick)}) FROM w`,
    `VALUES (1)`,
  ]);
  return {
    sql: `CREATE ${pick.of(['VIEW', 'OR REPLACE VIEW', 'VIEW IF NOT EXISTS'])} ${viewName(making)} AS ${query}`,
  };
};

function viewName({ pick, schema }: Making): string {
  const name = quoted(pick.of(['v1', 'v2', 'A View', 'weekly.stats']));
  return pick.chance(20) ? `${quoted(pick.of(schema.schemas))}.${name}` : name;
}

export const changeView: Maker = ({ pick, schema }) => {
  if (schema.views.length === 0) return null;
  const view = path(pick.of(schema.views), pick);
  return { sql: pick.of([`DROP VIEW ${view}`, `DROP VIEW IF EXISTS ${view}`, `ALTER VIEW ${view} RENAME TO "v3"`]) };
};

export const createMacro: Maker = (making) => {
  const { pick } = making;
  const table = anyTable(making);
  const name = pick.of(['m1', 'm2', '"A Macro"']);
  const from = table ? path(table, pick) : 'range(3)';
  return {
    sql: `CREATE ${pick.of(orReplace)}${pick.of(['MACRO', 'FUNCTION'])} ${name}${pick.of([
      '(x) AS x + 1',
      `(x, y := 2) AS x || ';' || y`,
      `(n) AS TABLE SELECT * FROM ${from} LIMIT n`,
      '(x) AS x, (x, y) AS x + y',
      '() AS (SELECT max(i) FROM range(3) r(i))',
    ])}`,
  };
};

export const createType: Maker = (making) => {
  const { pick } = making;
  const table = anyTable(making);
  const definition = pick.of([
    `ENUM ('sad', 'it''s', '')`,
    'STRUCT(a INTEGER, b VARCHAR)',
    'INTEGER[]',
    'DECIMAL(4,1)',
    table
      ? `ENUM (SELECT DISTINCT ${quoted(table.columns[0]!.name)}::VARCHAR AS v FROM ${path(table, pick)} WHERE v IS NOT NULL ORDER BY 1)`
      : `ENUM ('x')`,
  ]);
  return {
    sql: `CREATE ${pick.of(['', 'OR REPLACE '])}TYPE ${quoted(pick.of(['mood', 'A Type', 'y']))} AS ${definition}`,
  };
};

export const createIndex: Maker = (making) => {
  const { pick } = making;
  const table = anyTable(making);
  if (!table) return null;
  const columns = pick
    .some(settable(table), 1)
    .slice(0, 2)
    .map(({ name }) => quoted(name));
  const on = pick.of([columns.join(', '), columns[0]!, `(${columns[0]}::VARCHAR || 'x')`]);
  return {
    sql: `CREATE ${pick.of(['', '', 'UNIQUE '])}INDEX ${pick.of(['', 'IF NOT EXISTS '])}${quoted(pick.of(['i1', 'i2', 'An Index']))} ON ${path(table, pick)} (${on})`,
  };
};

export const createSequence: Maker = (making) => {
  const { pick } = making;
  const name = pick.of(['s1', 's2', '"A Seq"', '"s.3"']);
  const options = pick.of([
    '',
    ' START 10',
    ' INCREMENT BY -2',
    ' START 5 INCREMENT 3',
    ' MINVALUE 1 MAXVALUE 4 CYCLE',
    ' MAXVALUE 3',
    ' START 9223372036854775806',
  ]);
  return { sql: `${pick.of(['CREATE', 'CREATE OR REPLACE', 'CREATE'])} SEQUENCE ${name}${options}` };
};

export const createSchema: Maker = ({ pick }) => ({
  sql: `CREATE SCHEMA ${pick.of(['', 'IF NOT EXISTS '])}${quoted(pick.of(['other', 'My Schema', 'x.y']))}`,
});

const dropped = { types: 'TYPE', indexes: 'INDEX', sequences: 'SEQUENCE' } as const;

export const dropOther: Maker = (making) => {
  const { pick, schema } = making;
  const kind = pick.of(['types', 'indexes', 'sequences', 'macros', 'schemas'] as const);
  if (kind === 'schemas') {
    const others = schema.schemas.filter((name) => name !== 'main');
    return others.length > 0 ? { sql: `DROP SCHEMA ${quoted(pick.of(others))}${pick.of(['', ' CASCADE'])}` } : null;
  }
  if (schema[kind].length === 0) return null;
  if (kind === 'macros') {
    const macro = pick.of(schema.macros);
    return { sql: `DROP MACRO ${macro.isTable ? 'TABLE ' : ''}${path(macro, pick)}` };
  }
  return {
    sql: `DROP ${dropped[kind]} ${pick.of(['', 'IF EXISTS '])}${path(pick.of(schema[kind]), pick)}${pick.of(['', ' CASCADE'])}`,
  };
};

export const comment: Maker = (making) => {
  const { pick, schema } = making;
  const named = [
    ...schema.tables.flatMap((table) => [
      `TABLE ${path(table, pick)}`,
      `COLUMN ${path(table, pick)}.${quoted(pick.of(table.columns).name)}`,
    ]),
    ...schema.views.map((view) => `VIEW ${path(view, pick)}`),
    ...schema.indexes.map((index) => `INDEX ${path(index, pick)}`),
    ...schema.types.map((type) => `TYPE ${path(type, pick)}`),
    ...schema.sequences.map((sequence) => `SEQUENCE ${path(sequence, pick)}`),
    ...schema.macros.map((macro) => `MACRO ${macro.isTable ? 'TABLE ' : ''}${path(macro, pick)}`),
  ];
  if (named.length === 0) return null;
  return {
    sql: `COMMENT ON ${pick.of(named)} IS ${pick.of([text('a comment'), 'NULL', text(`it's; -- "all"`), text('')])}`,
  };
};

export const select: Maker = (making) => {
  const { pick, schema } = making;
  const table = anyTable(making);
  if (schema.sequences.length > 0 && pick.chance(75)) {
    const { schema: inside, name } = pick.of(schema.sequences);
    const next = `nextval(${text(`${quoted(inside)}.${quoted(name)}`)})`;
    return {
      sql: pick.of([
        `SELECT ${next}`,
        `SELECT ${next} AS n FROM range(3)`,
        `SELECT ${next}, ${next}`,
        `WITH w AS (SELECT ${next} AS n) FROM w`,
        ...(table ? [`SELECT ${next} FROM ${path(table, pick)} WHERE ${keyEquals(table, making)}`] : []),
      ]),
    };
  }
  return { sql: table ? `SELECT count(*) FROM ${path(table, pick)}` : 'SELECT 1' };
};

function keyEquals(table: LiveTable, { pick }: Making): string {
  const column = pick.of(table.columns);
  return `${quoted(column.name)} = ${anyKeyValue(column.type, pick)}`;
}
