/** The change feed: a page of it, and what comes while the page is seen. */
import { useEffect, useState } from 'react';
import { ApiError, send, sendJson } from './client.ts';
import { readEvents } from './events.ts';

export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue };
export type JsonRow = Readonly<Record<string, JsonValue>>;

/** With `rows: false`. */
export type CountedChange =
  | { readonly kind: 'put' | 'delete'; readonly table: string; readonly count: number }
  | { readonly kind: 'schema' }
  | { readonly kind: 'reset' };

export type TableChange =
  | { readonly kind: 'put'; readonly table: string; readonly rows: readonly JsonRow[] }
  | { readonly kind: 'delete'; readonly table: string; readonly keys: readonly JsonRow[] }
  | { readonly kind: 'schema' }
  | { readonly kind: 'reset' };

export interface ChangeSet<C = TableChange> {
  readonly version: number;
  readonly at: string;
  readonly changes: readonly C[];
}

export interface ChangePage<C = TableChange> {
  readonly data: readonly ChangeSet<C>[];
  readonly next: number;
  readonly oldest: number;
  readonly head: number;
}

export interface ChangesAsked {
  readonly after?: number;
  readonly limit?: number;
  readonly table?: string;
  /** A row of the table, as addresses name it. */
  readonly key?: string;
  readonly rows?: false;
}

/** @throws ApiError 410 with what is no longer kept */
export function fetchChanges(asked: ChangesAsked, signal?: AbortSignal): Promise<ChangePage> {
  return sendJson<ChangePage>(`changes${queryOf(asked)}`, signal ? { signal } : {});
}

function queryOf(asked: ChangesAsked): string {
  const query = new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, String(value)])).toString();
  return query === '' ? '' : `?${query}`;
}

/** How many rows, in the place of the rows, which may be many. @throws ApiError 410 with what is no longer kept */
export function fetchCounts(asked: ChangesAsked, signal?: AbortSignal): Promise<ChangePage<CountedChange>> {
  return sendJson(`changes${queryOf({ ...asked, rows: false })}`, signal ? { signal } : {});
}

/** Calls back for each set from now on, until the signal. Connects again where a connection ends. */
async function followChanges(
  asked: ChangesAsked,
  onSet: (set: ChangeSet<CountedChange>) => void,
  signal: AbortSignal,
): Promise<void> {
  let after = asked.after;
  while (!signal.aborted) {
    try {
      const query = queryOf(after === undefined ? asked : { ...asked, after });
      const response = await send(`changes${query}`, { headers: { accept: 'text/event-stream' }, signal, quiet: true });
      for await (const { event, id, data } of readEvents(response)) {
        if (id !== null) after = Number(id);
        if (event === 'change') onSet(JSON.parse(data) as ChangeSet<CountedChange>);
        if (event === 'problem') break;
      }
    } catch (error) {
      if (error instanceof ApiError && [401, 403, 404].includes(error.status)) return;
      if (error instanceof ApiError && [400, 410].includes(error.status)) after = undefined;
    }
    await pause(3000, signal);
  }
}

/** As numbers of rows. Only while the page is seen: each connection holds a function of the deployment. */
export function useChanges(onSet: (set: ChangeSet<CountedChange>) => void, asked: ChangesAsked = {}): void {
  const isSeen = useIsSeen();
  const { table, key } = asked;
  useEffect(() => {
    if (!isSeen) return undefined;
    const ended = new AbortController();
    const filter = {
      rows: false as const,
      ...(table === undefined ? {} : { table }),
      ...(key === undefined ? {} : { key }),
    };
    void followChanges(filter, onSet, ended.signal);
    return () => ended.abort();
  }, [isSeen, table, key, onSet]);
}

function useIsSeen(): boolean {
  const [isSeen, setSeen] = useState(document.visibilityState === 'visible');
  useEffect(() => {
    const note = (): void => setSeen(document.visibilityState === 'visible');
    document.addEventListener('visibilitychange', note);
    return () => document.removeEventListener('visibilitychange', note);
  }, []);
  return isSeen;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
