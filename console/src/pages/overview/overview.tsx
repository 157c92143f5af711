/** What serves and why, how it is, and what happens. */
import './overview.css';
import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide-react';
import { type Status, useStatus } from '../../api/status.ts';
import { href } from '../../route.ts';
import { Shown } from '../../ui/states.tsx';
import { Chain } from './chain.tsx';
import { Facts } from './facts.tsx';
import { LiveChanges } from './live-changes.tsx';
import { FirstSteps } from './first-steps.tsx';
import { SyncCard } from './sync-card.tsx';
import { Waiting } from './waiting.tsx';

export function Overview() {
  return (
    <div className="page stack">
      <h1>Overview</h1>
      <Shown query={useStatus()} label="Loading the status">
        {(status) => <Told status={status} />}
      </Shown>
    </div>
  );
}

function Told({ status }: { status: Status }) {
  const { candidates, warnings = [], hint } = status;
  return (
    <>
      <Sentence status={status} />
      {hint === undefined ? null : <p className="muted">{hint}</p>}
      {warnings.length === 0 ? null : (
        <ul className="card warnings" aria-label="Warnings">
          {warnings.map((warning) => (
            <li key={warning} className="row">
              <TriangleAlert className="icon-inline warn" aria-hidden />
              <span className="grow">{warning}</span>
            </li>
          ))}
        </ul>
      )}
      <FirstSteps />
      {candidates === undefined ? null : <Chain candidates={candidates} />}
      <Facts status={status} />
      <div className="overview-columns">
        <LiveChanges />
        <div className="stack">
          <SyncCard status={status} />
          <Waiting status={status} />
        </div>
      </div>
    </>
  );
}

const looks = {
  ok: { Icon: CircleCheck, tone: 'ok' },
  degraded: { Icon: TriangleAlert, tone: 'warn' },
  down: { Icon: CircleAlert, tone: 'bad' },
} as const;

/** Durable or not. */
function Sentence({ status: { status, message, persistent, location, outage } }: { status: Status }) {
  const isFleeting = status === 'ok' && persistent === false;
  const { Icon, tone } = looks[isFleeting ? 'degraded' : status];
  return (
    <div className={`card sentence ${tone}`}>
      <Icon aria-hidden />
      <div>
        <p className="sentence-words">{message}</p>
        {location === null || location === undefined ? null : (
          <p className="muted">
            In <bdi className="mono">{location}</bdi>
          </p>
        )}
        {outage ? (
          <p>
            {outage.reason} {outage.servedBy} answers meanwhile, and Eider looks again in {outage.nextLookInSeconds} s.
            {outage.atRisk === null ? '' : ` ${outage.atRisk}`}
          </p>
        ) : null}
        {isFleeting ? (
          <p>
            It is lost with the machine. <a href={href('setup')}>Keep it where every machine finds it</a>
          </p>
        ) : null}
      </div>
    </div>
  );
}
