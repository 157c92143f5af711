import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/support/sequencer.ts';

/** Builds, browsers, fleets and what measures: on a small machine many of them would only make each other miss time-outs. */
const fewAtATime = [
  'test/system/{build,cli,console,docs,fallback,mirror,move,package,server}/**/*.test.ts',
  'test/system/{db/query,http/hostile}/**/*.test.ts',
  'test/system/processes/cloud*.test.ts',
];

const early = { sequence: { groupOrder: 0 } };
// One of three waits, for a server or a network.
const late = { maxWorkers: 3, sequence: { groupOrder: 1 } };

/** One for each folder, whose system tests are two; CONTRIBUTING.md says what goes where. */
const projects = [
  { name: 'unit', include: ['test/unit/**/*.test.ts'], ...early },
  { name: 'contract', include: ['test/contract/**/*.test.ts'], ...early },
  { name: 'system', include: ['test/system/**/*.test.ts'], exclude: fewAtATime, ...early },
  { name: 'system, few at a time', include: fewAtATime, ...late },
  { name: 'sim', include: ['test/sim/**/*.test.ts'], ...late },
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
