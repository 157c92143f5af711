/**
 * Schemas with references of all kinds, and commits on them: SQL that means the same to PostgreSQL and DuckDB. Values are
 * few, so that rows meet.
 */
import * as fc from 'fast-check';

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** Key first; what may be referred to. */
  readonly unique: readonly (readonly string[])[];
  readonly sql: string;
}

export interface Case {
  /** CREATE TABLE, then ALTER TABLE … ADD FOREIGN KEY. */
  readonly ddl: readonly string[];
  readonly tables: readonly Table[];
  readonly commits: readonly (readonly string[])[];
}

/** `commits`: how many on one schema. */
export function cases(commits: number): fc.Arbitrary<Case> {
  return fc
    .array(tableShapes, { minLength: 1, maxLength: 3 })
    .map((shapes) => shapes.map((shape, at) => tableOf(`t${at}`, shape)))
    .chain((tables) =>
      fc.record({
        tables: fc.constant(tables),
        ddl: fc
          .array(references(tables), { minLength: 1, maxLength: 4 })
          .map((added) => [...tables.map(({ sql }) => sql), ...added]),
        commits: fc
          .array(fc.array(statements(tables), { minLength: 1, maxLength: 4 }), {
            minLength: commits - 1,
            maxLength: commits - 1,
          })
          .map((more) => [tables.map(filled), ...more]),
      }),
    );
}

/** Rows of one number each, so that whatever refers finds something. */
function filled({ name, columns }: Table): string {
  const rows = [1, 2, 3, 4].map((number) => `(${columns.map(() => number).join(', ')})`);
  return `INSERT INTO ${name} VALUES ${rows.join(', ')}`;
}

const tableShapes = fc.record({
  key: fc.constantFrom<readonly string[]>(['id'], ['id'], ['id', 'k'], []),
  hasUnique: fc.boolean(),
  pair: fc.constantFrom<readonly string[]>([], ['b', 'a'], ['a', 'id']),
  isRequired: fc.boolean(),
});

type Shape = typeof tableShapes extends fc.Arbitrary<infer S> ? S : never;

function tableOf(name: string, { key, hasUnique, pair, isRequired }: Shape): Table {
  const unique = [...(key.length > 0 ? [key] : []), ...(hasUnique ? [['u']] : []), ...(pair.length > 0 ? [pair] : [])];
  const columns = ['id', 'k', 'u', 'a', 'b', 'f', 'g'];
  const types = columns.map((column) => `${column} INTEGER${isRequired && column === 'f' ? ' NOT NULL' : ''}`);
  const constraints = unique.map(
    (set, at) => `${at === 0 && key.length > 0 ? 'PRIMARY KEY' : 'UNIQUE'} (${set.join(', ')})`,
  );
  return { name, columns, unique, sql: `CREATE TABLE ${name} (${[...types, ...constraints].join(', ')})` };
}

function references(tables: readonly Table[]): fc.Arbitrary<string> {
  const targets = tables.flatMap((table) => table.unique.map((columns) => ({ table, columns })));
  if (targets.length === 0) return fc.constant(`COMMENT ON TABLE t0 IS 'nothing to refer to'`);
  return fc
    .record({ child: fc.constantFrom(...tables), target: fc.constantFrom(...targets), turned: fc.boolean() })
    .chain(({ child, target, turned }) => {
      const own =
        child.name === target.table.name
          ? child.columns.filter((name) => !target.columns.includes(name))
          : child.columns;
      const targetColumns = turned ? target.columns.toReversed() : target.columns;
      return fc
        .shuffledSubarray(own.slice(), { minLength: targetColumns.length, maxLength: targetColumns.length })
        .map((columns) =>
          `ALTER TABLE ${child.name} ADD FOREIGN KEY (${columns.join(', ')})
          REFERENCES ${target.table.name} (${targetColumns.join(', ')}) DEFERRABLE INITIALLY DEFERRED`.replaceAll(
            /\s+/g,
            ' ',
          ),
        );
    });
}

const numbers = fc.integer({ min: 1, max: 4 }).map(String);
/** More of them, so that not too many rows clash. */
const keys = fc.integer({ min: 1, max: 12 }).map(String);
const values = fc.oneof({ arbitrary: numbers, weight: 6 }, { arbitrary: fc.constant('NULL'), weight: 1 });

function valuesOf(table: Table, column: string): fc.Arbitrary<string> {
  if (column === 'id' || column === 'k') return keys;
  if (column === 'u' || column === 'a') return fc.oneof(keys, fc.constant('NULL'));
  return column === 'f' && table.sql.includes('NOT NULL') ? numbers : values;
}

function statements(tables: readonly Table[]): fc.Arbitrary<string> {
  return fc
    .constantFrom(...tables)
    .chain((table) =>
      fc.oneof(
        { arbitrary: inserts(table), weight: 4 },
        { arbitrary: updates(table), weight: 3 },
        { arbitrary: conditions(table).map((where) => `DELETE FROM ${table.name}${where}`), weight: 2 },
      ),
    );
}

function inserts(table: Table): fc.Arbitrary<string> {
  const { name, columns } = table;
  const row = fc.tuple(...columns.map((column) => valuesOf(table, column)));
  return fc
    .array(row, { minLength: 1, maxLength: 3 })
    .map((rows) => `INSERT INTO ${name} VALUES ${rows.map((each) => `(${each.join(', ')})`).join(', ')}`);
}

function updates(table: Table): fc.Arbitrary<string> {
  const assignment = fc
    .constantFrom(...table.columns)
    .chain((column) =>
      fc
        .oneof(valuesOf(table, column), fc.constantFrom(...table.columns), fc.constant(`${column} + 1`))
        .map((value) => [column, value] as const),
    );
  return fc
    .tuple(
      fc.uniqueArray(assignment, { minLength: 1, maxLength: 2, selector: ([column]) => column }),
      conditions(table),
    )
    .map(([set, where]) => `UPDATE ${table.name} SET ${set.map((pair) => pair.join(' = ')).join(', ')}${where}`);
}

function conditions({ columns }: Table): fc.Arbitrary<string> {
  const simple = fc
    .tuple(fc.constantFrom(...columns), fc.constantFrom('=', '=', '>', '<>'), numbers)
    .map((parts) => ` WHERE ${parts.join(' ')}`);
  return fc.oneof({ arbitrary: simple, weight: 9 }, { arbitrary: fc.constant(''), weight: 1 });
}
