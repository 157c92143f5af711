import type { MoveEvent, MoveStep } from '../db/move/report.ts';
import type { Runtime } from '../runtime.ts';

export interface ProgressOptions {
  readonly runtime: Runtime;
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
}

const verbs: Readonly<Record<MoveStep, string>> = {
  read: 'reading the source',
  copy: 'copying',
  verify: 'comparing the copy',
  commit: 'committing',
  compare: 'looking at the target',
};

export class ProgressLines {
  readonly #options: ProgressOptions;
  #subject = '';
  #shownMs = 0;
  #isOpen = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  show(event: MoveEvent): void {
    const { runtime, isTerminal } = this.#options;
    const subject = `${event.step} ${event.table}`;
    const isDone = event.totalRows > 0 && event.rows >= event.totalRows;
    const sinceMs = runtime.monotonicMs() - this.#shownMs;
    if (subject === this.#subject && !isDone && sinceMs < (isTerminal ? 100 : 5000)) return;
    if (subject !== this.#subject) this.end();
    this.#subject = subject;
    this.#shownMs = runtime.monotonicMs();
    this.#write(describe(event));
  }

  /** Ends the line that is still being overwritten. */
  end(): void {
    if (this.#isOpen) this.#options.write('\n');
    this.#isOpen = false;
  }

  #write(line: string): void {
    const { isTerminal, write } = this.#options;
    write(isTerminal ? `\r\u001B[K${line}` : `${line}\n`);
    this.#isOpen = isTerminal;
  }
}

function describe({ step, table, rows, totalRows, resumed }: MoveEvent): string {
  if (table === null) return verbs[step];
  const share = totalRows === 0 ? '' : ` (${Math.min(100, Math.floor((rows / totalRows) * 100))} %)`;
  return `${verbs[step]}: ${table}, ${rows} rows${share}${resumed ? ', going on where it was cut off' : ''}`;
}
