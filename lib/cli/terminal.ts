import { createInterface } from 'node:readline/promises';
import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../config/variables.ts';
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';

/** What a command is given of the process that it runs in. */
export interface Terminal {
  readonly environment: Environment;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Takes what was asked for, and nothing else. */
  readonly stdout: Writable & { readonly isTTY?: boolean };
  /** Takes progress, notes and errors. */
  readonly stderr: Writable & { readonly isTTY?: boolean };
  readonly runtime: Runtime;
  /** Of this program. */
  readonly version: string;
  /** Serves until a signal ends it; answers the exit code. */
  readonly serve: (options: ServeWords) => Promise<number>;
}

export interface ServeWords extends Common {
  readonly host?: string;
  readonly port?: string;
}

/** The command itself makes no sense, independent of the database. */
export class NotUnderstood extends AppError {
  constructor(message: string, hint?: string) {
    super('invalid', message, hint === undefined ? {} : { hint });
  }
}

/** Every command takes it. */
export interface Common {
  readonly json?: boolean;
}

/** `attention`: it was done or answered, and there is something to see to. */
export const exitCodes = { done: 0, failed: 1, notUnderstood: 2, attention: 3 } as const;

/** Writes, and waits for as long as the reader takes. */
export function print(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

/** Both a person's words and a program's: one JSON document with `--json`. */
export function report({ stdout }: Terminal, { json }: Common, value: unknown, words: string): Promise<void> {
  return print(stdout, json === true ? `${JSON.stringify(value)}\n` : words);
}

/**
 * Asks at the terminal. Without a terminal, or with `yes`, the answer is yes.
 *
 * @throws AppError `invalid` when it is no
 */
export async function confirm(terminal: Terminal, question: string, yes: boolean | undefined): Promise<void> {
  if (yes === true || terminal.stdin.isTTY !== true || terminal.stderr.isTTY !== true) return;
  const lines = createInterface({ input: terminal.stdin, output: terminal.stderr });
  try {
    if (isYes(await lines.question(`${question} (y/N) `))) return;
  } finally {
    lines.close();
  }
  throw new AppError('invalid', 'Nothing was changed.', { hint: '--yes answers the question beforehand.' });
}

export const isYes = (answer: string): boolean => /^y(?:es)?$/i.test(answer.trim());

/** @example counted(1, 'row') // '1 row' */
export const counted = (count: number | null, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
