/** PostgreSQL cuts names after 63 bytes and has one namespace for tables, views and sequences; DuckDB ignores case. */
import type { RelationName } from '../../catalog/catalog.ts';
import { AppError } from '../../errors.ts';
import type { MovedDefinitions, MovedName, MovedTable, MoveRefusal } from './tables.ts';

const mostBytes = 63;
const mostColumns = 1600;
const systemColumns = ['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'];

interface NamedThing {
  readonly what: string;
  readonly to: string;
  readonly id: string;
}

const plain = ({ schema, name }: RelationName): string => `${schema}.${name}`;

export function requireNamesOnPostgres(tables: readonly MovedTable[], definitions: MovedDefinitions): void {
  const { sequences, views, enums } = definitions;
  requireDistinct([
    ...namedOnPostgres('table', tables),
    ...namedOnPostgres('view', views),
    ...namedOnPostgres('sequence', sequences),
    ...namedOnPostgres('type', enums),
  ]);
}

function namedOnPostgres(kind: string, all: readonly MovedName[]): NamedThing[] {
  return all.map(({ duckdb, postgres }) => ({
    what: `${kind} ${plain(duckdb)}`,
    to: plain(postgres),
    id: JSON.stringify([postgres.schema, postgres.name]),
  }));
}

export function nameRefusals({ title: table, postgres, all }: MovedTable): MoveRefusal[] {
  const tooLong = (name: string): boolean => Buffer.byteLength(name) > mostBytes;
  const long = `has a name of more than ${mostBytes} bytes, which PostgreSQL cuts`;
  return [
    ...(tooLong(postgres.name) ? [{ table, reason: long }] : []),
    ...(tooLong(postgres.schema) ? [{ table, reason: `is in a schema that ${long}` }] : []),
    ...(/^(pg_|eider_move$)/.test(postgres.schema)
      ? [{ table, reason: 'is in a schema whose name is for PostgreSQL itself, or for moves' }]
      : []),
    ...(all.length > mostColumns
      ? [{ table, reason: `has ${all.length} columns; PostgreSQL holds ${mostColumns}` }]
      : []),
    ...all.filter(({ name }) => tooLong(name)).map(({ name: column }) => ({ table, column, reason: long })),
    ...all
      .filter(({ name }) => systemColumns.includes(name))
      .map(({ name: column }) => ({ table, column, reason: 'has the name of a system column of PostgreSQL' })),
  ];
}

type DuckDbName = MovedName & { readonly kind: 'table' | 'sequence' | 'type' };

export function requireNamesOnDuckDb(all: readonly DuckDbName[]): void {
  requireDistinct(
    all.map(({ kind, postgres, duckdb }) => ({
      what: `${kind} ${plain(postgres)}`,
      to: plain(duckdb),
      id: `${kind} ${JSON.stringify([duckdb.schema, duckdb.name]).toLowerCase()}`,
    })),
  );
}

export function requireColumnsOnDuckDb(title: string, columns: readonly string[]): void {
  requireDistinct(
    columns.map((name) => ({ what: `column ${title}.${name}`, to: `${title}.${name}`, id: name.toLowerCase() })),
  );
}

function requireDistinct(all: readonly NamedThing[]): void {
  const seen = new Map<string, NamedThing>();
  for (const each of all) {
    const other = seen.get(each.id);
    if (other) throw collision(other, each);
    seen.set(each.id, each);
  }
}

function collision(one: NamedThing, other: NamedThing): AppError {
  return new AppError('invalid', `The ${one.what} and the ${other.what} would both be ${other.to}.`, {
    hint: 'Rename one of them at the source, then repeat. Nothing was written.',
  });
}
