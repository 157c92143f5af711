import { CommanderError } from 'commander';
import { describeError, errorAsJson } from './failures.ts';
import { createProgram } from './program.ts';
import { exitCodes, NotUnderstood, print, type Terminal } from './terminal.ts';

/** Runs the command `eider`; answers the exit code. Never rejects. */
export async function runCommand(words: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = exitCodes.done;
  const program = createProgram(terminal, (ended) => (code = ended));
  try {
    await program.parseAsync(words.length === 0 ? ['--help'] : [...words], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.notUnderstood;
    if (words.includes('--json')) await print(terminal.stdout, errorAsJson(error));
    else await print(terminal.stderr, describeError(error));
    return error instanceof NotUnderstood ? exitCodes.notUnderstood : exitCodes.failed;
  }
}
