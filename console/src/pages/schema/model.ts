/** What the picture shows of the catalog: which tables, which of their columns, where each stands. */
import { graphlib, layout } from '@dagrejs/dagre';
import { type Catalog, type Column, type Relation, targetOf } from '../../api/catalog.ts';

export interface Link {
  readonly from: Relation;
  readonly to: Relation;
  readonly name: string;
  readonly column: string;
  readonly targetColumn: string;
}

export interface Placed {
  readonly relation: Relation;
  readonly columns: readonly Column[];
  readonly x: number;
  readonly y: number;
}

export const nodeWidth = 232;
const headHeight = 36;
const rowHeight = 24;
const gap = 48;
/** Beside those of keys and references. */
const fewColumns = 8;

export function linksOf(catalog: Catalog): Link[] {
  return catalog.relations.flatMap((from) =>
    from.references.flatMap((reference) => {
      const to = targetOf(catalog, reference);
      const [column] = reference.columns;
      const [targetColumn] = reference.targetColumns;
      if (!to || column === undefined || targetColumn === undefined) return [];
      return [{ from, to, name: reference.name, column, targetColumn }];
    }),
  );
}

/** Those with the most references first. */
export function mostLinked(relations: readonly Relation[], links: readonly Link[], count: number): Relation[] {
  const degree = new Map<Relation, number>();
  for (const { from, to } of links) for (const each of [from, to]) degree.set(each, (degree.get(each) ?? 0) + 1);
  return relations.toSorted((a, b) => (degree.get(b) ?? 0) - (degree.get(a) ?? 0)).slice(0, count);
}

/** The table itself, and whatever refers to it or is referred to by it. */
export function neighboursOf(relation: Relation, links: readonly Link[]): Relation[] {
  const near = links.flatMap(({ from, to }) => (from === relation ? [to] : to === relation ? [from] : []));
  return [...new Set([relation, ...near])];
}

/** Keys and references always, then the first of the others. */
function shownColumns(relation: Relation, links: readonly Link[]): readonly Column[] {
  const linked = new Set(
    links.flatMap(({ from, to, column, targetColumn }) => [
      ...(from === relation ? [column] : []),
      ...(to === relation ? [targetColumn] : []),
    ]),
  );
  const matters = ({ name }: Column): boolean => linked.has(name) || relation.key.includes(name);
  const others = relation.columns.filter((column) => !matters(column));
  const few = new Set(others.slice(0, fewColumns));
  return relation.columns.filter((column) => matters(column) || few.has(column));
}

function heightOf({ relation, columns }: Omit<Placed, 'x' | 'y'>): number {
  return headHeight + rowHeight * (columns.length + (relation.columns.length > columns.length ? 1 : 0)) + 8;
}

/** Tables with references from left to right; those without stand in a block below. */
export function place(relations: readonly Relation[], links: readonly Link[]): Placed[] {
  const sized = relations.map((relation) => ({ relation, columns: shownColumns(relation, links) }));
  const isShown = new Set(relations);
  const shown = links.filter(({ from, to }) => isShown.has(from) && isShown.has(to) && from !== to);
  const isLinked = new Set(shown.flatMap(({ from, to }) => [from, to]));
  const linked = placeLinked(
    sized.filter(({ relation }) => isLinked.has(relation)),
    shown,
  );
  const bottom = Math.max(0, ...linked.map((each) => each.y + heightOf(each) + gap * 2));
  return [
    ...linked,
    ...placeAlone(
      sized.filter(({ relation }) => !isLinked.has(relation)),
      bottom,
    ),
  ];
}

function placeLinked(sized: readonly Omit<Placed, 'x' | 'y'>[], links: readonly Link[]): Placed[] {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: gap / 2, ranksep: gap * 2 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const each of sized) graph.setNode(each.relation.path, { width: nodeWidth, height: heightOf(each) });
  for (const { from, to } of links) graph.setEdge(from.path, to.path);
  layout(graph);
  return sized.map((each) => {
    const { x, y } = graph.node(each.relation.path) as { x: number; y: number };
    return { ...each, x: x - nodeWidth / 2, y: y - heightOf(each) / 2 };
  });
}

/** In as many columns as make the block wide rather than high; each goes where there is most room. */
function placeAlone(sized: readonly Omit<Placed, 'x' | 'y'>[], top: number): Placed[] {
  const count = Math.max(1, Math.ceil(Math.sqrt(sized.length * 2)));
  const bottoms = Array.from({ length: Math.min(count, sized.length) }, () => top);
  return sized.map((each) => {
    const column = bottoms.indexOf(Math.min(...bottoms));
    const y = bottoms[column] ?? top;
    bottoms[column] = y + heightOf(each) + gap / 2;
    return { ...each, x: column * (nodeWidth + gap / 2), y };
  });
}
