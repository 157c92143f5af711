/** Many at once: one winner, and no reader who sees half of anything. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { allKeys, bytesOf, summary, inParallel, streamOf, type Suite, textOf } from './support.ts';

const racers = 40;

/**
 * Runs `work` again and again beside the test, until it is stopped or the test ends; `stop` throws its failure, if any.
 */
function repeatedly(work: () => Promise<void>): { readonly stop: () => Promise<void> } {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await work();
      // A store in memory never waits: without this, nothing else would ever have its turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  running.catch(() => undefined);
  const stop = (): Promise<void> => {
    stopping.abort();
    return running;
  };
  onTestFinished(() => stop().catch(() => undefined));
  return { stop };
}

export function describeRaces({ use, raceRounds, capabilities }: Suite): void {
  describe('races', () => {
    test(`of ${racers} parallel creates of one key one wins, ${raceRounds} times`, { timeout: 240_000 }, async () => {
      const { store, reopen } = await use();
      const clients = capabilities.shared ? [store, await reopen()] : [store];
      for (let round = 0; round < raceRounds; round++) {
        const key = `race/${round}`;
        const seen = new Set<string>();
        const outcomes = await Promise.all(
          Array.from({ length: racers }, async (_, racer) => {
            const client = clients[racer % clients.length]!;
            const bytes = textOf(`${round}/${racer}/`.padEnd(10 + racer * 7, 'x'));
            const outcome = await client.create(key, racer % 4 === 3 ? streamOf(bytes, { chunkBytes: 13 }) : bytes);
            // Whoever was answered, winner or not, sees the winner's object from then on.
            seen.add(new TextDecoder().decode((await client.get(key)) ?? textOf('nothing')));
            return outcome;
          }),
        );
        expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
        expect(outcomes.filter((outcome) => outcome === 'exists')).toHaveLength(racers - 1);
        const winner = outcomes.indexOf('created');
        expect([...seen]).toEqual([`${round}/${winner}/`.padEnd(10 + winner * 7, 'x')]);
      }
    });

    test('parallel creates in one new folder all succeed', async () => {
      const { store } = await use();
      const keys = Array.from({ length: racers }, (_, index) => `new/deep/folder/${index}`);
      await Promise.all(keys.map(async (key) => expect(await store.create(key, textOf(key))).toBe('created')));
      for (const key of keys) expect(await store.get(key)).toEqual(textOf(key));
      expect(await allKeys(store, 'new/')).toEqual(keys.toSorted());
    });

    test('a reader sees an object that is being created whole or not at all', async () => {
      const { store } = await use();
      const bytes = bytesOf(700_001);
      const seen = new Set<string>();
      const look = async (): Promise<void> => {
        seen.add(summary(await store.get('key')));
        const infos = [await store.head('key'), (await store.list('key')).objects[0]];
        for (const info of infos) seen.add(info ? `size ${info.size}` : 'absent');
      };
      const reading = repeatedly(look);
      for (let round = 0; round < 5; round++) {
        await Promise.all([
          store.create('key', streamOf(bytes, { chunkBytes: 100_000 })),
          store.create('key', streamOf(bytes, { chunkBytes: 7919 })),
        ]);
        await store.delete(['key']);
      }
      await reading.stop();
      await store.create('key', bytes);
      await look();
      expect(seen).toEqual(new Set(['absent', summary(bytes), `size ${bytes.byteLength}`]));
    });

    test('a reader sees the object before a copy or after it, whole', async () => {
      const { store } = await use();
      const versions = [bytesOf(300_000, 1), bytesOf(100_000, 2)];
      await store.create('v0', versions[0]!);
      await store.create('v1', versions[1]!);
      await store.copy('v0', 'published');
      const seen = new Set<string>();
      const reading = repeatedly(async () => void seen.add(summary(await store.get('published'))));
      for (let round = 0; round < 10; round++) await store.copy(`v${(round + 1) % 2}`, 'published');
      await reading.stop();
      expect(versions.map(summary)).toEqual(expect.arrayContaining([...seen]));
      expect(seen.size).toBeGreaterThan(0);
    });

    test('deletes and creates at once leave each key absent or whole', async () => {
      const { store } = await use();
      const keys = Array.from({ length: 8 }, (_, index) => `d/${index}`);
      const turns = Array.from({ length: 80 }, (_, turn) => turn);
      await inParallel(turns, 16, async (turn) => {
        const key = keys[turn % keys.length]!;
        await (turn % 3 === 0 ? store.delete([key]) : store.create(key, bytesOf(1000)));
      });
      for (const key of keys) {
        expect(['absent', summary(bytesOf(1000))]).toContain(summary(await store.get(key)));
      }
      await store.delete(keys);
      expect(await allKeys(store, '')).toEqual([]);
    });
  });
}
