/** PostgreSQL's own parser, from the server's side: one warm thread, which a statement that breaks it takes along. */
import { Worker } from 'node:worker_threads';
import { Semaphore } from '../../../async/semaphore.ts';
import { AppError } from '../../../errors.ts';
import type { Runtime } from '../../../runtime.ts';
import { requireShallow, tooDeep } from '../../../sql/nesting.ts';
import { readTokens } from '../../../sql/statement.ts';
import { moduleUrl, type ParsedStatement, type ParseOrder, type ParseReply, threadMark } from './parser-thread.ts';

/** A text of 100 kB takes some 300 ms. */
const withinMs = 10_000;
const heapMegabytes = 256;
/** What the parser took for one of this length, it does not give back. */
const longText = 250_000;

const turns = new Semaphore({ permits: 1 });
let thread: Worker | null = null;

/**
 * Parses one statement, and judges its tree: what is not allowed is refused, and which names it uses is for the database to judge.
 *
 * @throws AppError `invalid`
 * @example (await parseStatement({ sql: 'SELECT id FROM books', isQuery: true }, runtime)).names.tables // Set { 'books' }
 */
export async function parseStatement(order: ParseOrder, runtime: Pick<Runtime, 'sleep'>): Promise<ParsedStatement> {
  requireShallow(readTokens(order.sql), 500);
  return parseInThread(order, runtime);
}

/** Also of what is too deep for the parser. @throws AppError `invalid` */
export async function parseInThread(order: ParseOrder, runtime: Pick<Runtime, 'sleep'>): Promise<ParsedStatement> {
  const reply = await turns.use(() => ask(order, runtime));
  if (reply.kind === 'parsed') return reply.parsed;
  if (reply.kind === 'broken')
    throw tooDeep('It is too large for the parser.', new Error(`The parser: ${reply.message}`));
  const { message, ...more } = reply;
  throw new AppError('invalid', message, more);
}

async function ask(order: ParseOrder, runtime: Pick<Runtime, 'sleep'>): Promise<ParseReply> {
  const worker = (thread ??= startThread());
  const over = new AbortController();
  const { promise, resolve } = Promise.withResolvers<ParseReply>();
  const end = (why: unknown): void => resolve({ kind: 'broken', message: String(why) });
  // Between orders it keeps nobody from ending.
  worker.once('message', resolve).once('error', end).once('exit', end).ref();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  worker.postMessage(order);
  void runtime.sleep(withinMs, over.signal).then(
    () => end('it took too long'),
    () => undefined,
  );
  const reply = await promise;
  over.abort();
  worker.off('message', resolve).off('error', end).off('exit', end).unref();
  if (reply.kind === 'broken' || order.sql.length > longText) discard(worker);
  return reply;
}

function startThread(): Worker {
  const worker = new Worker(new URL(moduleUrl), {
    workerData: threadMark,
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
  });
  // It may end between orders, too.
  return worker.on('error', () => undefined).once('exit', () => forget(worker));
}

function forget(worker: Worker): void {
  if (thread === worker) thread = null;
}

function discard(worker: Worker): void {
  forget(worker);
  void worker.terminate();
}
