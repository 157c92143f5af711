/** `db-sync`, from wherever it is asked for, with its progress. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';
import { type SyncReport, syncNow, type Transfer } from '../api/status.ts';
import { createStore, useStore } from '../store.ts';
import { formatDuration } from '../ui/format.ts';
import { tell } from '../ui/toast.tsx';
import { refreshRows } from '../api/fresh.ts';

const transfers = createStore<readonly Transfer[]>([]);
export const lastSync = createStore<SyncReport | null>(null);

export function useSync() {
  const client = useQueryClient();
  const isRunning = client.isMutating({ mutationKey: ['sync'] }) > 0;
  const { mutate, isPending, error } = useMutation({
    mutationKey: ['sync'],
    mutationFn: () => syncNow(transfers.set),
    onSuccess: (report) => {
      lastSync.set(report);
      tell(wordsOf(report));
      return refreshRows();
    },
    onError: (failure) => tell(`Sync failed: ${failure.message}`),
    onSettled: () => transfers.set([]),
  });
  const run = useCallback(() => mutate(), [mutate]);
  return { run, isRunning: isPending || isRunning, error, transfers: useStore(transfers) };
}

function wordsOf({ version, checkpoint, durationMs }: SyncReport): string {
  const what =
    checkpoint === null ? 'caught up' : checkpoint.uploaded ? 'uploaded a snapshot' : 'nothing was left to upload';
  return `Synced at v${version}: ${what}, in ${formatDuration(durationMs)}`;
}
