/** Works of one name that share a transaction: what each of them asks for is done for all at once. */
import type { Queries } from '../values.ts';
import type { Scope, Together, Work } from './database.ts';

interface PartAsked {
  readonly input: unknown;
  readonly run: (scope: Scope, inputs: readonly unknown[]) => Promise<readonly PromiseSettledResult<unknown>[]>;
  readonly answer: PromiseWithResolvers<unknown>;
}

/**
 * Runs the works side by side in the transaction of `scope`; answers how each ended.
 *
 * @throws what their common part throws; also when one of them fails although its part was done: the transaction is to be
 * rolled back, and the works to be run in smaller sets
 */
export async function runTogether<T>(
  queries: Queries,
  scope: Scope,
  works: readonly Work<T>[],
): Promise<PromiseSettledResult<T>[]> {
  const asked: PartAsked[] = [];
  const done = new Set<PartAsked>();
  let [settled, isBegun]: [number, boolean] = [0, false];
  let failure: { readonly error: unknown } | undefined;
  const flush = (): void => {
    if (isBegun || asked.length === 0 || asked.length + settled < works.length) return;
    isBegun = true;
    answerAll(scope, asked, done).catch((error: unknown) => {
      failure = { error };
      for (const each of asked) each.answer.reject(error);
    });
  };
  const running = works.map(async (work) => {
    let own: PartAsked | undefined;
    const together = ((input, run) => {
      own = { input, run: run as PartAsked['run'], answer: Promise.withResolvers() };
      asked.push(own);
      flush();
      return own.answer.promise;
    }) as Together;
    try {
      return await work(queries, scopeWith(scope, { together }));
    } catch (error) {
      if (own && done.has(own)) failure ??= { error };
      throw error;
    } finally {
      if (!own) settled += 1;
      flush();
    }
  });
  const results = await Promise.allSettled(running);
  if (failure) throw failure.error;
  return results;
}

async function answerAll(scope: Scope, asked: readonly PartAsked[], done: Set<PartAsked>): Promise<void> {
  const inputs = asked.map(({ input }) => input);
  const outcomes = (await asked[0]?.run(scope, inputs)) ?? [];
  if (outcomes.length !== asked.length) throw new Error('A set of works did not give an outcome for each of them.');
  for (const [index, each] of asked.entries()) {
    const outcome = outcomes[index]!;
    if (outcome.status === 'rejected') each.answer.reject(outcome.reason);
    else {
      done.add(each);
      each.answer.resolve(outcome.value);
    }
  }
}

/** The scope for work that consists of several statements: what runs alone elsewhere is a part of it. */
export function inTransaction(scope: Scope): Scope {
  return scopeWith(scope, {});
}

/** The same transaction, with these ways into it and no others; its catalog is read when it is asked for. */
export function scopeWith(scope: Scope, ways: Pick<Scope, 'runAlone' | 'together'>): Scope {
  return {
    get catalog() {
      return scope.catalog;
    },
    run: scope.run,
    ...ways,
  };
}
