import { stripVTControlCharacters } from 'node:util';
import type { Database } from '../db/database.ts';
import type { MoveEvent, MoveStep } from '../db/move/report.ts';
import type { Terminal } from './terminal.ts';

/** What is under way, and how much of it is done. */
export interface ProgressStep {
  readonly text: string;
  /** From 0 to 1; absent: unknown. */
  readonly share?: number;
  /** How long it has taken. */
  readonly seconds?: number;
}

const everyMs = { onTerminal: 100, inLog: 5000 };
const barWidth = 24;

/** One line of a terminal that is written over; elsewhere a line now and then. */
export class ProgressBar {
  readonly #terminal: Terminal;
  #text = '';
  #share: number | undefined;
  #shownMs = -Infinity;
  #isOpen = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show({ text, share, seconds }: ProgressStep): void {
    const { stderr, runtime } = this.#terminal;
    const isTerminal = stderr.isTTY === true;
    const sinceMs = runtime.monotonicMs() - this.#shownMs;
    const isDone = share === 1 && this.#share !== 1;
    if (text === this.#text && !isDone && sinceMs < (isTerminal ? everyMs.onTerminal : everyMs.inLog)) return;
    if (text !== this.#text) this.end();
    this.#text = text;
    this.#share = share;
    this.#shownMs = runtime.monotonicMs();
    const done = share === undefined ? '' : ` ${isTerminal ? bar(share) : ''}${percent(share)}`;
    const line = `${text}${done}${seconds === undefined || seconds < 1 ? '' : `, ${seconds} s`}`;
    stderr.write(isTerminal ? `\r\u001B[K${stripVTControlCharacters(line)}` : `${line}\n`);
    this.#isOpen = isTerminal;
  }

  /** Ends the line that is still being written over. */
  end(): void {
    if (this.#isOpen) this.#terminal.stderr.write('\n');
    this.#isOpen = false;
  }

  /** Shows `text`, and what the store is sent meanwhile, until the work ends. */
  async during<T>(
    text: string,
    work: Promise<T>,
    transfers: () => Promise<TransferredBytes> = noTransfers,
  ): Promise<T> {
    const ended = new AbortController();
    const shown = this.#follow(text, transfers, ended.signal);
    try {
      return await work;
    } finally {
      ended.abort();
      await shown;
      this.end();
    }
  }

  async #follow(text: string, transfers: () => Promise<TransferredBytes>, signal: AbortSignal): Promise<void> {
    const { stderr, runtime } = this.#terminal;
    const pauseMs = stderr.isTTY === true ? 2 * everyMs.onTerminal : everyMs.inLog;
    const startedMs = runtime.monotonicMs();
    // What is done at once leaves no trace.
    while (await runtime.sleep(pauseMs, signal).then(isTrue, isFalse)) {
      const [transfer] = await transfers().catch(() => []);
      const seconds = Math.floor((runtime.monotonicMs() - startedMs) / 1000);
      this.show(transfer ? stepOf(transfer) : { text, seconds });
    }
  }
}

const isTrue = (): boolean => true;
const isFalse = (): boolean => false;

type TransferredBytes = Awaited<ReturnType<Database['status']>>['transfers'];
const noTransfers = (): Promise<TransferredBytes> => Promise.resolve([]);

function stepOf({ direction, bytes, totalBytes }: TransferredBytes[number]): ProgressStep {
  const text = `${direction === 'upload' ? 'uploading' : 'downloading'} ${megabytes(totalBytes)}`;
  return { text, share: totalBytes === 0 ? 1 : bytes / totalBytes };
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, share) * barWidth);
  return `${'█'.repeat(full)}${'░'.repeat(barWidth - full)} `;
}

const percent = (share: number): string => `${Math.min(100, Math.floor(share * 100))} %`;

/** @example megabytes(1_234_567) // '1.2 MB' */
export function megabytes(bytes: number): string {
  return bytes < 1_000_000 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}

const verbs: Readonly<Record<MoveStep, string>> = {
  read: 'reading the source',
  copy: 'copying',
  verify: 'comparing the copy',
  commit: 'committing',
  compare: 'looking at the target',
};

export function stepOfMove({ step, table, rows, totalRows, resumed }: MoveEvent): ProgressStep {
  if (table === null) return { text: verbs[step] };
  const text = `${verbs[step]}: ${table}${resumed === true ? ', going on where the last move was cut off' : ''}`;
  return totalRows === 0 ? { text } : { text, share: Math.min(1, rows / totalRows) };
}
