import { formatCount } from '../../ui/format.ts';
import { type PlanNode, totalOf } from './plan.ts';

/** Each step below the one that takes its rows. */
export function Plan({ root }: { root: PlanNode }) {
  return (
    <div className="plan" tabIndex={0} role="region" aria-label="Plan">
      <ul>
        <Step node={root} totalMs={totalOf(root)} />
      </ul>
    </div>
  );
}

function Step({ node, totalMs }: { node: PlanNode; totalMs: number }) {
  const { name, details, children, ms } = node;
  const share = ms === null || totalMs === 0 ? null : ms / totalMs;
  return (
    <li>
      <div className="plan-step">
        <p className="row">
          <strong>{name}</strong>
          <span className="muted">{rowsOf(node)}</span>
          {share === null ? null : (
            <span className="row plan-share">
              <meter min={0} max={1} value={share} aria-label={`Share of ${name}`} /> {Math.round(share * 100)} % ·{' '}
              {(ms ?? 0).toFixed(2)} ms
            </span>
          )}
        </p>
        {details.length === 0 ? null : (
          <dl>
            {details.map(([key, value]) => (
              <div key={key}>
                <dt>{key}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
      {children.length === 0 ? null : (
        <ul>
          {children.map((child, index) => (
            <Step key={index} node={child} totalMs={totalMs} />
          ))}
        </ul>
      )}
    </li>
  );
}

function rowsOf({ rows, estimatedRows }: PlanNode): string {
  const estimate = estimatedRows === null ? null : `about ${formatCount(estimatedRows)}`;
  if (rows === null) return estimate === null ? '' : `${estimate} rows`;
  return `${formatCount(rows)} rows${estimate === null ? '' : `, ${estimate} expected`}`;
}
