/** Spin goes through every state of the model of the protocol; see docs/model.md. Debian's `spin` and `gcc` are needed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

const model = new URL('log.pml', import.meta.url).pathname;
/** https://spinroot.com */
const spin = 'spin';
const isMissing = spawnSync(spin, ['-V']).error !== undefined;
/** Without kills, lost answers and looks that fail; `MODEL=full vitest run test/model` goes through those, too. */
const calm = ['VERSIONS=2', 'ATTEMPTS=3', 'CALM'];
const sizes = process.env['MODEL'] === 'full' ? [calm, ['VERSIONS=2', 'ATTEMPTS=2']] : [calm];
const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function run(folder: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** What Spin says of the model with these definitions, having visited all of its states or found what is wrong. */
function verify(...definitions: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'eider-model-'));
  folders.push(folder);
  run(folder, spin, [...definitions.map((definition) => `-D${definition}`), '-a', model]);
  run(folder, 'gcc', ['-w', '-O1', '-DSAFETY', '-DCOLLAPSE', '-DMEMLIM=3000', '-o', 'pan', 'pan.c']);
  return run(folder, './pan', ['-m1000000', '-w25']);
}

/** Loud where CI runs; elsewhere who has no Spin sees that these were left out. */
describe.skipIf(isMissing && process.env['CI'] === undefined)('the protocol', () => {
  const everyState = expect.stringMatching(/errors: 0\n(?![^]*Search not completed)/);

  test.each(sizes)('holds in every state of %s, %s', { timeout: 900_000 }, (...definitions) => {
    const said = verify(...definitions);
    expect(said).toEqual(everyState);
    expect(said).not.toContain('max search depth too small');
  });

  test.each([
    ['a record that exists is taken for a rival', 'NO_READ_BACK', /!=id/, []],
    ['nobody looks after a long pause', 'NEVER_LOOK', /began|history\[version\[me\]\]/, ['CALM']],
    ['a snapshot counts as soon as it is there', 'AT_ONCE', /began|history\[version\[me\]\]/, ['CALM']],
    ['one snapshot is enough to drop a record', 'ONE_SNAPSHOT', /record\[n\]==history\[n\]/, ['CALM']],
  ] as const)('breaks when %s', { timeout: 300_000 }, (_, variant, assertion, others) => {
    const said = verify('VERSIONS=2', 'ATTEMPTS=3', variant, ...others);
    expect(said).toMatch(/errors: 1\n/);
    expect(/assertion violated (.*)/.exec(said)?.[1]).toMatch(assertion);
  });
});
