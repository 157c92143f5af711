/** A database's tables as TypeScript, from what it says of itself. */
import type { Catalog, Relation } from './catalog.ts';
import { drizzleSchema } from './typescript/drizzle.ts';
import { kyselyTypes } from './typescript/kysely.ts';

export type TypesFor = 'kysely' | 'drizzle';

const header = '/** Written by `eider types`: change the tables, and write it again. */\n';

/**
 * A whole file: for Kysely the interface `DB`, as kysely-codegen writes it; for Drizzle a schema of `drizzle-orm/pg-core`. The
 * same for the same tables.
 *
 * @example writeTypes(await database.catalog({ maxStalenessMs: 0 })) // '… export interface Books { isbn: string; … }'
 */
export function writeTypes(catalog: Catalog, typesFor: TypesFor = 'kysely'): string {
  const relations = [...catalog.relations.values()].toSorted(byName);
  return header + (typesFor === 'kysely' ? kyselyTypes(catalog, relations) : drizzleSchema(catalog, relations));
}

const byName = (a: Relation, b: Relation): number => (`${a.schema}.${a.name}` < `${b.schema}.${b.name}` ? -1 : 1);
