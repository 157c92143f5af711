import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/sequencer.ts';

/**
 * A project for each folder; CONTRIBUTING.md says what goes where. System tests start servers, builds and other processes
 * of their own, so they run two at a time once all others are through: on a small machine more would only take each
 * other's time and then fail by time-outs.
 */
const projects = [
  { name: 'unit', include: ['test/unit/**/*.test.ts'], sequence: { groupOrder: 0 } },
  { name: 'contract', include: ['test/contract/**/*.test.ts'], sequence: { groupOrder: 0 } },
  { name: 'sim', include: ['test/sim/**/*.test.ts'], sequence: { groupOrder: 0 } },
  {
    name: 'system',
    include: ['test/system/**/*.test.ts', 'test/console/**/*.test.ts'],
    maxWorkers: 2,
    sequence: { groupOrder: 1 },
  },
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
    projects: projects.map((test) => ({ extends: true, test })),
  },
});
