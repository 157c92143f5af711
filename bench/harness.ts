/**
 * What every bench shares: timing, medians, taking turns between the things compared, and figures with their targets.
 *
 * Absolute times say little on a machine that others use too. So two things are compared only within one run, in turns:
 * noise then hits both alike.
 */

/** What a figure must reach. */
export type Target = { readonly atMost: number } | { readonly atLeast: number };

/** One result of a bench. */
export interface Figure {
  /** What was measured, for example `acknowledged write, 100 MB`. */
  readonly name: string;
  readonly value: number;
  /** Unit of `value`: `x` for a ratio, `ms`, `rows/s`. */
  readonly unit: string;
  /** Absent for a figure that only stands beside another. */
  readonly target?: Target;
  /** What the value was computed from; each name says what it is and ends in its unit. */
  readonly parts: Readonly<Record<string, number>>;
}

export interface BenchContext {
  /** An empty folder of this bench's own, removed after it. */
  readonly folder: string;
  /** Makes a DuckDB file of about `megabytes` at `path`; the same ones are made once a run. */
  readonly placeSample: (megabytes: number, path: string) => Promise<void>;
  /** Tells the person who waits what goes on. */
  readonly say: (text: string) => void;
}

export interface Bench {
  readonly name: string;
  /** Most bytes that it holds in its folder at one time. */
  readonly needsBytes: number;
  run(context: BenchContext): Promise<Figure[]>;
}

/** Time that `work` takes, in ms. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('The median of nothing.');
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Rounds {
  /** How often each thing is measured. */
  readonly rounds: number;
  /** Rounds before them that do not count. */
  readonly warmUp: number;
}

/**
 * Measures things in turns: one of each a round, beginning with another one each time, so that none always follows the
 * same. Each thing answers what it measured (ms, or a rate); what it does outside its own timing does not count.
 */
export async function interleave<Name extends string>(
  { rounds, warmUp }: Rounds,
  things: Readonly<Record<Name, (round: number) => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(things) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
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

/** Whether the figure reaches its target; null when it has none. */
export function isMet({ value, target }: Figure): boolean | null {
  if (!target) return null;
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast;
}
