/** The command `eider` in this process, with streams that are looked into. */
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runCommand } from '../../lib/cli/command.ts';
import { type Runtime, systemRuntime } from '../../lib/runtime.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly log: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly runtime?: Runtime;
}

export async function eider(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  { input = '', runtime = systemRuntime }: RunOptions = {},
): Promise<Ran> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const read = Promise.all([text(stdout), text(stderr)]);
  const code = await runCommand(words, {
    environment,
    stdin: Readable.from([input]),
    stdout,
    stderr,
    runtime,
    version: '1.2.3',
    serve: () => Promise.resolve(0),
  });
  stdout.end();
  stderr.end();
  const [out, log] = await read;
  return { code, out, log };
}
