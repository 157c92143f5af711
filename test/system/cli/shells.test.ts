/** Completion, by the shells themselves. */
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../support/engine.ts';
import { eider } from '../../support/terminal.ts';

const program = fileURLToPath(new URL('../../../scripts/db.ts', import.meta.url));

/** A folder with a file, the script for the shell, and an `eider` on the path. */
async function place(shell: string) {
  const folder = await temporaryFolder();
  writeFileSync(join(folder, 'eider'), `#!/bin/sh\nexec ${process.execPath} ${program} "$@"\n`, { mode: 0o755 });
  writeFileSync(join(folder, 'whole.duckdb'), '');
  writeFileSync(join(folder, 'script'), (await eider(['completion', shell], {})).out);
  return { cwd: folder, env: { PATH: `${folder}:${process.env['PATH']}` }, encoding: 'utf8' } as const;
}

/** In CI a shell that is missing fails. */
const mayBeSkipped = (shell: string): boolean =>
  process.env['CI'] === undefined && spawnSync(shell, ['--version']).error !== undefined;

const ask = (shell: string, words: readonly string[], options: Awaited<ReturnType<typeof place>>): string =>
  execFileSync(shell, words, options);

const cases = [
  [['mo'], ['move']],
  [['move', '--f'], ['--from']],
  [['move', '--from', 's'], ['s3']],
  [
    ['export', 'students', '--format', ''],
    ['csv', 'jsonl', 'parquet'],
  ],
  [['completion', 'z'], ['zsh']],
  [['dump', '--file', 'who'], []],
] as const;

it('bash', async () => {
  const options = await place('bash');
  for (const [words, found] of cases) {
    const line = `COMP_WORDS=(eider ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}`;
    const text = `source ./script; ${line}; _eider; echo "\${COMPREPLY[*]}"; complete -p eider`;
    const [said, registered] = ask('bash', ['--norc', '-c', text], options).split('\n');
    expect([words, said?.split(' ').filter(Boolean)]).toEqual([words, found]);
    // Files, where there is nothing to say.
    expect(registered).toBe('complete -o default -F _eider eider');
  }
});

it.skipIf(mayBeSkipped('fish'))('fish', async () => {
  const options = await place('fish');
  for (const [words, found] of cases) {
    const text = `source ./script; complete -C 'eider ${words.join(' ')}'`;
    const said = ask('fish', ['--no-config', '-c', text], options).split('\n').filter(Boolean);
    const expected = words.at(-1) === 'who' ? ['whole.duckdb'] : found;
    expect([words, said.map((line) => line.split('\t')[0])]).toEqual([words, expected]);
  }
});

it.skipIf(mayBeSkipped('zsh'))('zsh', async () => {
  const options = await place('zsh');
  for (const [words, found] of cases) {
    const given = ['eider', ...words].map((word) => `'${word}'`).join(' ');
    const stubs = 'compdef() { : }; compadd() { print -l -- $found }; _files() { print -- files }';
    const text = `${stubs}; source ./script; words=(${given}); CURRENT=${words.length + 1}; _eider`;
    const said = ask('zsh', ['-f', '-c', text], options).split('\n').filter(Boolean);
    expect([words, said]).toEqual([words, found.length === 0 ? ['files'] : found]);
  }
});
