/** What stands where there are no data (yet): loading, nothing, a failure. */
import { CircleAlert, Inbox } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiError } from '../api/client.ts';
import { Button } from './button.tsx';

/** Shows after 150 ms; what can be given up can be after a second. */
export function Loading({ label, lines = 4, onCancel }: { label: string; lines?: number; onCancel?: () => void }) {
  return (
    <div role="status">
      <span className="hidden-visually">{label}</span>
      <div className="skeleton" aria-hidden>
        {Array.from({ length: lines }, (_, index) => (
          <i key={index} />
        ))}
      </div>
      {onCancel === undefined ? null : (
        <Button className="late" onClick={onCancel}>
          Cancel
        </Button>
      )}
    </div>
  );
}

/** @param children the next step */
export function Empty({ title, children, icon }: { title: string; children?: ReactNode; icon?: ReactNode }) {
  return (
    <div className="state">
      {icon ?? <Inbox aria-hidden />}
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What failed, why, and the id under which the server's log has it. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { title, hint, faults, requestId } = wordsOf(error);
  const detail = error instanceof Error ? error.message : String(error);
  return (
    <div className="state failed" role="alert">
      <h2 className="row bad">
        <CircleAlert className="icon-inline" aria-hidden /> {title}
      </h2>
      <p>{detail}</p>
      {hint === undefined ? null : <p className="muted">{hint}</p>}
      {faults.length === 0 ? null : (
        <ul>
          {faults.map(({ path, message }) => (
            <li key={path}>
              <code>{path}</code> {message}
            </li>
          ))}
        </ul>
      )}
      {requestId === null ? null : (
        <p className="muted">
          Request <code>{requestId}</code>
        </p>
      )}
      {onRetry === undefined ? null : <Button onClick={onRetry}>Retry</Button>}
    </div>
  );
}

function wordsOf(error: unknown) {
  if (!(error instanceof ApiError)) return { title: 'This did not work', faults: [], requestId: null };
  const { title, hint, errors = [] } = error.problem;
  return { title, hint, faults: errors, requestId: error.requestId };
}

interface QueryLike<T> {
  readonly data: T | undefined;
  readonly error: Error | null;
  readonly refetch: () => unknown;
}

/** One of the states of a query: what is there is shown also while it cannot be asked again. */
export function Shown<T>({
  query,
  label,
  children,
}: {
  query: QueryLike<T>;
  label: string;
  children: (data: T) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) return <Failure error={query.error} onRetry={() => void query.refetch()} />;
  return <Loading label={label} />;
}
