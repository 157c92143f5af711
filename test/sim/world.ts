/**
 * The world of a simulation: one line of time, one event after the other, chance from a seed. Time moves only when
 * nothing can run; what happens at one instant happens in an order that chance decides.
 */
import { createHash } from 'node:crypto';
import { seededRandom } from '../support/runtime.ts';

/** Whom an event happens to. A frozen one meets it later, a dead one never. */
export interface Owner {
  readonly isDead: boolean;
  /** True time at which it goes on. */
  readonly frozenUntil: number;
}

interface Event {
  at: number;
  readonly rank: number;
  readonly order: number;
  readonly owner: Owner | null;
  isCancelled: boolean;
  readonly run: () => void | Promise<unknown>;
}

export type Chance = () => number;

/** True time begins here, in ms since 1970. */
export const epochMs = Date.UTC(2026, 0, 5);

export class World {
  readonly seed: number;
  readonly lines: string[] = [];
  #nowMs = 0;
  #events: Event[] = [];
  #order = 0;
  #stamps = 0;
  readonly #ranks: Chance;

  constructor(seed: number) {
    this.seed = seed;
    this.#ranks = this.chance('ranks');
  }

  /** True time in ms since the world began. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** A number for this moment, higher than all before it: what comes first, also at one instant. */
  stamp(): number {
    return ++this.#stamps;
  }

  /** A stream of chance of its own: what one part draws does not shift what others draw. */
  chance(name: string): Chance {
    return seededRandom(createHash('sha256').update(`${this.seed} ${name}`).digest().readInt32LE());
  }

  note(who: string, what: string): void {
    this.lines.push(`${this.#nowMs.toFixed(2).padStart(14)} ${who.padEnd(6)} ${what}`);
  }

  /** Lets `run` happen to `owner` in `ms`. Answers how to call it off. */
  in(ms: number, owner: Owner | null, run: () => void | Promise<unknown>): () => void {
    const event = { at: this.#nowMs + ms, rank: this.#ranks(), order: this.#order++, owner, isCancelled: false, run };
    push(this.#events, event);
    return () => void (event.isCancelled = true);
  }

  /** Resolves in `ms`, for `owner`. */
  wait(ms: number, owner: Owner | null): Promise<void> {
    return new Promise((resolve) => this.in(ms, owner, resolve));
  }

  /** Runs events until `isOver`, or until there are none. False when there are none. */
  async run(isOver: () => boolean): Promise<boolean> {
    await stillness();
    while (!isOver()) {
      const event = pop(this.#events);
      if (!event) return false;
      if (event.isCancelled || event.owner?.isDead) continue;
      if (event.owner && event.owner.frozenUntil > event.at) {
        event.at = event.owner.frozenUntil;
        push(this.#events, event);
        continue;
      }
      this.#nowMs = event.at;
      await event.run();
      await stillness();
    }
    return true;
  }
}

/** Everything that JavaScript can still do without an event has been done when the next turn of its loop begins. */
function stillness(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && (a.rank < b.rank || (a.rank === b.rank && a.order < b.order)));
}

/** A binary heap, earliest first. */
function push(heap: Event[], event: Event): void {
  let index = heap.length;
  heap.push(event);
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!isBefore(event, heap[parent]!)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = event;
}

function pop(heap: Event[]): Event | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (!first || !last || heap.length === 0) return first;
  let index = 0;
  for (;;) {
    let child = index * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
    if (!isBefore(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
  return first;
}
