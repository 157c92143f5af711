/** Versions from the newest back: the feed itself only goes forward. */
import { type InfiniteData, useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import {
  type ChangePage,
  type ChangeSet,
  type CountedChange,
  fetchChanges,
  fetchCounts,
  type JsonRow,
  type TableChange,
  useChanges,
} from '../../api/changes.ts';
import { rowsKey } from '../../api/fresh.ts';

/** Empty: of everything. */
export interface Filter {
  readonly table?: string;
  /** A row, as addresses name it. */
  readonly key?: string;
}

/** Of one row its image, too. */
export interface Entry extends ChangeSet<CountedChange> {
  readonly row?: JsonRow | 'deleted';
}

interface Stretch {
  /** Newest first. */
  readonly entries: readonly Entry[];
  /** Whatever is newer was looked at. */
  readonly from: number;
  readonly oldest: number;
  readonly head: number;
}

export interface Timeline {
  readonly entries: readonly Entry[];
  readonly oldest: number;
  readonly from: number;
  readonly hasOlder: boolean;
}

const firstSpan = 100;
/** The feed tells no more at once. */
const widestSpan = 1000;
/** Then somebody is asked whether to go on. */
const mostLooks = 8;

export function useTimeline(filter: Filter) {
  const query = useInfiniteQuery({
    queryKey: [rowsKey, 'history', filter],
    queryFn: ({ pageParam, signal }) => stretchBefore(pageParam, filter, signal),
    initialPageParam: null as number | null,
    getNextPageParam: ({ from, oldest }) => (from > oldest ? from : undefined),
    select: timelineOf,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { data } = query;
  const live = useLive(filter, data?.entries[0]?.version ?? 0);
  return { query, timeline: data && { ...data, entries: [...live, ...data.entries] } };
}

function timelineOf({ pages }: InfiniteData<Stretch>): Timeline {
  const last = pages.at(-1);
  const from = last?.from ?? 0;
  const oldest = last?.oldest ?? 0;
  return { entries: pages.flatMap(({ entries }) => entries), oldest, from, hasOlder: from > oldest };
}

/** What came since, newest first. */
function useLive(filter: Filter, newest: number): readonly Entry[] {
  const [live, setLive] = useState<readonly Entry[]>([]);
  const { table, key } = filter;
  useEffect(() => setLive([]), [table, key]);
  const note = useCallback(
    (set: ChangeSet<CountedChange>) => {
      if (table === undefined || key === undefined) setLive((all) => [set, ...all].slice(0, widestSpan));
      else void imageAt(set, { table, key }).then((entry) => setLive((all) => [entry, ...all]), ignore);
    },
    [table, key],
  );
  useChanges(note, filter);
  return live.filter(({ version }) => version > newest);
}

const ignore = (): void => undefined;

async function imageAt(set: ChangeSet<CountedChange>, filter: Filter): Promise<Entry> {
  const { data } = await fetchChanges({ ...filter, after: set.version - 1, limit: 1 });
  return data[0] ? entryOf(data[0]) : set;
}

/** Looks back until there is something to show; of one row several, since each shows what it changed of the one before. */
async function stretchBefore(before: number | null, filter: Filter, signal: AbortSignal): Promise<Stretch> {
  const { head, oldest } = await fetchCounts({ limit: 1 }, signal);
  const enough = filter.key === undefined ? 1 : 20;
  let from = before ?? head;
  let entries: readonly Entry[] = [];
  for (let [look, span] = [0, firstSpan]; look < mostLooks && from > oldest && entries.length < enough; look++) {
    const upTo = from;
    from = Math.max(oldest, upTo - span);
    const found = await fetchEntries({ ...filter, after: from, limit: span }, signal);
    entries = [...entries, ...found.filter(({ version }) => version <= upTo).toReversed()];
    span = widestSpan;
  }
  return { entries, from, oldest, head };
}

async function fetchEntries(asked: Filter & { after: number; limit: number }, signal: AbortSignal): Promise<Entry[]> {
  if (asked.key === undefined) return [...(await fetchCounts(asked, signal)).data];
  const { data }: ChangePage = await fetchChanges(asked, signal);
  return data.map(entryOf);
}

function entryOf({ version, at, changes }: ChangeSet): Entry {
  const [row] = changes.flatMap(imagesOf).toReversed();
  return { version, at, changes: changes.map(countOf), ...(row === undefined ? {} : { row }) };
}

/** Without what is only about definitions. */
export function versionsOfRow({ entries, from }: Timeline): { entry: Entry; before: JsonRow | 'none' | undefined }[] {
  const own = entries.filter(({ row, changes }) => row !== undefined || changes.some(({ kind }) => kind === 'reset'));
  return own.map((entry, index) => {
    const earlier = own[index + 1];
    if (!earlier) return { entry, before: from === 0 ? 'none' : undefined };
    return { entry, before: earlier.row === 'deleted' ? 'none' : earlier.row };
  });
}

function imagesOf(change: TableChange): (JsonRow | 'deleted')[] {
  if (change.kind === 'put') return [...change.rows];
  return change.kind === 'delete' ? change.keys.map(() => 'deleted' as const) : [];
}

function countOf(change: TableChange): CountedChange {
  if (change.kind === 'put') return { kind: 'put', table: change.table, count: change.rows.length };
  return change.kind === 'delete' ? { kind: 'delete', table: change.table, count: change.keys.length } : change;
}
