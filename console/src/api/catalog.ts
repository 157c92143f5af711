/** What the database says of its tables, and what this token may do. */
import { useQuery } from '@tanstack/react-query';
import type { Column as LibColumn, Macro, Reference, Relation as LibRelation } from '../../../lib/catalog/catalog.ts';
import type { ValueType } from '../../../lib/catalog/types.ts';
import { sendJson } from './client.ts';
import { quoteName, type ValueKind } from './sql.ts';

export type { Reference, ValueType };
export type Column = LibColumn;
export interface Relation extends LibRelation {
  /** How addresses name it: `books`, `shop.books`. */
  readonly path: string;
}

export interface Catalog {
  readonly engine: 'duckdb' | 'postgres';
  readonly defaultSchema: string;
  readonly may: { readonly read: boolean; readonly writeRows: boolean; readonly define: boolean };
  readonly relations: readonly Relation[];
  readonly macros: readonly Macro[];
  readonly enums: readonly { readonly name: string; readonly values: readonly string[] }[];
}

export const catalogKey = ['catalog'] as const;

/** Asked again after every DDL: see `api/fresh.ts`. */
export function useCatalog() {
  return useQuery({ queryKey: catalogKey, queryFn: ({ signal }) => sendJson<Catalog>('catalog', { signal }) });
}

export function relationAt(catalog: Catalog, path: string): Relation | undefined {
  return catalog.relations.find((relation) => relation.path === path);
}

/** The relation that a reference points to. */
export function targetOf(catalog: Catalog, { target }: Reference): Relation | undefined {
  return catalog.relations.find(({ schema, name }) => schema === target.schema && name === target.name);
}

/** Whether its rows are named by all of their values. */
export function isKeyless({ kind, key }: Relation): boolean {
  return kind === 'table' && key.length === 0;
}

/** The table's name in SQL. */
export function sqlName({ schema, name }: Pick<Relation, 'schema' | 'name'>): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

export function kindOfType({ kind }: ValueType): ValueKind {
  switch (kind) {
    case 'integer':
    case 'decimal':
    case 'float':
      return 'number';
    case 'date':
    case 'time':
    case 'timestamp':
    case 'interval':
      return 'time';
    case 'boolean':
      return 'boolean';
    case 'json':
    case 'list':
    case 'struct':
    case 'map':
    case 'union':
      return 'json';
    default:
      return 'text';
  }
}
