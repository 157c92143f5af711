import { CloudOff, TriangleAlert } from 'lucide-react';
import { useEffect } from 'react';
import { degraded, online, send } from '../api/client.ts';
import { queryClient } from '../api/fresh.ts';
import { useStatus } from '../api/status.ts';
import { useStore } from '../store.ts';
import { plural } from '../ui/format.ts';

/** What must not be overlooked: the server is away, or something stands in for the database. */
export function Banners() {
  const isOnline = useStore(online);
  const why = useStore(degraded);
  return (
    <div className="shell-banners" role="status">
      {isOnline ? null : <Offline />}
      {isOnline && why !== null ? <Degraded why={why} /> : null}
    </div>
  );
}

function Offline() {
  useEffect(() => {
    const timer = setInterval(() => {
      void send('db-status', { quiet: true }).then(
        () => queryClient.invalidateQueries(),
        () => undefined,
      );
    }, 3000);
    return () => clearInterval(timer);
  }, []);
  return (
    <div className="banner offline">
      <CloudOff className="bad" aria-hidden />
      <span className="grow">
        <strong>The server cannot be reached.</strong> What you typed stays here; this page tries again by itself.
      </span>
    </div>
  );
}

function Degraded({ why }: { why: string }) {
  const { data } = useStatus();
  const isDown = data?.status === 'down';
  const pending = data?.pendingWrites ?? 0;
  return (
    <div className={`banner ${isDown ? 'down' : 'degraded'}`}>
      <TriangleAlert className={isDown ? 'bad' : 'warn'} aria-hidden />
      <span className="grow">
        <strong>{isDown ? 'The database cannot be used.' : 'Degraded.'}</strong> {why}
      </span>
      {pending > 0 ? <span className="badge">{plural(pending, 'pending write')}</span> : null}
    </div>
  );
}
