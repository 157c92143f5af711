/** The simulation, in processes of their own (it patches what it runs in): seeds, reproduction, shrinking, mutations. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { mutations } from './mutations.ts';
import { profileNames } from './plan.ts';
import { edited } from './scratch.ts';

const program = join(import.meta.dirname, 'run.ts');

/** What the program printed. An ending with an error is thrown, with the end of what it printed. */
async function simulate(...parameters: string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...parameters], { maxBuffer: 2 ** 28 });
    return stdout;
  } catch (cause) {
    const { stdout, stderr } = cause as { stdout?: string; stderr?: string };
    throw new Error(`${(stdout ?? String(cause)).slice(-20_000)}\n${stderr ?? ''}`, { cause });
  }
}

describe('the simulation', () => {
  it('holds every invariant on some seeds of each kind', { timeout: 600_000 }, async () => {
    const text = await simulate('--seeds', String(2 * profileNames.length), '--workers', '2', '--no-shrink');
    expect(text.match(/^8 runs, 0 failed/gm)).toHaveLength(2);
  });

  // Once, on a busy machine, two runs differed in whether the database file was published again. The cause is not known.
  it('is the same for the same seed, to the last byte', { timeout: 120_000, retry: 2 }, async () => {
    // One with crashes, sleep, faults and wrong clocks.
    const [once, again] = await Promise.all([simulate('--seed', '6'), simulate('--seed', '6')]);
    expect(once).toMatch(/All invariants held/);
    expect(again).toBe(once);
  });

  // All of them: npm run sim -- --mutations.
  it('finds engines with a known fault', { timeout: 600_000 }, async () => {
    const hunts = await Promise.all([
      simulate('--mutations', '--only', '^takes an unknown outcome for success$'),
      simulate('--mutations', '--only', '^checks no references at the end of a request$'),
    ]);
    for (const text of hunts) expect(text).toMatch(/^\| .* \| \d+ \|$/m);
    expect(hunts.join()).not.toMatch(/got away/);
  });
});

describe('mutations', () => {
  it.each(mutations)('$name: fits the source', ({ edits }) => {
    expect(() => edited(edits)).not.toThrow();
  });

  it('that no longer fit are refused', () => {
    const stale = { file: 'sync/log.ts', from: 'text that was there once', to: '' };
    expect(() => edited([stale])).toThrow(/out of date/);
  });
});
