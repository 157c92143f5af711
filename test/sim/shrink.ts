/**
 * Making a failing run smaller: fewer operations, clients and processes, and less that goes wrong, as long as the same
 * invariant is violated.
 */
import type { Library } from './library.ts';
import type { Plan } from './plan.ts';
import { type Result, simulate } from './simulate.ts';

/** Most runs to spend. */
const mostRuns = 120;

export async function shrink(failed: Result, library: Library, note: (what: string) => void): Promise<Result> {
  const shrinker = new Shrinker(failed, library, note);
  await shrinker.lessGoesWrong();
  await shrinker.fewer('operations');
  await shrinker.fewer('clients');
  await shrinker.fewer('processes');
  await shrinker.fewer('machines');
  await shrinker.lessGoesWrong();
  return shrinker.smallest;
}

class Shrinker {
  smallest: Result;
  readonly #library: Library;
  readonly #note: (what: string) => void;
  #runs = 0;

  constructor(failed: Result, library: Library, note: (what: string) => void) {
    this.smallest = failed;
    this.#library = library;
    this.#note = note;
  }

  /** Whether it fails in the same way with `plan`; then that is the smallest. */
  async #stillFails(plan: Plan): Promise<boolean> {
    if (this.#runs++ >= mostRuns) return false;
    const result = await simulate(plan, this.#library);
    if (result.violation?.invariant !== this.smallest.violation?.invariant) return false;
    this.smallest = result;
    this.#note(`${result.lines.length} lines, ${result.struck.length} troubles`);
    return true;
  }

  /** The least number that will do, found by halves. */
  async fewer(what: 'operations' | 'clients' | 'processes' | 'machines'): Promise<void> {
    for (let least = 1; least < this.smallest.plan[what];) {
      const middle = Math.floor((least + this.smallest.plan[what]) / 2);
      if (!(await this.#stillFails({ ...this.smallest.plan, [what]: middle }))) least = middle + 1;
    }
  }

  /** Leaves out halves, quarters, … of what went wrong, down to single ones. */
  async lessGoesWrong(): Promise<void> {
    for (let parts = 1; parts <= this.smallest.struck.length * 2 && this.#runs < mostRuns; parts *= 2) {
      const { struck } = this.smallest;
      const size = Math.ceil(struck.length / parts);
      for (let start = 0; start < struck.length; start += size) {
        const without = new Set([...this.smallest.plan.without, ...struck.slice(start, start + size)]);
        await this.#stillFails({ ...this.smallest.plan, without });
      }
    }
  }
}
