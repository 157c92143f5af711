/** Statements that make, change and drop tables. */
import type { LiveColumn, LiveTable } from './live-schema.ts';
import type { Picker } from './picker.ts';
import {
  anyTable,
  type Maker,
  type Making,
  newColumnName,
  newColumnNames,
  newName,
  path,
  quoted,
  settable,
} from './statement.ts';
import { anyKeyType, anyType, anyValue, anyVolatileType, isNumeric, volatileValue } from './values.ts';

interface NewColumn {
  readonly name: string;
  readonly type: string;
}

export const createTable: Maker = (making) => {
  const { pick } = making;
  const keySize = pick.of([1, 0, 2, 1, 0]);
  const columns = newColumnNames(keySize + 1 + pick.index(5), pick).map((name, index) => ({
    name,
    type: index < keySize ? anyKeyType(pick) : anyType(pick),
  }));
  const parts = [
    ...columns.map((column, index) => columnText(column, index < keySize, making)),
    ...generatedColumns(columns, pick),
    ...(keySize > 0
      ? [
          `PRIMARY KEY (${columns
            .slice(0, keySize)
            .map(({ name }) => quoted(name))
            .join(', ')})`,
        ]
      : []),
    ...tableConstraints(columns, pick),
  ];
  const begin = pick.of([
    'CREATE TABLE',
    'CREATE TABLE',
    'CREATE OR REPLACE TABLE',
    'CREATE TABLE IF NOT EXISTS',
    'create table',
  ]);
  return { sql: `${begin} ${newName(making)} (${parts.join(', ')})` };
};

function columnText({ name, type }: NewColumn, isKey: boolean, making: Making): string {
  const { pick } = making;
  const value = pick.chance(isWhole(type) ? 60 : 30) ? defaultOf(type, making) : null;
  return [
    quoted(name),
    type,
    ...(value === null ? [] : [`DEFAULT ${value}`]),
    ...(!isKey && pick.chance(15) ? ['NOT NULL'] : []),
    ...(!isKey && pick.chance(10) && isNumeric(type) ? ['UNIQUE'] : []),
  ].join(' ');
}

function defaultOf(type: string, { pick, schema, allowsVolatile }: Making): string {
  if (isWhole(type) && schema.sequences.length > 0 && pick.chance(60)) {
    const { schema: inside, name } = pick.of(schema.sequences);
    return `nextval('${`${quoted(inside)}.${quoted(name)}`.replaceAll("'", "''")}')`;
  }
  return allowsVolatile && pick.chance(60) ? `(${volatileValue(type, pick)})` : anyValue(type, pick);
}

/** What sequences are for. */
function isWhole(type: string): boolean {
  return /^(?:INTEGER|BIGINT|HUGEINT)$/.test(type);
}

function generatedColumns(columns: readonly NewColumn[], pick: Picker): string[] {
  const { name } = pick.of(columns);
  return pick.chance(20) ? [`gen1 VARCHAR GENERATED ALWAYS AS (${quoted(name)}::VARCHAR || '!')`] : [];
}

function tableConstraints(columns: readonly NewColumn[], pick: Picker): string[] {
  const number = columns.find(({ type }) => isNumeric(type));
  return [
    ...(number && pick.chance(15) ? [`CONSTRAINT "not 13" CHECK (${quoted(number.name)} <> 13)`] : []),
    ...(columns.length > 2 && pick.chance(8)
      ? [
          `UNIQUE (${columns
            .slice(-2)
            .map(({ name }) => quoted(name))
            .join(', ')})`,
        ]
      : []),
  ];
}

export const createTableAs: Maker = (making) => {
  const { pick } = making;
  const table = anyTable(making);
  const begin = pick.of(['CREATE TABLE', 'CREATE TABLE', 'CREATE OR REPLACE TABLE', 'CREATE TABLE IF NOT EXISTS']);
  const from = table ? path(table, pick) : 'range(3)';
  const isVolatile = making.allowsVolatile && pick.chance(50);
  const query = isVolatile
    ? `SELECT *, random() AS chance, uuid() AS "any id" FROM ${from}`
    : pick.of([
        `SELECT * FROM ${from}`,
        `FROM ${from}`,
        `(SELECT 1 AS one, 'x' AS two)`,
        `WITH w AS (FROM ${from}) SELECT * FROM w`,
        `VALUES (1, 'a'), (2, NULL)`,
        `SELECT count(*) AS n FROM ${from}`,
      ]);
  const suffix = pick.chance(15) ? ' WITH NO DATA' : '';
  return { sql: `${begin} ${newName(making)} AS ${query}${suffix}` };
};

export const dropTable: Maker = (making) => {
  const table = anyTable(making);
  if (!table) return null;
  const { pick } = making;
  return {
    sql: `DROP TABLE ${pick.of(['', 'IF EXISTS '])}${path(table, pick)}${pick.of(['', ' CASCADE', ' RESTRICT'])}`,
  };
};

type Change = (table: LiveTable, column: LiveColumn, making: Making) => string;

const changes: readonly Change[] = [
  (_, __, making) => addColumn(making),
  (_, __, making) => addColumn(making),
  (_, { name }, { pick }) => `DROP ${pick.of(['', 'COLUMN ', 'COLUMN IF EXISTS '])}${quoted(name)}`,
  (_, { name }, { pick }) => `RENAME ${pick.of(['', 'COLUMN '])}${quoted(name)} TO ${quoted(newColumnName(pick))}`,
  (_, __, { pick }) => `RENAME TO ${quoted(pick.of(['t1', 't2', 'renamed', 'Re Named', 'a.b']))}`,
  (_, { name, type }, making) => `ALTER ${quoted(name)} SET DEFAULT ${defaultOf(type, making)}`,
  (_, { name }) => `ALTER COLUMN ${quoted(name)} DROP DEFAULT`,
  (_, { name }) => `ALTER ${quoted(name)} SET NOT NULL`,
  (_, { name }) => `ALTER ${quoted(name)} DROP NOT NULL`,
  (_, { name, type }) => `ALTER ${quoted(name)} ${retype(name, type)}`,
  (table) => `ADD PRIMARY KEY (${quoted(settable(table)[0]?.name ?? 'a')})`,
];

const volatileChanges: readonly Change[] = [(_, __, making) => addColumn(making), (_, __, making) => addColumn(making)];

function addColumn(making: Making): string {
  const { pick } = making;
  const isVolatile = making.allowsVolatile && pick.chance(60);
  const type = isVolatile ? anyVolatileType(pick) : anyType(pick);
  const value = isVolatile ? `(${volatileValue(type, pick)})` : pick.chance(75) ? defaultOf(type, making) : null;
  return `ADD ${pick.of(['COLUMN ', '', 'COLUMN IF NOT EXISTS '])}${quoted(newColumnName(pick))} ${type}${value === null ? '' : ` DEFAULT ${value}`}`;
}

function retype(name: string, type: string): string {
  if (type === 'INTEGER') return 'TYPE BIGINT';
  if (type === 'BIGINT') return `SET DATA TYPE VARCHAR USING 'n' || ${quoted(name)}`;
  return 'SET DATA TYPE VARCHAR';
}

export const alterTable: Maker = (making) => {
  const { pick } = making;
  const table = anyTable(making);
  if (!table) return null;
  const all = making.allowsVolatile ? [...changes, ...volatileChanges] : changes;
  const change = pick.of(all)(table, pick.of(table.columns), making);
  return { sql: `ALTER TABLE ${pick.of(['', 'IF EXISTS '])}${path(table, pick)} ${change}` };
};
