/** Runs statements one after the other; what each answered stays until the next run, or while it is pinned. */
import { refreshDefinitions, refreshRows } from '../../api/fresh.ts';
import { type Answered, runSql, runTransaction, type SqlResult } from '../../api/sql.ts';
import { createStore } from '../../store.ts';
import { formatDuration, plural } from '../../ui/format.ts';
import { type PlanNode, readPlan } from './plan.ts';
import { kindOfText, type Piece, readStatement } from './statements.ts';
import { addHistory } from './storage.ts';

export type OutcomeState =
  | { readonly kind: 'running' }
  | { readonly kind: 'done'; readonly answer: Answered<SqlResult>; readonly plan?: PlanNode }
  | { readonly kind: 'failed'; readonly error: unknown; readonly durationMs: number }
  | { readonly kind: 'stopped'; readonly durationMs: number };

export interface Outcome {
  readonly id: number;
  readonly tabId: string;
  readonly piece: Piece;
  readonly startedMs: number;
  readonly state: OutcomeState;
  readonly isPinned: boolean;
  /** What is said of it beside its rows. */
  readonly note?: string;
}

/** Of all tabs: they outlive the page, not the window. */
export const outcomes = createStore<readonly Outcome[]>([]);
/** What runs, by tab. */
export const running = createStore<ReadonlyMap<string, AbortController>>(new Map());

export type Way = 'run' | 'plan' | 'analyze';

export interface RunOptions {
  readonly way?: Way;
  /** What is sent where that is another text than what is shown. */
  readonly sent?: string;
  readonly note?: string;
}

let lastId = 0;

/** Stops at the first that fails. BEGIN … COMMIT around them makes one transaction of them. */
export async function runPieces(tabId: string, pieces: readonly Piece[], options: RunOptions = {}): Promise<void> {
  if (running.get().has(tabId) || pieces.length === 0) return;
  const ended = new AbortController();
  running.set(new Map(running.get()).set(tabId, ended));
  outcomes.set(outcomes.get().filter((outcome) => outcome.isPinned || outcome.tabId !== tabId));
  try {
    const inner = transactionIn(pieces);
    if (inner) await runTogether(tabId, inner, ended.signal);
    else await runEach(tabId, pieces, options, ended.signal);
  } finally {
    const left = new Map(running.get());
    left.delete(tabId);
    running.set(left);
  }
}

/** The server then stops what runs, and changes nothing. */
export function stop(tabId: string): void {
  running.get().get(tabId)?.abort();
}

/** With the tab goes what it answered. */
export function forget(tabId: string): void {
  stop(tabId);
  outcomes.set(outcomes.get().filter((outcome) => outcome.tabId !== tabId));
}

export function pin(id: number, isPinned: boolean): void {
  outcomes.set(outcomes.get().map((outcome) => (outcome.id === id ? { ...outcome, isPinned } : outcome)));
}

export function discard(id: number): void {
  outcomes.set(outcomes.get().filter((outcome) => outcome.id !== id));
}

async function runEach(
  tabId: string,
  pieces: readonly Piece[],
  options: RunOptions,
  signal: AbortSignal,
): Promise<void> {
  for (const [index, piece] of pieces.entries()) {
    const state = await runOne(tabId, piece, options, signal);
    if (state.kind === 'done') continue;
    const left = pieces.length - index - 1;
    if (left > 0) note(lastId, `${plural(left, 'statement')} after it did not run.`);
    return;
  }
}

const prefixes: Readonly<Record<Way, string>> = {
  run: '',
  plan: 'EXPLAIN (FORMAT json) ',
  analyze: 'EXPLAIN (ANALYZE, FORMAT json) ',
};

async function runOne(
  tabId: string,
  piece: Piece,
  { way = 'run', sent = piece.text, note: said }: RunOptions,
  signal: AbortSignal,
): Promise<OutcomeState> {
  const { id, startedMs } = begin(tabId, piece, said);
  const state = await runSql({ query: `${prefixes[way]}${sent}` }, { signal }).then(
    (answer): OutcomeState => ({
      kind: 'done',
      answer,
      ...(way === 'run' ? {} : { plan: readPlan(answer.value.rows) }),
    }),
    (error: unknown) => failed(error, startedMs, signal),
  );
  settle(id, state);
  remember(piece.text, state);
  if (state.kind === 'done' && way === 'run') await refreshAfter([piece]);
  return state;
}

async function runTogether(tabId: string, pieces: readonly Piece[], signal: AbortSignal): Promise<void> {
  const begun = pieces.map((piece) => begin(tabId, piece, 'Part of one transaction.'));
  const [{ startedMs } = { startedMs: 0 }] = begun;
  try {
    const { value, ...rest } = await runTransaction(
      pieces.map(({ text }) => ({ query: text })),
      { signal },
    );
    for (const [index, result] of value.entries()) {
      settle(begun[index]?.id ?? 0, { kind: 'done', answer: { ...rest, value: result } });
    }
    remember(textOf(pieces), { kind: 'done', answer: { ...rest, value: value.at(-1) ?? emptyResult } });
    await refreshAfter(pieces);
  } catch (error) {
    const state = failed(error, startedMs, signal);
    for (const { id } of begun.slice(1)) discard(id);
    settle(begun[0]?.id ?? 0, state);
    note(begun[0]?.id ?? 0, 'None of the transaction was kept.');
    remember(textOf(pieces), state);
  }
}

const emptyResult: SqlResult = { command: 'COMMIT', rowCount: null, fields: [], rows: [] };

function textOf(pieces: readonly Piece[]): string {
  return ['BEGIN', ...pieces.map(({ text }) => text), 'COMMIT'].join(';\n');
}

function transactionIn(pieces: readonly Piece[]): readonly Piece[] | null {
  const command = (piece: Piece | undefined): string => (piece && readStatement(piece.text)?.command) ?? '';
  const isOne = /^(?:BEGIN|START)$/.test(command(pieces[0])) && /^(?:COMMIT|END)$/.test(command(pieces.at(-1)));
  return isOne && pieces.length > 2 ? pieces.slice(1, -1) : null;
}

function begin(tabId: string, piece: Piece, said: string | undefined): Outcome {
  const outcome: Outcome = {
    id: ++lastId,
    tabId,
    piece,
    startedMs: performance.now(),
    state: { kind: 'running' },
    isPinned: false,
    ...(said === undefined ? {} : { note: said }),
  };
  outcomes.set([...outcomes.get(), outcome]);
  return outcome;
}

function settle(id: number, state: OutcomeState): void {
  outcomes.set(outcomes.get().map((outcome) => (outcome.id === id ? { ...outcome, state } : outcome)));
}

function note(id: number, said: string): void {
  outcomes.set(outcomes.get().map((outcome) => (outcome.id === id ? { ...outcome, note: said } : outcome)));
}

function failed(error: unknown, startedMs: number, signal: AbortSignal): OutcomeState {
  const durationMs = performance.now() - startedMs;
  return signal.aborted ? { kind: 'stopped', durationMs } : { kind: 'failed', error, durationMs };
}

async function refreshAfter(pieces: readonly Piece[]): Promise<void> {
  const kinds = new Set(pieces.map(({ text }) => kindOfText(text)));
  if (kinds.has('definition')) await refreshDefinitions();
  else if (kinds.has('rows')) await refreshRows();
}

function remember(text: string, state: OutcomeState): void {
  const entry = { text, at: new Date().toISOString(), outcome: wordsOf(state), isFailed: state.kind === 'failed' };
  void addHistory(entry).catch(() => undefined);
}

/** @example '12 rows · 8 ms' */
export function wordsOf(state: OutcomeState): string {
  switch (state.kind) {
    case 'running':
      return 'running';
    case 'stopped':
      return `stopped after ${formatDuration(state.durationMs)}`;
    case 'failed':
      return `failed after ${formatDuration(state.durationMs)}`;
    case 'done':
      return [changeOf(state.answer), formatDuration(state.answer.durationMs)].join(' · ');
  }
}

function changeOf({ value: { command, rowCount }, version, isPending }: Answered<SqlResult>): string {
  if (command === 'EXPLAIN') return 'plan';
  if (command === 'SELECT') return plural(rowCount ?? 0, 'row');
  const verb = changes[command];
  const rows = rowCount === null ? command : `${plural(rowCount, 'row')} ${verb ?? command.toLowerCase()}`;
  const kept = isPending ? 'pending until the database is back' : version === null ? null : `version ${version}`;
  return kept === null ? rows : `${rows}, ${kept}`;
}

const changes: Readonly<Record<string, string>> = {
  INSERT: 'inserted',
  UPDATE: 'updated',
  DELETE: 'deleted',
  TRUNCATE: 'deleted',
  MERGE: 'merged',
};
