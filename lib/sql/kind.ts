import type { Statement } from './statement.ts';

const readingCommands: ReadonlySet<string> = new Set(
  'SELECT FROM VALUES TABLE ( PIVOT UNPIVOT DESCRIBE DESC SUMMARIZE'.split(' '),
);
const definingCommands: ReadonlySet<string> = new Set(['CREATE', 'ALTER', 'DROP', 'COMMENT']);

/** What a statement does, judged by its words. `other`: what changes no row and no definition, such as COPY and SET. */
export type StatementKind = 'read' | 'rows' | 'definition' | 'other';

export function kindOf({ command, write }: Statement): StatementKind {
  if (write) return 'rows';
  if (definingCommands.has(command)) return 'definition';
  return readingCommands.has(command) ? 'read' : 'other';
}
