/** `eider shell`: statements from the command line, from standard input, or typed at a terminal. */
import { text } from 'node:stream/consumers';
import type { Answer, Database } from '../db/database.ts';
import { kindOf } from '../sql/kind.ts';
import type { StatementResult } from '../sql/result.ts';
import { type Statement, statementOf } from '../sql/statement.ts';
import { tokensOf } from '../sql/tokens.ts';
import { withDatabase } from './api.ts';
import { type RowFormat, rowsAs } from './rows.ts';
import { type Common, confirm, counted, exitCodes, print, type Terminal } from './terminal.ts';

export interface ShellOptions extends Common {
  readonly format?: RowFormat;
  readonly yes?: boolean;
}

export function shell(terminal: Terminal, sql: string | undefined, options: ShellOptions): Promise<number> {
  return withDatabase(terminal, async (database) => {
    const format = options.json === true ? 'json' : (options.format ?? 'table');
    const session = new ShellSession(terminal, database, format);
    if (sql === undefined && terminal.stdin.isTTY === true) {
      const { interact } = await import('./interactive.ts');
      await interact(session, terminal, options);
    } else {
      for (const statement of statementsOf(sql ?? (await text(terminal.stdin))))
        await session.run(statement, (question) => confirm(terminal, question, options.yes));
    }
    await database.maintain();
    return session.wasDegraded ? exitCodes.attention : exitCodes.done;
  });
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

/**
 * @example statementsOf("SELECT ';'; SELECT 2") // ["SELECT ';'", 'SELECT 2']
 * @throws AppError `invalid`
 */
export function statementsOf(sql: string): string[] {
  const ends = semicolons(sql) ?? [];
  const parts = [...ends, sql.length].map((end, index) => sql.slice(index === 0 ? 0 : ends[index - 1]! + 1, end));
  return parts.filter((part) => semicolons(part) === null || tokensOf(part).length > 0);
}

/** Whether nothing is missing of the last statement: all brackets and quotes are closed, and a semicolon follows. */
export function isWhole(sql: string): boolean {
  const last = semicolons(sql)?.at(-1);
  return last !== undefined && tokensOf(sql.slice(last + 1)).length === 0;
}

/** Where statements end; null when something in the text has no end. */
function semicolons(sql: string): number[] | null {
  try {
    return tokensOf(sql)
      .filter(({ kind, text: written, depth }) => kind === 'symbol' && written === ';' && depth === 0)
      .map(({ start }) => start);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
