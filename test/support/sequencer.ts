/** The order of test files: those that take minutes first, so that none of them runs on alone when all others are through. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The first two systems bear each other's company: neither has a time limit that the other one could make it miss. */
const longest = [
  'test/system/processes/crash-points.test.ts',
  'test/system/http/fuzz/fuzz.test.ts',
  'test/sim/sim.test.ts',
  'test/sim/soak/soak.test.ts',
  'test/system/build/parallel.test.ts',
  'test/sim/model/model.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((path) => moduleId.endsWith(path));
      return place === -1 ? longest.length : place;
    };
    // oxlint-disable-next-line unicorn/no-array-sort -- it is no array's
    return (await super.sort(files)).toSorted(
      (a, b) => a.project.config.sequence.groupOrder - b.project.config.sequence.groupOrder || rank(a) - rank(b),
    );
  }
}
