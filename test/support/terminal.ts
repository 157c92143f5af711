/** The command `eider` in this process, with streams that are looked into. */
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'vitest';
import { runCommand } from '../../lib/cli/command.ts';
import { systemRuntime as runtime } from '../../lib/runtime.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly log: string;
}

type Variables = Readonly<Record<string, string>>;

const version = '1.2.3';
const serve = () => Promise.resolve(0);

/** Runs it to its end, where nobody sits at the terminal. */
export async function eider(words: readonly string[], environment: Variables, input = ''): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const read = Promise.all([text(stdout), text(stderr)]);
  const stdin = Readable.from([Buffer.from(input)]);
  const code = await runCommand(words, { environment, stdin, stdout, stderr, runtime, version, serve });
  stdout.end();
  stderr.end();
  const [out, log] = await read;
  return { code, out, log };
}

/** Somebody sits at the terminal. */
export function sitAt(words: readonly string[], environment: Variables) {
  const stream = () => Object.assign(new PassThrough(), { isTTY: true });
  const [stdin, stdout, stderr] = [stream(), stream(), stream()];
  let shown = '';
  for (const each of [stdout, stderr]) each.setEncoding('utf8').on('data', (data: string) => (shown += data));
  const code = runCommand(words, { environment, stdin, stdout, stderr, runtime, version, serve });
  return {
    code,
    shown: () => shown,
    /** Types what is given, key by key, as soon as `prompt` is shown. */
    type: async (prompt: string, ...keys: readonly string[]): Promise<void> => {
      await expect.poll(() => shown, { timeout: 20_000 }).toContain(prompt);
      shown = '';
      for (const key of keys) {
        stdin.write(key);
        // A chunk with more in it counts as pasted.
        await runtime.sleep(20);
      }
    },
  };
}
