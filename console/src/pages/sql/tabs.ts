/** The tabs of the editor: kept at each pause, and written by one window at a time. */
import { useEffect, useState } from 'react';
import { createStore } from '../../store.ts';
import { tell } from '../../ui/toast.tsx';
import { forgetTab, keepTab, loadTab, loadTabs, type SqlTab } from './storage.ts';

export type { SqlTab };

/** Empty until they are loaded. */
export const tabs = createStore<readonly SqlTab[]>([]);

let loading: Promise<void> | null = null;

/** At least one is there afterwards. */
export function openTabs(): Promise<void> {
  loading ??= readTabs();
  return loading;
}

async function readTabs(): Promise<void> {
  try {
    tabs.set(await loadTabs());
  } catch {
    tell('This browser keeps nothing for this page: tabs are gone when it is closed.');
  }
  if (tabs.get().length === 0) addTab();
}

export function addTab(text = ''): SqlTab {
  const madeMs = Date.now();
  const id = `${madeMs.toString(36)}${Math.trunc(Math.random() * 1296).toString(36)}`;
  const tab = { id, title: freeTitle(), text, madeMs };
  tabs.set([...tabs.get(), tab]);
  keep(tab);
  return tab;
}

function freeTitle(): string {
  const taken = new Set(tabs.get().map(({ title }) => title));
  for (let number = 1; ; number++) if (!taken.has(`Query ${number}`)) return `Query ${number}`;
}

/** What is in it can be brought back for a while. */
export function closeTab(id: string): void {
  const closed = tabs.get().find((tab) => tab.id === id);
  tabs.set(tabs.get().filter((tab) => tab.id !== id));
  if (tabs.get().length === 0) addTab();
  if (!closed) return;
  flush();
  void forgetTab(id).catch(() => undefined);
  if (closed.text.trim() === '') return;
  const restore = (): void => {
    tabs.set([...tabs.get(), closed].toSorted((a, b) => a.madeMs - b.madeMs));
    keep(closed);
  };
  tell(`${closed.title} was closed.`, { label: 'Undo', onClick: restore });
}

export function changeTab(id: string, change: Partial<Pick<SqlTab, 'title' | 'text'>>): void {
  tabs.set(tabs.get().map((tab) => (tab.id === id ? { ...tab, ...change } : tab)));
  waiting.add(id);
  clearTimeout(timer);
  timer = setTimeout(flush, pauseMs);
}

const pauseMs = 300;
const waiting = new Set<string>();
let timer: ReturnType<typeof setTimeout> | undefined;

function flush(): void {
  clearTimeout(timer);
  for (const tab of tabs.get()) if (waiting.has(tab.id)) keep(tab);
  waiting.clear();
}

addEventListener('pagehide', flush);

function keep(tab: SqlTab): void {
  void keepTab(tab).catch(() => undefined);
}

export interface TabLock {
  /** Another window writes this tab. */
  readonly isElsewhere: boolean;
  readonly takeOver: () => void;
}

/** Holds the tab while it is shown; what another window wrote into it meanwhile is read first. */
export function useTabLock(id: string | undefined): TabLock {
  const [isElsewhere, setElsewhere] = useState(false);
  const [takes, setTakes] = useState(0);
  useEffect(() => {
    setElsewhere(false);
    // Only secure addresses have locks.
    if (id === undefined || !('locks' in navigator)) return undefined;
    return holdLock(`eider.sql.${id}`, takes > 0, {
      onHeld: () => {
        setElsewhere(false);
        void readAgain(id);
      },
      onElsewhere: () => setElsewhere(true),
    });
  }, [id, takes]);
  return { isElsewhere, takeOver: () => setTakes(takes + 1) };
}

interface LockEvents {
  readonly onHeld: () => void;
  readonly onElsewhere: () => void;
}

/** Waits in line for it; returns what gives it back. */
function holdLock(name: string, steal: boolean, { onHeld, onElsewhere }: LockEvents): () => void {
  const ended = new AbortController();
  const late = setTimeout(onElsewhere, 400);
  const over = Promise.withResolvers<undefined>();
  const held = (): Promise<undefined> => {
    clearTimeout(late);
    if (!ended.signal.aborted) onHeld();
    return over.promise;
  };
  const ask = (options: LockOptions): Promise<unknown> =>
    navigator.locks.request(name, options, held).catch(() => {
      if (ended.signal.aborted) return undefined;
      // Another window took it: in line again.
      onElsewhere();
      return ask({ signal: ended.signal });
    });
  void ask(steal ? { steal } : { signal: ended.signal });
  return () => {
    clearTimeout(late);
    ended.abort();
    over.resolve(undefined);
  };
}

async function readAgain(id: string): Promise<void> {
  const kept = await loadTab(id).catch(() => undefined);
  if (kept && !waiting.has(id)) tabs.set(tabs.get().map((tab) => (tab.id === id ? kept : tab)));
}
