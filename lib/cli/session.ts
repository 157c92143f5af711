/** Statements of the shell, one at a time: what is asked before one, and how its answer is printed. */
import type { Answer, Database } from '../db/database.ts';
import { kindOf } from '../sql/kind.ts';
import type { StatementResult } from '../sql/result.ts';
import { type Statement, statementOf } from '../sql/statement.ts';
import { type RowFormat, rowsAs } from './rows.ts';
import { type Common, counted, print, type Terminal } from './terminal.ts';

export interface ShellOptions extends Common {
  readonly format?: RowFormat;
  readonly yes?: boolean;
}

export class ShellSession {
  readonly database: Database;
  format: RowFormat;
  wasDegraded = false;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal, database: Database, format: RowFormat) {
    this.#terminal = terminal;
    this.database = database;
    this.format = format;
  }

  /** Runs one statement, and prints what it answers. `ask` throws where the answer is no. */
  async run(sql: string, ask: (question: string) => Promise<void>, signal?: AbortSignal): Promise<void> {
    const statement = statementOf(sql);
    const danger = dangerOf(statement);
    if (danger !== null) await ask(danger);
    const startedMs = this.#terminal.runtime.monotonicMs();
    const answer = await this.#ask(statement, signal);
    await this.#print(answer, this.#terminal.runtime.monotonicMs() - startedMs);
  }

  #ask(statement: Statement, signal?: AbortSignal): Promise<Answer<StatementResult>> {
    const options = signal ? { signal } : {};
    const isRead = kindOf(statement) === 'read';
    return isRead
      ? this.database.read((_, scope) => scope.run(statement.sql), options)
      : this.database.write((_, scope) => scope.run(statement.sql), options);
  }

  async #print({ value, version, durability, degraded }: Answer<StatementResult>, ms: number): Promise<void> {
    const { stdout, stderr } = this.#terminal;
    const { command, columns, rowCount } = value;
    const took = `${Math.ceil(ms)} ms`;
    if (degraded !== undefined) {
      this.wasDegraded = true;
      await print(stderr, `${degraded}\n`);
    }
    if (columns.length > 0) await print(stdout, rowsAs(this.format, value));
    else if (this.format === 'json')
      await print(stdout, `${JSON.stringify({ command, rowCount, version, durability })}\n`);
    const count = columns.length > 0 ? counted(rowCount, 'row') : `${command} ${rowCount ?? ''}`;
    const kept = durability === 'pending' ? ', kept until the database is back' : '';
    if (this.format === 'table') await print(stdout, `(${count.trim()}, ${took}${kept})\n`);
  }
}

/** What to ask before a statement that leaves little behind; null for all others. */
function dangerOf({ command, tokens, write }: Statement): string | null {
  const has = (keyword: string): boolean => tokens.some((token) => token.keyword === keyword && token.depth === 0);
  const target = write?.target.parts.join('.') ?? '';
  if (command === 'DROP' || (command === 'ALTER' && has('DROP'))) return 'This drops everything in it, too. Continue?';
  if (command === 'TRUNCATE') return `This deletes every row of ${target}. Continue?`;
  if (command === 'DELETE' && !has('WHERE')) return `Without WHERE this deletes every row of ${target}. Continue?`;
  if (command === 'UPDATE' && !has('WHERE')) return `Without WHERE this changes every row of ${target}. Continue?`;
  return null;
}
