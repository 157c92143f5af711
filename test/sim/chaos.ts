/**
 * What goes wrong, decided by chance, each time under a name: a failing run is made smaller by leaving out one after the
 * other. What is left out is still drawn, so that the rest stays as it is.
 */
import type { Plan } from './plan.ts';
import type { World } from './world.ts';

export class Chaos {
  /** Names of all that struck. */
  readonly struck: string[] = [];
  readonly #plan: Plan;
  readonly #world: World;
  readonly #counts = new Map<string, number>();
  #isOver = false;

  constructor(plan: Plan, world: World) {
    this.#plan = plan;
    this.#world = world;
  }

  /** From now on nothing goes wrong. */
  end(): void {
    this.#isOver = true;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether `what` happens now; `drawn` is the chance that was drawn for it. */
  strikes(what: string, drawn: number, probability: number): boolean {
    if (drawn >= probability || this.#isOver) return false;
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    const name = `${what}#${count}`;
    if (this.#plan.without.has(name)) return false;
    this.struck.push(name);
    this.#world.note('chaos', name);
    return true;
  }
}
