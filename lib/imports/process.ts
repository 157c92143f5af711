/** The process in which files of users are read: what they take and break is taken and broken here. */
import { setPriority } from 'node:os';
import { AppError } from '../errors.ts';
import type { ImportOrder, ImportReply } from './messages.ts';

/** Where this file is, or what it became a part of: what the process has to load. */
export const moduleUrl = import.meta.url;

/** The last argument of a process for files. */
export const processMark = 'eider-files';

// By itself, since in a bundle this file has no exports that anybody could name.
if (process.argv.at(-1) === processMark && process.send) serveFiles();

/** Serves orders until the server goes away, or kills it. */
function serveFiles(): void {
  // Requests of tables go first.
  setPriority(10);
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.on('message', (order: ImportOrder | { readonly kind: 'stop' }) => {
    if (order.kind === 'stop') return;
    void carryOut(order)
      .catch(replyToFailure)
      .then((reply) => process.send?.(reply));
  });
}

async function carryOut(order: ImportOrder): Promise<ImportReply> {
  switch (order.kind) {
    case 'ready':
      return { kind: 'ready' };
    case 'columns': {
      const { inferColumns } = await import('../db/duckdb/files/infer.ts');
      return { kind: 'columns', columns: await inferColumns(order.file.path, order.file.format, order.engine) };
    }
    case 'judge': {
      const { judgeFile } = await import('./judge.ts');
      return { kind: 'judged', judged: await judgeFile(order.judging) };
    }
  }
}

function replyToFailure(error: unknown): ImportReply {
  if (error instanceof AppError && error.kind === 'invalid')
    return { kind: 'invalid', message: error.message, hint: error.hint, fields: error.fields };
  return { kind: 'failed', message: String(error instanceof Error ? error.stack : error).slice(0, 2000) };
}
