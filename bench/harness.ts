/**
 * What every bench shares: timing, medians, taking turns between the things compared, and figures with their targets.
 *
 * Absolute times say little on a machine that others use too. So two things are compared only within one run, in turns:
 * noise then hits both alike.
 */
import type { Samples } from './databases.ts';
import type { Plot } from './plot.ts';
import type { Servers } from './servers.ts';

/** What a figure must reach. */
export type Target = { readonly atMost: number } | { readonly atLeast: number };

/** One result of a bench. */
export interface Figure {
  /** What was measured, for example `write, 1 client, S3`. */
  readonly name: string;
  readonly value: number;
  /** Unit of `value`: `x` for a ratio, `ms`, `rows`. */
  readonly unit: string;
  readonly target: Target;
  /** What the value was computed from; each name says what it is and ends in its unit. */
  readonly parts: Readonly<Record<string, number>>;
  /** What bounds it, whether it is met or not: said where it is missed. */
  readonly bound: string;
}

/** Numbers for people to read. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  /** A number is rounded to three digits when it is shown; null is a cell without one. */
  readonly rows: readonly (readonly (string | number | null)[])[];
}

export interface Results {
  readonly figures: readonly Figure[];
  readonly tables: readonly Table[];
  readonly plots: readonly Plot[];
}

/** How much is measured: `quick` to see that it works, `full` for databases above 100 MB, too. */
export type Extent = 'quick' | 'default' | 'full';

export interface BenchContext {
  /** An empty folder of this bench's own, removed after it. */
  readonly folder: string;
  readonly extent: Extent;
  readonly servers: Servers;
  readonly samples: Samples;
  /** Tells the person who waits what goes on. */
  readonly say: (text: string) => void;
}

export interface Bench {
  readonly name: string;
  /** The heading of its part of the page. */
  readonly title: string;
  /** What was compared with what, and how to read it: Markdown without figures, so that it stays true. */
  readonly about: string;
  run(context: BenchContext): Promise<Results>;
}

/** Time that `work` takes, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** The value below which that part of them lies. @example quantile([3, 1, 2], 0.5) // 2 */
export function quantile(values: readonly number[], part: number): number {
  if (values.length === 0) throw new RangeError('There is no quantile of nothing.');
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const [below, above] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return below + (above - below) * (place - Math.floor(place));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export interface Rounds {
  /** How often each thing is measured. */
  readonly rounds: number;
  /** Rounds before them that do not count. */
  readonly warmUp: number;
}

/**
 * Measures things in turns: one of each a round, beginning with another one each time, so that none always follows the
 * same. Each thing answers what it measured; what it does outside its own timing does not count.
 */
export async function interleave<Name extends string, Measured>(
  { rounds, warmUp }: Rounds,
  things: Readonly<Record<Name, (round: number) => Promise<Measured>>>,
): Promise<Record<Name, Measured[]>> {
  const names = Object.keys(things) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as Measured[]])) as Record<Name, Measured[]>;
  for (let round = 0; round < warmUp + rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length]!;
      const value = await things[name](round);
      if (round >= warmUp) measured[name].push(value);
    }
  }
  return measured;
}

/** The median of each thing's measurements. */
export function medians<Name extends string>(measured: Readonly<Record<Name, number[]>>): Record<Name, number> {
  const entries = Object.entries<number[]>(measured).map(([name, values]) => [name, median(values)]);
  return Object.fromEntries(entries) as Record<Name, number>;
}

/** Whether the figure reaches its target. */
export function isMet({ value, target }: Figure): boolean {
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}
