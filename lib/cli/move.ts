import type { BackendName } from '../config/backends.ts';
import type { MoveReport } from '../db/move/report.ts';
import { moveDatabase } from '../db/move/move.ts';
import { openSourceAndTarget } from './source-and-target.ts';
import { ProgressBar, stepOfMove } from './progress.ts';
import { type Common, confirm, counted, exitCodes, report, type Terminal } from './terminal.ts';

export interface MoveWords extends Common {
  readonly from: BackendName;
  readonly to: BackendName;
  readonly replace?: boolean;
  readonly yes?: boolean;
}

export async function move(terminal: Terminal, options: MoveWords): Promise<number> {
  const { environment, runtime } = terminal;
  const { from, to, replace = false, yes } = options;
  const { source, target, workFolder } = await openSourceAndTarget(from, to, environment, runtime);
  const progress = new ProgressBar(terminal);
  try {
    const what = replace ? `, in place of whatever it holds` : '';
    await confirm(
      terminal,
      `Copy everything from ${source.backend.location} to ${target.backend.location}${what}?`,
      yes,
    );
    const onEvent: Parameters<typeof moveDatabase>[0]['onEvent'] = (event) => progress.show(stepOfMove(event));
    const backends = { source: source.backend, target: target.backend };
    const done = await moveDatabase({ ...backends, replace, workFolder, runtime, onEvent });
    progress.end();
    await report(terminal, options, done, describeMove(options, done));
    return done.sourceMovedOn ? exitCodes.attention : exitCodes.done;
  } finally {
    progress.end();
    await Promise.all([source.close(), target.close()]);
  }
}

function describeMove({ from, to }: MoveWords, done: MoveReport): string {
  const tables = Object.entries(done.tables).map(
    ([name, { rows, checksum }]) => `  ${name}: ${counted(rows, 'row')}, checksum ${checksum.slice(0, 16)}`,
  );
  const outcome =
    done.outcome === 'moved'
      ? `Moved from ${from} to ${to}; every table was compared:`
      : `${to} has the rows of ${from} already; every table was compared:`;
  const behind = done.leftBehind.length === 0 ? [] : ['Not moved:', ...done.leftBehind.map((each) => `  ${each}`)];
  const movedOn = done.sourceMovedOn
    ? [
        `The source was written after version ${done.sourceVersion}; the target has that version.`,
        'Stop all writers of the source, then repeat this command.',
      ]
    : [];
  return `${[outcome, ...tables, ...behind, ...movedOn].join('\n')}\n`;
}
