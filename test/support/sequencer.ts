/** The order of test files: those that take minutes first, so that none of them runs on alone when all others are through. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those of each group that take a minute or more. Those that mostly wait lie among those that compute. */
const longest = [
  'test/system/processes/crash-points.test.ts',
  'test/system/http/fuzz/fuzz.test.ts',
  'test/system/store/clouds/s3-faults.test.ts',
  'test/system/http/many-tables.test.ts',
  'test/contract/store/s3.test.ts',
  'test/system/processes/trouble.test.ts',
  'test/sim/sim.test.ts',
  'test/system/processes/cloud-faults.test.ts',
  'test/sim/soak/soak.test.ts',
  'test/system/build/parallel.test.ts',
  'test/sim/model/model.test.ts',
  'test/system/processes/clouds.test.ts',
  'test/system/console/tables.test.ts',
  'test/system/package/package.test.ts',
  'test/system/console/sql.test.ts',
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
