/** The references of a catalog from both of their ends, found without a search for each write. */
import {
  type Catalog,
  type Reference,
  type Relation,
  type RelationName,
  relationId,
} from '../../../catalog/catalog.ts';

/** A reference with the tables at its ends. */
export interface ReferenceLink {
  readonly child: Relation;
  readonly reference: Reference;
  readonly parent: Relation;
}

export interface Links {
  readonly all: readonly ReferenceLink[];
  /** By the `relationId` of the table that refers. */
  readonly ofChild: ReadonlyMap<string, readonly ReferenceLink[]>;
  /** By the `relationId` of the table that is referred to. */
  readonly ofParent: ReadonlyMap<string, readonly ReferenceLink[]>;
}

const known = new WeakMap<Catalog, Links>();

export function linksOf(catalog: Catalog): Links {
  let links = known.get(catalog);
  if (!links) known.set(catalog, (links = collect(catalog)));
  return links;
}

/** Whether columns of the table are referred to that are not of its key: then its rows are not gone by their keys alone. */
export function isReferredToBesideKey(catalog: Catalog, table: RelationName): boolean {
  const links = linksOf(catalog).ofParent.get(relationId(table)) ?? [];
  return links.some(({ reference, parent }) => !reference.targetColumns.every((name) => parent.key.includes(name)));
}

function collect({ relations }: Catalog): Links {
  const all = [...relations.values()].flatMap((child) =>
    child.references.flatMap((reference) => {
      const parent = relations.get(relationId(reference.target));
      return parent ? [{ child, reference, parent }] : [];
    }),
  );
  return {
    all,
    ofChild: Map.groupBy(all, ({ child }) => relationId(child)),
    ofParent: Map.groupBy(all, ({ parent }) => relationId(parent)),
  };
}
