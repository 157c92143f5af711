/** Profiles: the schema that a request is about, and the relation in it. */
import { type Catalog, displayName, findRelation, type Relation } from '../catalog/catalog.ts';
import { RestError } from './faults.ts';

/** A relation, and its name in commands. */
export interface RestRelation {
  readonly relation: Relation;
  readonly table: string;
}

/**
 * The schema that a profile means; null: the default one. Clients of Supabase always say `public`, even if it has another name here.
 *
 * @throws RestError PGRST106
 */
export function schemaOf(catalog: Catalog, profile: string | null): string | null {
  if (profile === null || profile === catalog.defaultSchema) return null;
  const owners = [...catalog.relations.values(), ...catalog.macros];
  const schemas = [...new Set([catalog.defaultSchema, ...owners.map(({ schema }) => schema)])];
  if (schemas.includes(profile)) return profile;
  if (profile === 'public') return null;
  throw new RestError('PGRST106', 406, `Invalid schema: ${profile}`, {
    hint: `Only the following schemas are exposed: ${schemas.join(', ')}`,
  });
}

/** @throws RestError PGRST205 */
export function relationNamed(catalog: Catalog, profile: string | null, name: string): RestRelation {
  const schema = schemaOf(catalog, profile);
  const relation = findRelation(catalog, schema === null ? name : `${schema}.${name}`);
  if (relation && (schema === null || relation.schema === schema))
    return { relation, table: displayName(catalog, relation) };
  const near = nearest(
    name,
    [...catalog.relations.values()].map((each) => each.name),
  );
  throw new RestError(
    'PGRST205',
    404,
    `Could not find the table '${schema ?? catalog.defaultSchema}.${name}' in the schema cache`,
    near === null ? {} : { hint: `Perhaps you meant the table '${near}'` },
  );
}

/** The name that shares most pairs of letters; null where none is like it. */
function nearest(name: string, known: readonly string[]): string | null {
  const own = new Set(pairs(name.slice(0, 100)));
  const [best] = known
    .map((each) => ({
      each,
      shared: pairs(each).filter((pair) => own.has(pair)).length / Math.max(own.size, each.length),
    }))
    .toSorted((a, b) => b.shared - a.shared);
  return best && best.shared >= 0.5 ? best.each : null;
}

function pairs(text: string): string[] {
  return Array.from({ length: Math.max(text.length - 1, 0) }, (_, at) => text.slice(at, at + 2).toLowerCase());
}
