/** How relations hang together, from their references: which one an embedding means. */
import { type Catalog, type Reference, type Relation, relationId } from '../catalog/catalog.ts';
import { RestError } from './faults.ts';
import type { EmbedItem } from './select.ts';

/** Columns of one side and of the other, in pairs. */
export interface Pairing {
  readonly own: readonly string[];
  readonly other: readonly string[];
}

export interface Relationship {
  readonly target: Relation;
  readonly isToMany: boolean;
  /** Columns of the parent with those of the target, or of the join table. */
  readonly pairing: Pairing;
  /** Of the many-to-many: the join table, whose columns pair with the target's. */
  readonly junction: { readonly relation: Relation; readonly pairing: Pairing } | null;
  /** References by name that it rests on. */
  readonly names: readonly string[];
  readonly cardinality: 'many-to-one' | 'one-to-many' | 'one-to-one' | 'many-to-many';
}

/** @throws RestError PGRST200, PGRST201 */
export function findRelationship(catalog: Catalog, parent: Relation, item: EmbedItem): Relationship {
  const found = candidates(catalog, parent).filter((each) => isMeant(parent, each, item));
  const [only, ...others] = found;
  if (!only) throw unrelated(catalog, parent, item);
  if (others.length > 0) throw ambiguous(parent, item, found);
  return only;
}

/** By how the parent refers to it: the columns and names by which it can be asked for. */
interface RelationshipCandidate extends Relationship {
  /** The one column of its foreign key, on whichever side that is; null where there are several. */
  readonly column: string | null;
  readonly isParents: boolean;
}

function candidates(catalog: Catalog, parent: Relation): RelationshipCandidate[] {
  const others = [...catalog.relations.values()].filter(({ schema }) => schema === parent.schema);
  const own = parent.references.flatMap((reference) => {
    const target = catalog.relations.get(relationId(reference.target));
    return target?.schema === parent.schema ? [toOne(parent, target, reference)] : [];
  });
  const incoming = others.flatMap((other) => other.references.filter(pointsAt(parent)).map((r) => toMany(other, r)));
  return [...own, ...incoming, ...others.flatMap((other) => throughJunction(catalog, parent, other))];
}

function pointsAt({ schema, name }: Relation): (reference: Reference) => boolean {
  return ({ target }) => target.schema === schema && target.name === name;
}

function toOne(parent: Relation, target: Relation, reference: Reference): RelationshipCandidate {
  return {
    target,
    isToMany: false,
    pairing: { own: reference.columns, other: reference.targetColumns },
    junction: null,
    names: [reference.name],
    cardinality: isUnique(parent, reference.columns) ? 'one-to-one' : 'many-to-one',
    column: reference.columns.length === 1 ? (reference.columns[0] ?? null) : null,
    isParents: true,
  };
}

function toMany(target: Relation, reference: Reference): RelationshipCandidate {
  const isToMany = !isUnique(target, reference.columns);
  return {
    target,
    isToMany,
    pairing: { own: reference.targetColumns, other: reference.columns },
    junction: null,
    names: [reference.name],
    cardinality: isToMany ? 'one-to-many' : 'one-to-one',
    column: reference.columns.length === 1 ? (reference.columns[0] ?? null) : null,
    isParents: false,
  };
}

/** A table whose primary key holds two references joins what they refer to. */
function throughJunction(catalog: Catalog, parent: Relation, junction: Relation): RelationshipCandidate[] {
  const keyed = junction.references.filter(({ columns }) => columns.every((column) => junction.key.includes(column)));
  return keyed.filter(pointsAt(parent)).flatMap((near) =>
    keyed
      .filter((far) => far !== near)
      .flatMap((far): RelationshipCandidate[] => {
        const target = catalog.relations.get(relationId(far.target));
        if (target?.schema !== parent.schema) return [];
        return [
          {
            target,
            isToMany: true,
            pairing: { own: near.targetColumns, other: near.columns },
            junction: { relation: junction, pairing: { own: far.columns, other: far.targetColumns } },
            names: [near.name, far.name],
            cardinality: 'many-to-many',
            column: null,
            isParents: false,
          },
        ];
      }),
  );
}

function isUnique({ key, unique }: Relation, columns: readonly string[]): boolean {
  return [key, ...unique.map((set) => set.columns)].some(
    (set) => set.length === columns.length && set.every((column) => columns.includes(column)),
  );
}

function isMeant(parent: Relation, candidate: RelationshipCandidate, { target, hint }: EmbedItem): boolean {
  const { junction, names, column, isParents } = candidate;
  const isNamed = candidate.target.name === target;
  if (!junction && candidate.target === parent) return isMeantOfItself(candidate, target, hint);
  if (hint !== null)
    return isNamed && (junction ? junction.relation.name === hint : names.includes(hint) || column === hint);
  return isNamed || (!junction && (names.includes(target) || (isParents && column === target)));
}

/** Of a table that refers to itself its name means the children, and the column the parent. */
function isMeantOfItself(
  { target: { name }, column, isParents }: RelationshipCandidate,
  target: string,
  hint: string | null,
) {
  if (isParents) return hint === null && column === target;
  return name === target && (hint === null || hint === column);
}

function unrelated(catalog: Catalog, parent: Relation, { target, hint }: EmbedItem): RestError {
  const by = hint === null ? '' : ` using the hint '${hint}'`;
  const near = [...new Set(candidates(catalog, parent).map((each) => each.target.name))];
  return new RestError(
    'PGRST200',
    400,
    `Could not find a relationship between '${parent.name}' and '${target}' in the schema cache`,
    {
      details: `Searched for a foreign key relationship between '${parent.name}' and '${target}'${by} in the schema '${parent.schema}', but no matches were found.`,
      ...(near.length === 0 ? {} : { hint: `These are related to '${parent.name}': ${near.slice(0, 20).join(', ')}.` }),
    },
  );
}

function ambiguous(parent: Relation, { target }: EmbedItem, found: readonly Relationship[]): RestError {
  const hints = found.map((each) => `${each.target.name}!${each.junction?.relation.name ?? each.names[0]}`);
  return new RestError(
    'PGRST201',
    300,
    `Could not embed because more than one relationship was found for '${parent.name}' and '${target}'`,
    {
      details: found.map((each) => ({
        cardinality: each.cardinality,
        embedding: `${parent.name} with ${each.target.name}`,
        relationship: relationshipText(parent, each),
      })),
      hint: `Try changing '${target}' to one of the following: ${hints.map((each) => `'${each}'`).join(', ')}. Find the desired relationship in the 'details' key.`,
    },
  );
}

function relationshipText(parent: Relation, { target, pairing, junction, names }: Relationship): string {
  if (junction)
    return `${junction.relation.name} using ${names[0]}(${pairing.other.join(', ')}) and ${names[1]}(${junction.pairing.own.join(', ')})`;
  return `${names[0]} using ${parent.name}(${pairing.own.join(', ')}) and ${target.name}(${pairing.other.join(', ')})`;
}
