/** How much changed when, for a chart. */
import type { SeenSize } from '../../api/seen-sizes.ts';
import type { ChartData } from '../../ui/chart-data.ts';
import type { Entry } from './timeline.ts';

const mostBars = 40;
/** Steps that people count time in. */
const steps = [1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 86_400, 7 * 86_400, 30 * 86_400];

/** @param entries newest first */
export function growthChart(entries: readonly Entry[]): ChartData {
  const times = entries.map(({ at }) => Date.parse(at) / 1000);
  const [first = 0, last = 0] = [times.at(-1), times[0]];
  const step = steps.find((seconds) => (last - first) / seconds < mostBars) ?? 365 * 86_400;
  const start = Math.floor(first / step) * step;
  const count = entries.length === 0 ? 0 : Math.floor((last - start) / step) + 1;
  const written = Array.from({ length: count }, () => 0);
  const deleted = Array.from({ length: count }, () => 0);
  for (const [index, { changes }] of entries.entries()) {
    const at = Math.floor(((times[index] ?? start) - start) / step);
    for (const change of changes) {
      if (change.kind === 'put') written[at] = (written[at] ?? 0) + change.count;
      if (change.kind === 'delete') deleted[at] = (deleted[at] ?? 0) + change.count;
    }
  }
  const labels = written.map((_, index) => labelOf((start + index * step) * 1000, step));
  return {
    type: 'bar',
    isStacked: true,
    x: { kind: 'category', title: `per ${words(step)}`, labels },
    series: [
      { name: 'rows written', values: written },
      { name: 'rows deleted', values: deleted },
    ],
  };
}

/** Null where there are fewer than two. @param sizes oldest first */
export function snapshotChart(sizes: readonly SeenSize[]): ChartData | null {
  if (sizes.length < 2) return null;
  return {
    type: 'line',
    x: { kind: 'time', title: 'taken', values: sizes.map(({ at }) => Date.parse(at)) },
    series: [{ name: 'megabytes', values: sizes.map(({ bytes }) => bytes / 1e6) }],
  };
}

function labelOf(ms: number, step: number): string {
  const date = new Date(ms);
  if (step >= 86_400) return date.toLocaleDateString(undefined, { month: 'short', day: 'numeric' });
  return date.toLocaleTimeString(undefined, step < 60 ? {} : { hour: '2-digit', minute: '2-digit' });
}

function words(step: number): string {
  if (step >= 86_400) return step === 86_400 ? 'day' : `${step / 86_400} days`;
  if (step >= 3600) return step === 3600 ? 'hour' : `${step / 3600} hours`;
  if (step >= 60) return step === 60 ? 'minute' : `${step / 60} minutes`;
  return step === 1 ? 'second' : `${step} seconds`;
}
