/** Reading files of users, from the server's side: in a process of its own, within limits. */
import { type Ended, LimitedProcess } from '../async/limited-process.ts';
import type { InferredColumn } from '../db/duckdb/files/infer.ts';
import { AppError } from '../errors.ts';
import type { Runtime } from '../runtime.ts';
import type { EngineName } from '../values.ts';
import type { Judged, Judging, ImportOrder, ImportReply, SentFile } from './messages.ts';
import { moduleUrl, processMark } from './process.ts';

/** Of a file of 200 MB, a million rows. */
const readWithinMs = 120_000;
const startWithinMs = 30_000;
const processBytes = 1024 * 1024 * 1024;

export class FileReader {
  readonly #process: LimitedProcess<ImportOrder, ImportReply>;
  readonly #signal: AbortSignal;

  private constructor(runtime: Runtime, signal: AbortSignal) {
    this.#process = new LimitedProcess({ runtime, moduleUrl, mark: processMark, processBytes });
    this.#signal = signal;
  }

  /** Whoever opens it closes it. @throws AppError `unavailable` */
  static async open(runtime: Runtime, signal: AbortSignal): Promise<FileReader> {
    const reader = new FileReader(runtime, signal);
    const reply = await reader.#process.ask({ kind: 'ready' }, startWithinMs, signal);
    if (reply.kind === 'ready') return reader;
    reader.close();
    throw new AppError('unavailable', 'The process that reads files did not start.', { retryAfterMs: 1000 });
  }

  /** The columns of a table for the file. @throws AppError `invalid` */
  async columns(file: SentFile, engine: EngineName): Promise<readonly InferredColumn[]> {
    const reply = await this.#ask({ kind: 'columns', file, engine });
    if (reply.kind === 'columns') return reply.columns;
    throw this.#failure(reply);
  }

  /** Judges every row, and writes those without a fault to the spool. @throws AppError `invalid` for what is no such file */
  async judge(judging: Judging): Promise<Judged> {
    const reply = await this.#ask({ kind: 'judge', judging });
    if (reply.kind === 'judged') return reply.judged;
    throw this.#failure(reply);
  }

  close(): void {
    this.#process.kill();
  }

  #ask(order: ImportOrder): Promise<ImportReply | Ended> {
    return this.#process.ask(order, readWithinMs, this.#signal);
  }

  #failure(reply: ImportReply | Ended): Error {
    if (reply.kind === 'invalid') {
      const { message, hint, fields } = reply;
      const more = { ...(hint === undefined ? {} : { hint }), ...(fields === undefined ? {} : { fields }) };
      return new AppError('invalid', message, more);
    }
    const hint = 'Split the file, or send it as CSV or JSON lines.';
    if (reply.kind === 'failed') return new Error(`A file could not be read: ${reply.message}`);
    if (this.#signal.aborted) return new AppError('unavailable', 'The import was cancelled.');
    if (reply.kind === 'ended' && reply.why === 'stopped')
      return new AppError('invalid', `Reading the file took longer than ${readWithinMs} ms.`, { hint });
    return new AppError('invalid', 'Reading the file needs too much memory.', { hint });
  }
}
