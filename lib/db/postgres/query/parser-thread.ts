/** The thread in which PostgreSQL's own parser runs: what breaks it, or takes it too long, breaks and takes this thread. */
import { parentPort, workerData } from 'node:worker_threads';
import type { RelationName } from '../../../catalog/catalog.ts';
import { AppError } from '../../../errors.ts';
import { checkTree, definitionNodes, type May, type UsedNames } from './grammar.ts';

/** Where this file is, or what it became a part of: what the thread has to load. */
export const moduleUrl = import.meta.url;

/** What a thread for the parser is given. */
export const threadMark = 'eider-parser';

export interface ParseOrder {
  readonly sql: string;
  /** Whether it is to be one SELECT. */
  readonly isQuery: boolean;
  /** The one function of the user's that may be called. */
  readonly calls?: RelationName | undefined;
}

/** A statement that may run, if the database agrees to the names: trees stay here, which are a hundred times their text. */
export interface ParsedStatement {
  readonly may: May;
  readonly names: UsedNames;
  /** Without what may follow it. */
  readonly text: string;
}

export type ParseReply =
  | { readonly kind: 'parsed'; readonly parsed: ParsedStatement }
  | { readonly kind: 'refused'; readonly message: string; readonly hint?: string; readonly sqlState?: string }
  /** The parser threw what is no verdict of its own: it may never work again. */
  | { readonly kind: 'broken'; readonly message: string };

// By itself, since in a bundle this file has no exports that anybody could name.
if (workerData === threadMark && parentPort) serveOrders(parentPort);

function serveOrders(port: NonNullable<typeof parentPort>): void {
  port.on('message', (order: ParseOrder) => {
    void parseOne(order)
      .then((parsed): ParseReply => ({ kind: 'parsed', parsed }), replyToFailure)
      .then((reply) => port.postMessage(reply));
  });
}

async function parseOne({ sql, isQuery, calls }: ParseOrder): Promise<ParsedStatement> {
  const { parse } = await import('libpg-query');
  // The parser takes nothing for a mistake of its caller.
  const [only, ...others] = sql.trim() === '' ? [] : ((await parse(sql)).stmts ?? []);
  if (!only?.stmt || others.length > 0) throw wrong('A query is one statement.');
  const { stmt, stmt_location: start = 0, stmt_len: length = 0 } = only;
  if (isQuery && !('SelectStmt' in stmt)) throw wrong('A query is one SELECT; this is something else.');
  const defines = Object.keys(stmt).some((kind) => definitionNodes.has(kind));
  const may = isQuery ? 'read' : defines ? 'define' : 'write';
  const text = Buffer.from(sql).subarray(start, length === 0 ? undefined : start + length);
  return { may, names: checkTree(stmt, may, calls), text: text.toString() };
}

function wrong(message: string): AppError {
  return new AppError('invalid', message, { sqlState: '42601' });
}

async function replyToFailure(error: unknown): Promise<ParseReply> {
  const { hasSqlDetails } = await import('libpg-query');
  const known = hasSqlDetails(error)
    ? wrong(`PostgreSQL does not understand the query: ${error.message.slice(0, 500)}.`)
    : error;
  if (!(known instanceof AppError)) return { kind: 'broken', message: String(error).slice(0, 500) };
  const { message, hint, sqlState } = known;
  return { kind: 'refused', message, ...(hint === undefined ? {} : { hint }), ...(sqlState ? { sqlState } : {}) };
}
