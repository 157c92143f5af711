/** Choices from numbers that a generator drew: the same numbers, the same choices. Without more numbers, the first of all. */
export class Picker {
  readonly #picks: readonly number[];
  #at = 0;

  constructor(picks: readonly number[]) {
    this.#picks = picks;
  }

  /** 0 to `count` - 1. */
  index(count: number): number {
    return (this.#picks[this.#at++] ?? 0) % count;
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.index(choices.length)]!;
  }

  /** One of the texts, each as often as its weight says. */
  weighted<T extends string>(weights: Readonly<Record<T, number>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.index(entries.reduce((sum, [, weight]) => sum + weight, 0));
    return entries.find(([, weight]) => (left -= weight) < 0)![0];
  }

  /** Whether, so often in a hundred. */
  chance(percent: number): boolean {
    return this.index(100) >= 100 - percent;
  }

  /** Some of them in their order, at least `least`. */
  some<T>(choices: readonly T[], least = 0): T[] {
    const chosen = choices.filter(() => this.chance(50));
    return chosen.length >= least ? chosen : choices.slice(0, least);
  }

  /** As many as `count` says, each made on its own. */
  times<T>(count: number, make: (index: number) => T): T[] {
    return Array.from({ length: count }, (_, index) => make(index));
  }
}
