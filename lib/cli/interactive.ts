/** The interactive shell: lines with history and completion, Ctrl-C for a statement that takes too long. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline/promises';
import { type Catalog, findRelation } from '../catalog/catalog.ts';
import { AppError } from '../errors.ts';
import { complete, describeRelation, listRelations } from './completions.ts';
import { describeError } from './failures.ts';
import { type RowFormat, rowFormats } from './rows.ts';
import type { ShellOptions, ShellSession } from './session.ts';
import { isWhole, statementsOf } from './statements.ts';
import { isYes, print, type Terminal } from './terminal.ts';

const historySize = 1000;
const help = `A statement ends with a semicolon, and may have several lines. Ctrl-C stops it, Ctrl-D leaves.

  .tables               tables and views
  .schema <table>       columns of a table
  .format <${rowFormats.join('|')}>
  .help                 this text
  .quit                 leave
`;

export async function interact(session: ShellSession, terminal: Terminal, options: ShellOptions): Promise<void> {
  const prompt = new Prompt(session, terminal, options);
  await prompt.run();
}

class Prompt {
  readonly #session: ShellSession;
  readonly #terminal: Terminal;
  readonly #options: ShellOptions;
  readonly #historyFile: string | null;
  #lines!: Interface;
  #history: string[] = [];
  #catalog!: Catalog;
  /** What was typed of a statement that is not whole yet. */
  #typed: string[] = [];
  #running: AbortController | null = null;

  constructor(session: ShellSession, terminal: Terminal, options: ShellOptions) {
    this.#session = session;
    this.#terminal = terminal;
    this.#options = options;
    const home = terminal.environment['HOME'];
    this.#historyFile = home === undefined ? null : join(home, '.eider_history');
  }

  async run(): Promise<void> {
    const { stdin, stdout, version } = this.#terminal;
    this.#catalog = await this.#session.database.catalog();
    this.#history = await this.#readHistory();
    await print(stdout, `Eider ${version}, ${this.#session.database.engine}. Type ".help" for help.\n`);
    this.#lines = createInterface({
      input: stdin,
      output: stdout,
      terminal: true,
      history: this.#history,
      historySize,
      removeHistoryDuplicates: true,
      completer: (line: string) => complete(line, [...this.#typed, line].join('\n'), this.#catalog),
    });
    this.#lines.on('history', (history: string[]) => (this.#history = history)).on('SIGINT', () => this.#interrupt());
    this.#prompt();
    for await (const line of this.#lines) {
      await this.#take(line);
      if (line.trim() === '.quit') break;
      this.#prompt();
    }
    this.#lines.close();
    await this.#writeHistory();
  }

  #prompt(): void {
    this.#lines.setPrompt(this.#typed.length === 0 ? 'eider> ' : '  ...> ');
    this.#lines.prompt();
  }

  /** Stops what runs; else forgets what was typed. */
  #interrupt(): void {
    if (this.#running) return this.#running.abort();
    this.#typed = [];
    this.#lines.write(null, { ctrl: true, name: 'e' });
    this.#lines.write(null, { ctrl: true, name: 'u' });
    this.#terminal.stdout.write('\n');
    this.#prompt();
  }

  async #take(line: string): Promise<void> {
    if (this.#typed.length === 0 && line.trimStart().startsWith('.')) return this.#obey(line.trim());
    if (this.#typed.length === 0 && line.trim() === '') return;
    this.#typed.push(line);
    const sql = this.#typed.join('\n');
    if (!isWhole(sql)) return;
    this.#remember(this.#typed);
    this.#typed = [];
    await this.#attempt(async () => {
      for (const statement of statementsOf(sql)) await this.#run(statement);
    });
  }

  async #run(statement: string): Promise<void> {
    const running = new AbortController();
    this.#running = running;
    try {
      await this.#session.run(statement, (question) => this.#ask(question), running.signal);
      this.#catalog = await this.#session.database.catalog();
      void this.#session.database.maintain();
    } catch (error) {
      throw running.signal.aborted ? new AppError('invalid', 'Stopped.') : error;
    } finally {
      this.#running = null;
    }
  }

  async #ask(question: string): Promise<void> {
    if (this.#options.yes === true) return;
    const answer = await this.#lines.question(`${question} (y/N) `, { signal: this.#running!.signal });
    this.#history.shift();
    if (!isYes(answer)) throw new AppError('invalid', 'Nothing was changed.');
  }

  async #obey(line: string): Promise<void> {
    const [name = '', argument = ''] = line.split(/\s+/);
    await this.#attempt(async () => {
      const answer = this.#answer(name, argument);
      await print(this.#terminal.stdout, answer);
    });
  }

  #answer(name: string, argument: string): string {
    switch (name) {
      case '.tables':
        return listRelations(this.#catalog);
      case '.schema': {
        const relation = findRelation(this.#catalog, argument);
        if (relation) return describeRelation(relation);
        throw new AppError('not-found', `There is no table "${argument}".`);
      }
      case '.format':
        this.#session.format = formatNamed(argument);
        return '';
      case '.quit':
        return '';
      case '.help':
        return help;
      default:
        throw new AppError('invalid', `"${name}" is not a command; ".help" lists them.`);
    }
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await print(this.#terminal.stderr, describeError(error));
    }
  }

  /** A statement of several lines is one entry, unless a comment would swallow what follows it. */
  #remember(lines: readonly string[]): void {
    if (lines.length < 2 || lines.some((line) => line.includes('--'))) return;
    this.#history.splice(0, lines.length, lines.join(' '));
  }

  async #readHistory(): Promise<string[]> {
    if (this.#historyFile === null) return [];
    const kept = await readFile(this.#historyFile, 'utf8').catch(() => '');
    return kept.split('\n').filter((line) => line !== '');
  }

  /** A history that cannot be kept is no reason to fail. */
  async #writeHistory(): Promise<void> {
    if (this.#historyFile === null) return;
    const kept = this.#history.slice(0, historySize).join('\n');
    await writeFile(this.#historyFile, kept, { mode: 0o600 }).catch(() => undefined);
  }
}

function formatNamed(name: string): RowFormat {
  const format = rowFormats.find((each) => each === name);
  if (format) return format;
  throw new AppError('invalid', `"${name}" is not a format; there are ${rowFormats.join(', ')}.`);
}
