/** Reads of one name that arrive while one of them runs: they run together after it. */
import type { Runtime } from '../runtime.ts';
import type { StateWork } from './overlay.ts';
import type { Session } from './sql.ts';
import type { Definitions } from './definitions.ts';

/** Of a read that may be run together with others of the same name. */
export interface ReadSetMember {
  readonly name: string;
  readonly member: unknown;
  /** Runs all members at once: an outcome for each, in their order. What it throws says nothing of any of them. */
  readonly run: (
    session: Session,
    definitions: Definitions,
    members: readonly unknown[],
  ) => Promise<readonly PromiseSettledResult<unknown>[]>;
}

/** What was read, and the version of the state in which it was. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

/** What one read wants by itself. */
interface OwnRead<T> {
  readonly work: StateWork<T>;
  readonly least: number;
  readonly signal: AbortSignal | undefined;
}

interface WaitingRead {
  readonly set: ReadSetMember;
  readonly own: OwnRead<unknown>;
  readonly answer: PromiseWithResolvers<Versioned<unknown>>;
}

type ReadState = <T>(work: StateWork<T>, least: number, signal: AbortSignal | undefined) => Promise<Versioned<T>>;

/** Reads of one set. */
const mostTogether = 256;

export class ReadSets {
  readonly #runtime: Runtime;
  readonly #read: ReadState;
  /** Those that wait, by name; the key is there while one of the name runs. */
  readonly #waiting = new Map<string, WaitingRead[]>();

  constructor(runtime: Runtime, read: ReadState) {
    this.#runtime = runtime;
    this.#read = read;
  }

  join<T>(set: ReadSetMember, own: OwnRead<T>): Promise<Versioned<T>> {
    const answer = Promise.withResolvers<Versioned<unknown>>();
    const read: WaitingRead = { set, own, answer };
    const waiting = this.#waiting.get(set.name);
    if (waiting) waiting.push(read);
    else void this.#drain(set.name, [read]);
    return answer.promise as Promise<Versioned<T>>;
  }

  async #drain(name: string, waiting: WaitingRead[]): Promise<void> {
    this.#waiting.set(name, waiting);
    for (let last = 1; waiting.length > 0;) {
      // Those that were answered together are about to ask again.
      if (last > 1 && waiting.length < last) await this.#runtime.sleep(0);
      const reads = waiting.splice(0, mostTogether);
      last = reads.length;
      await this.#runSet(reads);
    }
    this.#waiting.delete(name);
  }

  /** Answers all; never rejects. */
  async #runSet(reads: readonly WaitingRead[]): Promise<void> {
    const present = reads.filter(({ own, answer }) => {
      if (own.signal?.aborted === true) answer.reject(own.signal.reason);
      return own.signal?.aborted !== true;
    });
    const [first, ...others] = present;
    if (!first) return undefined;
    if (others.length === 0) return this.#runAlone(first);
    const least = Math.max(...present.map(({ own }) => own.least));
    const members = present.map(({ set }) => set.member);
    const { signal, release } = whenAllAbort(present.map(({ own }) => own.signal));
    try {
      const { value, version } = await this.#read(
        (session, _version, definitions) => first.set.run(session, definitions, members),
        least,
        signal,
      );
      for (const [index, { answer }] of present.entries()) settle(answer, value[index]!, version);
    } catch {
      // One of them may be wrong, or all: each is told by itself.
      await Promise.all(present.map((read) => this.#runAlone(read)));
    } finally {
      release();
    }
  }

  async #runAlone({ own: { work, least, signal }, answer }: WaitingRead): Promise<void> {
    await this.#read(work, least, signal).then(answer.resolve, answer.reject);
  }
}

function settle(
  answer: PromiseWithResolvers<Versioned<unknown>>,
  outcome: PromiseSettledResult<unknown>,
  version: number,
): void {
  if (outcome.status === 'fulfilled') answer.resolve({ value: outcome.value, version });
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
