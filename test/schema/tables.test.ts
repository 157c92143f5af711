import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { text, uuid } from '../../lib/schema/columns.ts';
import { migrations } from '../support/migrations.ts';
import { type Column, defineSchema, defineTable } from '../../lib/schema/table.ts';
import { schema } from '../../lib/schema/tables/index.ts';
import { openPlainDatabase } from '../support/plain-database.ts';

const types: Record<Column['kind'], string> = {
  text: 'VARCHAR',
  enum: 'VARCHAR',
  integer: 'INTEGER',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  date: 'DATE',
  timestamp: 'TIMESTAMP WITH TIME ZONE',
  uuid: 'UUID',
};

interface Found {
  table_name: string;
  column_name: string;
  data_type: string;
  is_nullable: string;
}

describe('the migrations make the tables that the schema describes', async () => {
  const database = await openPlainDatabase(migrations);
  const { value } = await database.read(async (queries) => ({
    columns: (
      await sql<Found>`select table_name, column_name, data_type, is_nullable from information_schema.columns where table_schema = 'main' order by table_name, ordinal_position`.execute(
        queries,
      )
    ).rows,
    constraints: (
      await sql<{
        table_name: string;
        constraint_text: string;
      }>`select table_name, constraint_text from duckdb_constraints()`.execute(queries)
    ).rows,
  }));
  await database.close();

  it('no other tables', () => {
    expect(new Set(value.columns.map(({ table_name }) => table_name))).toEqual(new Set(schema.tables.keys()));
  });

  it.each([...schema.tables.values()])('$name', (table) => {
    const found = value.columns.filter(({ table_name }) => table_name === table.name);
    expect(found.map(({ column_name, data_type, is_nullable }) => [column_name, data_type, is_nullable])).toEqual(
      Object.entries(table.columns).map(([name, column]) => [name, types[column.kind], column.nullable ? 'YES' : 'NO']),
    );
    const constraints = value.constraints
      .filter(({ table_name }) => table_name === table.name)
      .map((row) => row.constraint_text);
    expect(constraints).toContain('PRIMARY KEY(id)');
    expect(constraints.filter((constraint) => constraint.startsWith('UNIQUE')).toSorted()).toEqual(
      table.unique.map((set) => `UNIQUE(${set.join(', ')})`).toSorted(),
    );
    for (const [name, column] of Object.entries(table.columns)) {
      if (column.kind !== 'enum') continue;
      const check = constraints.find((constraint) => constraint.startsWith(`CHECK((${name} IN `));
      for (const word of column.values) expect(check).toContain(`'${word}'`);
    }
  });

  it('have names that are in order and unique', () => {
    const names = migrations.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].toSorted());
  });
});

describe('a definition that cannot work is refused when it is loaded', () => {
  const name = { name: 'things', singular: 'thing' };
  const label = text({ maxLength: 10 });

  it.each([
    ['a name that is no route', () => defineTable({ ...name, name: 'Things!', columns: {} })],
    ['the name of a function', () => defineTable({ ...name, name: 'export', columns: {} })],
    ['a column named as a parameter', () => defineTable({ ...name, columns: { limit: label } })],
    ['a column that every table has', () => defineTable({ ...name, columns: { id: uuid() } })],
    ['a unique set of unknown columns', () => defineTable({ ...name, columns: { label }, unique: [['lable']] })],
    [
      'two tables of one name',
      () => defineSchema([defineTable({ ...name, columns: {} }), defineTable({ ...name, columns: {} })]),
    ],
    [
      'a reference that leads nowhere',
      () => defineSchema([defineTable({ ...name, columns: { x: uuid({ references: 'y' }) } })]),
    ],
  ])('%s', (_, define) => expect(define).toThrow(TypeError));
});
