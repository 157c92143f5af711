/**
 * Whether a history of operations on one object could have happened one after the other: the search of Wing and Gong with
 * Lowe's memory of what was tried. Knows only what clients saw, nothing of versions or logs.
 * See G. Lowe, "Testing for linearizability", 2017.
 */

/** An operation with a call and an answer; `answered` is Infinity when it is not known whether it happened. */
export interface Operation<Input, Output> {
  readonly asked: number;
  readonly answered: number;
  readonly input: Input;
  /** Undefined when there was no answer. */
  readonly output: Output | undefined;
}

export interface SequentialSpecification<State, Input, Output> {
  readonly initial: State;
  /** The state after the operation; null when it could not have answered so in `state`. */
  step(state: State, input: Input, output: Output | undefined): State | null;
  /** Equal exactly for equal states. */
  name(state: State): string;
}

/** `undecided`: more orders than `mostTried` would have to be tried. */
export type Verdict = 'linearizable' | 'not linearizable' | 'undecided';

export function checkLinearizable<State, Input, Output>(
  specification: SequentialSpecification<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  mostTried = 200_000,
): Verdict {
  const search = new Search(specification, operations, mostTried);
  return search.run();
}

interface Placed<State> {
  readonly index: number;
  /** The state before it. */
  readonly state: State;
}

class Search<State, Input, Output> {
  readonly #specification: SequentialSpecification<State, Input, Output>;
  readonly #operations: readonly Operation<Input, Output>[];
  readonly #open: Set<number>;
  readonly #seen = new Set<string>();
  #left: number;

  constructor(
    specification: SequentialSpecification<State, Input, Output>,
    operations: readonly Operation<Input, Output>[],
    mostTried: number,
  ) {
    this.#specification = specification;
    this.#operations = operations.toSorted((a, b) => a.asked - b.asked);
    this.#open = new Set(this.#operations.keys());
    this.#left = mostTried;
  }

  run(): Verdict {
    const placed: Placed<State>[] = [];
    let state = this.#specification.initial;
    let from = 0;
    while (!this.#isDone()) {
      const next = this.#next(state, from);
      if (next) {
        placed.push({ index: next.index, state });
        this.#open.delete(next.index);
        [state, from] = [next.state, 0];
      } else {
        const last = placed.pop();
        if (!last) return this.#left > 0 ? 'not linearizable' : 'undecided';
        this.#open.add(last.index);
        [state, from] = [last.state, last.index + 1];
      }
      if (this.#left <= 0) return 'undecided';
    }
    return 'linearizable';
  }

  /** What is left needs no place: nobody knows whether it happened. */
  #isDone(): boolean {
    for (const index of this.#open) if (this.#operations[index]!.answered !== Infinity) return false;
    return true;
  }

  /** The next operation, from `from` on, that may come now: no open one was answered before it was asked. */
  #next(state: State, from: number): { index: number; state: State } | null {
    let firstAnswer = Infinity;
    for (const index of this.#open) firstAnswer = Math.min(firstAnswer, this.#operations[index]!.answered);
    for (let index = from; index < this.#operations.length; index++) {
      const operation = this.#operations[index]!;
      if (operation.asked > firstAnswer) return null;
      if (!this.#open.has(index)) continue;
      const after = this.#specification.step(state, operation.input, operation.output);
      if (after !== null && this.#isNew(index, after)) return { index, state: after };
    }
    return null;
  }

  #isNew(index: number, state: State): boolean {
    this.#left--;
    const rest = [...this.#open].filter((each) => each !== index).toSorted((a, b) => a - b);
    const name = `${rest.join()} ${this.#specification.name(state)}`;
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    return true;
  }
}
