import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/sequencer.ts';

/**
 * Two projects: `unit`, whose files run beside each other, and `system`, whose files start servers, builds and other
 * processes of their own, and run two at a time once the units are through: on a small machine more would only take each
 * other's time and then fail by time-outs.
 */
const system = [
  'test/build/**/*.test.ts',
  'test/soak/**/*.test.ts',
  'test/model/**/*.test.ts',
  'test/system/**/*.test.ts',
  'test/**/*.system.test.ts',
  'test/processes/clouds.test.ts',
  'test/processes/cloud-faults.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    allowOnly: process.env['CI'] === undefined,
    restoreMocks: true,
    unstubEnvs: true,
    // Processes that tests start load the sources' compiled form: a third of the time.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('node_modules/.cache/tests', import.meta.url)) },
    pool: 'forks',
    // Most of them wait for servers and clocks: as many as cores would leave these idle.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: system, sequence: { groupOrder: 0 } },
      },
      {
        extends: true,
        test: { name: 'system', include: system, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
