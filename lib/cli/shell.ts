/** `eider shell`: statements from the command line, from standard input, or typed at a terminal. */
import { text } from 'node:stream/consumers';
import { withDatabase } from './api.ts';
import { ShellSession, type ShellOptions } from './session.ts';
import { statementsOf } from './statements.ts';
import { confirm, exitCodes, type Terminal } from './terminal.ts';

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
