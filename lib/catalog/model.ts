import { createHash } from 'node:crypto';
import type { Row } from '../values.ts';
import { type Catalog, relationId, type RelationName } from './catalog.ts';

/** Runs one query; its rows have plain values. */
export type RunQuery = (sql: string) => Promise<readonly Row[]>;

export function byRelation<R extends { readonly schema: string; readonly relation: string }>(
  rows: readonly R[],
): (name: RelationName) => readonly R[] {
  const groups = Map.groupBy(rows, ({ schema, relation }) => relationId({ schema, name: relation }));
  return (name) => groups.get(relationId(name)) ?? [];
}

/** Gives constraints names as PostgreSQL does: `books_isbn_key`, then `books_isbn_key1`. For one table. */
export function constraintNames(table: string): (columns: readonly string[], suffix: string) => string {
  const taken = new Set<string>();
  return (columns, suffix) => {
    const base = [table, ...columns, suffix].join('_');
    let name = base;
    for (let count = 1; taken.has(name); count++) name = `${base}${count}`;
    taken.add(name);
    return name;
  };
}

/** The catalog with its etag: a hash of everything but the number of rows. */
export function withEtag(catalog: Omit<Catalog, 'etag'>): Catalog {
  const relations = [...catalog.relations].map(([id, relation]) => [id, { ...relation, estimatedRows: null }]);
  const text = JSON.stringify([catalog.defaultSchema, relations, catalog.macros], (_name, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return { ...catalog, etag: createHash('sha256').update(text).digest('base64url').slice(0, 22) };
}
