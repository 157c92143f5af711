import type { Runtime } from '../runtime.ts';

/** How works are run: one by itself, or several as one. */
export interface GatheringRuns<Member, T> {
  alone(member: Member): Promise<T>;
  /**
   * An outcome for each, in their order. What it throws says that nothing of any of them was done: each then runs alone.
   */
  together(members: readonly Member[], signal: AbortSignal): Promise<readonly PromiseSettledResult<T>[]>;
}

interface GatheredWork<Member, T> {
  readonly member: Member;
  readonly answer: PromiseWithResolvers<T>;
}

/** Works that run as one. */
const mostTogether = 256;

/**
 * Works of one name that arrive while one of them runs: they run together after it. One that comes when none runs does not
 * wait.
 *
 * @example const rows = await gathering.join('row books', { key, signal })
 */
export class Gathering<Member extends { readonly signal?: AbortSignal | undefined }, T> {
  readonly #runtime: Pick<Runtime, 'sleep'>;
  readonly #runs: GatheringRuns<Member, T>;
  /** Those that wait, by name; the key is there while one of the name runs. */
  readonly #waiting = new Map<string, GatheredWork<Member, T>[]>();

  constructor(runtime: Pick<Runtime, 'sleep'>, runs: GatheringRuns<Member, T>) {
    this.#runtime = runtime;
    this.#runs = runs;
  }

  join(name: string, member: Member): Promise<T> {
    const answer = Promise.withResolvers<T>();
    const waiting = this.#waiting.get(name);
    if (waiting) waiting.push({ member, answer });
    else void this.#drain(name, [{ member, answer }]);
    return answer.promise;
  }

  async #drain(name: string, waiting: GatheredWork<Member, T>[]): Promise<void> {
    this.#waiting.set(name, waiting);
    for (let last = 1; waiting.length > 0;) {
      // Those that were answered together are about to ask again.
      if (last > 1 && waiting.length < last) await this.#runtime.sleep(0);
      const works = waiting.splice(0, mostTogether);
      last = works.length;
      await this.#run(works);
    }
    this.#waiting.delete(name);
  }

  /** Answers all; never rejects. */
  async #run(works: readonly GatheredWork<Member, T>[]): Promise<void> {
    const wanted = works.filter(({ member, answer }) => {
      if (member.signal?.aborted === true) answer.reject(member.signal.reason);
      return member.signal?.aborted !== true;
    });
    const [first, ...others] = wanted;
    if (!first) return undefined;
    if (others.length === 0) return this.#runAlone(first);
    const members = wanted.map(({ member }) => member);
    const { signal, release } = whenAllAbort(members.map((member) => member.signal));
    try {
      const outcomes = await this.#runs.together(members, signal);
      for (const [index, { answer }] of wanted.entries()) settle(answer, outcomes[index]!);
    } catch {
      // One of them may be wrong, or all: each is told by itself.
      await Promise.all(wanted.map((work) => this.#runAlone(work)));
    } finally {
      release();
    }
  }

  async #runAlone({ member, answer }: GatheredWork<Member, T>): Promise<void> {
    await this.#runs.alone(member).then(answer.resolve, answer.reject);
  }
}

function settle<T>(answer: PromiseWithResolvers<T>, outcome: PromiseSettledResult<T>): void {
  if (outcome.status === 'fulfilled') answer.resolve(outcome.value);
  else answer.reject(outcome.reason);
}

/** Aborted when nobody is left who wants the result. */
function whenAllAbort(signals: readonly (AbortSignal | undefined)[]): { signal: AbortSignal; release: () => void } {
  const all = new AbortController();
  let left = signals.length;
  const leave = ({ target }: Event): void => {
    left -= 1;
    if (left === 0) all.abort((target as AbortSignal).reason);
  };
  for (const signal of signals) signal?.addEventListener('abort', leave, { once: true });
  const release = (): void => signals.forEach((signal) => signal?.removeEventListener('abort', leave));
  return { signal: all.signal, release };
}
