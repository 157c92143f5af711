import { type Catalog, type Column, type Relation, targetOf } from '../../api/catalog.ts';
import type { Choice } from './editing.ts';

/** Which rows a column may refer to; undefined when it refers to none. */
export function choiceOf(catalog: Catalog, relation: Relation, { name }: Column): Choice | undefined {
  const reference = relation.references.find(({ columns }) => columns.includes(name));
  const target = reference && targetOf(catalog, reference);
  return reference && target ? { engine: catalog.engine, reference, target } : undefined;
}
