/**
 * Addresses after the hash, `#/tables/shop.orders?filter=…`: they need no rewrites of a server, and what people filter by stays
 * out of its logs. Libraries put the query before the hash.
 */
import { useMemo, useSyncExternalStore } from 'react';

export const pages = ['overview', 'tables', 'sql', 'history', 'schema', 'setup'] as const;
export type Page = (typeof pages)[number];

export interface Route {
  readonly page: Page;
  /** What follows the page, decoded: a table, a tab. Null without one. */
  readonly rest: string | null;
  readonly query: URLSearchParams;
}

function parseRoute(hash: string): Route {
  const [path, query = ''] = splitOnce(hash.replace(/^#\/?/, ''), '?');
  const [first, rest = ''] = splitOnce(path, '/');
  const page = pages.find((each) => each === first) ?? 'overview';
  return { page, rest: rest === '' ? null : decoded(rest), query: new URLSearchParams(query) };
}

/** @example href('tables', 'shop.orders', { sort: 'id' }) // '#/tables/shop.orders?sort=id' */
export function href(page: Page, rest: string | null = null, query: Readonly<Record<string, string>> = {}): string {
  const path = page === 'overview' ? '' : page;
  const search = new URLSearchParams(query).toString();
  return `#/${path}${rest === null ? '' : `/${encodeURIComponent(rest)}`}${search === '' ? '' : `?${search}`}`;
}

export function navigate(to: string, { replace = false } = {}): void {
  if (!replace) {
    location.hash = to;
    return;
  }
  history.replaceState(null, '', to);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return useMemo(() => parseRoute(hash), [hash]);
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
