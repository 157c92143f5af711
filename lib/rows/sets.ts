/** What works have in common that many callers ask for at once: an outcome for each, and turns for those that clash. */

export function fulfilled<T>(value: T): PromiseFulfilledResult<T> {
  return { status: 'fulfilled', value };
}

export function rejected(reason: unknown): PromiseRejectedResult {
  return { status: 'rejected', reason };
}

/**
 * Runs the items in sets in which no two have a key in common: those that do come one after the other, as if each had
 * been alone. Answers the outcomes in the order of the items.
 */
export async function inWaves<Item, T>(
  items: readonly Item[],
  keysOf: (item: Item) => readonly string[],
  run: (wave: readonly Item[]) => Promise<readonly PromiseSettledResult<T>[]>,
): Promise<PromiseSettledResult<T>[]> {
  const outcomes: PromiseSettledResult<T>[] = Array.from({ length: items.length });
  const uses = new Map<string, number>();
  const waves: number[][] = [];
  for (const [place, item] of items.entries()) {
    const keys = keysOf(item);
    const turn = Math.max(0, ...keys.map((key) => uses.get(key) ?? 0));
    for (const key of keys) uses.set(key, turn + 1);
    (waves[turn] ??= []).push(place);
  }
  for (const wave of waves) {
    const settled = await run(wave.map((place) => items[place]!));
    for (const [index, place] of wave.entries()) outcomes[place] = settled[index]!;
  }
  return outcomes;
}
