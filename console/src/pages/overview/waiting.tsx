/** Writes that wait for the database, and those that no longer fitted it. */
import { useMutation } from '@tanstack/react-query';
import { refreshRows } from '../../api/fresh.ts';
import { dismissRejected, type RejectedWrite, type Status } from '../../api/status.ts';
import { Button } from '../../ui/button.tsx';
import { formatTime, plural } from '../../ui/format.ts';
import { Failure } from '../../ui/states.tsx';
import { tell } from '../../ui/toast.tsx';

export function Waiting({ status: { pendingWrites, rejectedWrites } }: { status: Status }) {
  const rejected = rejectedWrites ?? [];
  const dismiss = useMutation({
    mutationFn: dismissRejected,
    onSuccess: async () => {
      await refreshRows();
      tell('Dismissed');
    },
  });
  if (pendingWrites === undefined || pendingWrites === null) return null;
  return (
    <section className="card stack tight" aria-label="Pending and rejected writes">
      <div className="row">
        <h2 className="grow">Pending and rejected</h2>
        {rejected.length > 1 ? (
          <Button disabled={dismiss.isPending} onClick={() => dismiss.mutate('all')}>
            Dismiss all
          </Button>
        ) : null}
      </div>
      <p className={pendingWrites > 0 ? 'warn' : 'muted'}>
        {pendingWrites > 0
          ? `${plural(pendingWrites, 'write')} wait until the database is back.`
          : 'No write is pending.'}
      </p>
      {rejected.map((write) => (
        <Rejected
          key={write.id}
          write={write}
          isBusy={dismiss.isPending}
          onDismiss={() => dismiss.mutate([write.id])}
        />
      ))}
      {dismiss.error ? <Failure error={dismiss.error} /> : null}
    </section>
  );
}

function Rejected({ write, isBusy, onDismiss }: { write: RejectedWrite; isBusy: boolean; onDismiss: () => void }) {
  const { acceptedAt, reason, command } = write;
  return (
    <article className="rejected">
      <div className="row">
        <span className="grow">
          <strong className="bad">Rejected</strong> <span className="muted">of {formatTime(acceptedAt)}</span>
        </span>
        <Button disabled={isBusy} onClick={onDismiss}>
          Dismiss
        </Button>
      </div>
      <p>{reason}</p>
      <details>
        <summary>What it was</summary>
        <pre tabIndex={0}>{JSON.stringify(command, null, 2)}</pre>
      </details>
    </article>
  );
}
