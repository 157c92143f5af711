/** Tabs and history of statements, in the browser's IndexedDB. */

export interface SqlTab {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** When it was made: tabs are in this order. */
  readonly madeMs: number;
}

export interface HistoryEntry {
  readonly id?: number;
  readonly text: string;
  readonly at: string;
  readonly outcome: string;
  readonly isFailed: boolean;
}

const mostEntries = 500;

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('eider.sql', 1);
    request.addEventListener('upgradeneeded', () => {
      request.result.createObjectStore('tabs', { keyPath: 'id' });
      request.result.createObjectStore('history', { keyPath: 'id', autoIncrement: true });
    });
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('IndexedDB does not open.')));
  });
  return opened;
}

async function ask<T>(store: string, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const transaction = (await open()).transaction(store, 'readwrite');
  const request = work(transaction.objectStore(store));
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve(request.result));
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('IndexedDB gave up.')));
  });
}

export async function loadTabs(): Promise<SqlTab[]> {
  const tabs = await ask<SqlTab[]>('tabs', (store) => store.getAll());
  return tabs.toSorted((a, b) => a.madeMs - b.madeMs);
}

export function loadTab(id: string): Promise<SqlTab | undefined> {
  return ask<SqlTab | undefined>('tabs', (store) => store.get(id));
}

export async function keepTab(tab: SqlTab): Promise<void> {
  await ask('tabs', (store) => store.put(tab));
}

export async function forgetTab(id: string): Promise<void> {
  await ask('tabs', (store) => store.delete(id));
}

/** Newest first. */
export async function loadHistory(): Promise<HistoryEntry[]> {
  const entries = await ask<HistoryEntry[]>('history', (store) => store.getAll());
  return entries.toReversed();
}

export async function addHistory(entry: HistoryEntry): Promise<void> {
  const last = await ask('history', (store) => store.add(entry));
  const tooOld = IDBKeyRange.upperBound(Number(last) - mostEntries);
  await ask('history', (store) => store.delete(tooOld));
}

export async function clearHistory(): Promise<void> {
  await ask('history', (store) => store.clear());
}
