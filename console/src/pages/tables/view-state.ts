/** What of a table is looked at, and how: kept in the address, so that it can be sent to somebody, and Back undoes it. */
import { href, navigate } from '../../route.ts';

export const operators = [
  '=',
  '≠',
  '<',
  '≤',
  '>',
  '≥',
  'contains',
  'starts with',
  'is one of',
  'is null',
  'is not null',
] as const;
export type Operator = (typeof operators)[number];

export interface Filter {
  readonly column: string;
  readonly operator: Operator;
  readonly value: string;
}

export interface Sort {
  readonly column: string;
  readonly isDescending: boolean;
}

export interface TableView {
  readonly filters: readonly Filter[];
  readonly sorts: readonly Sort[];
  readonly hidden: readonly string[];
}

/** Whatever in the address is not understood is left out. */
export function parseView(query: URLSearchParams): TableView {
  const lists = (name: string): unknown[][] =>
    parseList(query.get(name)).filter((each) => Array.isArray(each)) as unknown[][];
  return {
    filters: lists('filter').flatMap(([column, operator, value]) => {
      const known = operators.find((each) => each === operator);
      return typeof column === 'string' && known
        ? [{ column, operator: known, value: typeof value === 'string' ? value : '' }]
        : [];
    }),
    sorts: lists('sort').flatMap(([column, direction]) =>
      typeof column === 'string' ? [{ column, isDescending: direction === 'desc' }] : [],
    ),
    hidden: parseList(query.get('hide')).filter((each) => typeof each === 'string'),
  };
}

export function viewAddress(path: string, { filters, sorts, hidden }: TableView): string {
  const query: Record<string, string> = {};
  if (filters.length > 0)
    query['filter'] = JSON.stringify(filters.map(({ column, operator, value }) => [column, operator, value]));
  if (sorts.length > 0)
    query['sort'] = JSON.stringify(sorts.map(({ column, isDescending }) => [column, isDescending ? 'desc' : 'asc']));
  if (hidden.length > 0) query['hide'] = JSON.stringify(hidden);
  return href('tables', path, query);
}

export function showView(path: string, view: TableView): void {
  navigate(viewAddress(path, view));
}

/** Up, down, as it was; with `more` beside what is sorted by already. */
export function sortedBy(view: TableView, column: string, more: boolean): TableView {
  const now = view.sorts.find((sort) => sort.column === column);
  const others = more ? view.sorts.filter((sort) => sort.column !== column) : [];
  if (now?.isDescending === true) return { ...view, sorts: others };
  return { ...view, sorts: [...others, { column, isDescending: now !== undefined }] };
}

function parseList(text: string | null): unknown[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}
