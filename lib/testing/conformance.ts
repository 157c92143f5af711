/**
 * The suite of the Store contract. Every driver and every wrapper passes it: `describeStore` with a factory, in a test
 * file of its own. It asks nothing that only a local store can do; what only some can is in `Capabilities`.
 */
import { describe } from 'vitest';
import { describeChanges } from './conformance/changes.ts';
import { describeCreate } from './conformance/create.ts';
import { describeKeys } from './conformance/keys.ts';
import { describeList } from './conformance/list.ts';
import { describeModel } from './conformance/model.ts';
import { describeRaces } from './conformance/races.ts';
import { describeReads } from './conformance/reads.ts';
import { describeSignals } from './conformance/signals.ts';
import { type ConformanceOptions, suiteOf } from './conformance/support.ts';

export type { ConformanceOptions };

export function describeStore(options: ConformanceOptions): void {
  const suite = suiteOf(options);
  describe(`the store contract: ${options.name}`, () => {
    describeCreate(suite);
    describeRaces(suite);
    describeReads(suite);
    describeList(suite);
    describeChanges(suite);
    describeKeys(suite);
    describeSignals(suite);
    describeModel(suite);
  });
}
