/** One process with the database open, under the command of a test. Its options are its one argument, as JSON. */
import { openSync, writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { inspect } from 'node:util';
import { createApp } from '../../../lib/app.ts';
import { backendFactories, openStore } from '../../../lib/backends.ts';
import { readConfig } from '../../../lib/config/config.ts';
import { isAppError } from '../../../lib/errors.ts';
import type { Database } from '../../../lib/db/database.ts';
import { openDuckDbDatabase } from '../../../lib/db/duckdb/duckdb-database.ts';
import { type Runtime, systemRuntime } from '../../../lib/runtime.ts';
import { type OperationName, withCounting } from '../../../lib/testing/counting.ts';
import { createDirectoryStore } from '../../../lib/store/directory.ts';
import { withRetry } from '../../../lib/store/retry.ts';
import type { Store } from '../../../lib/store/store.ts';
import {
  accountIds,
  hashState,
  ledgerMigrations,
  openingBalance,
  type Operation,
  operationsOf,
  Overdrawn,
  perform,
  readLedger,
} from './ledger.ts';
import { seededRandom } from '../runtime.ts';
import type {
  CallMessage,
  CallName,
  Calls,
  JournalLine,
  Place,
  Refusal,
  ReplyMessage,
  RunOptions,
  RunReport,
  Seen,
  Trap,
  WorkerOptions,
  WriteOutcome,
} from './protocol.ts';

const options = JSON.parse(process.argv[2] ?? '') as WorkerOptions;
const journalFd = openSync(options.journal, 'a');
/** An end without a word (its parent died) must not leave this process behind. */
process.once('disconnect', () => process.exit(1));

function note(line: JournalLine): void {
  writeSync(journalFd, `${JSON.stringify(line)}\n`);
}

let trap: (Trap & { left: number }) | null = null;

function setTrap(next: Trap): void {
  trap = { ...next, left: next.passing };
}

/** Passing a place: in the same turn of the event loop the process is gone, or stands still. */
function pass(at: Place): void {
  if (options.trace) note({ t: 'pass', at });
  if (trap?.at !== at || (trap.left -= 1) > 0) return;
  const { action, next } = trap;
  trap = null;
  if (next) setTrap(next);
  if (action === 'kill') process.kill(process.pid, 'SIGKILL');
  note({ t: 'frozen', at });
  process.kill(process.pid, 'SIGSTOP');
}

/** Lets every operation of the store pass two places. */
function withPlaces(store: Store): Store {
  const around = async <T>(name: OperationName, work: () => Promise<T>): Promise<T> => {
    pass(`before:${name}`);
    const value = await work();
    pass(`after:${name}`);
    return value;
  };
  return {
    location: store.location,
    create: (...all) => around('create', () => store.create(...all)),
    get: (...all) => around('get', () => store.get(...all)),
    head: (...all) => around('head', () => store.head(...all)),
    list: (...all) => around('list', () => store.list(...all)),
    copy: (...all) => around('copy', () => store.copy(...all)),
    delete: (...all) => around('delete', () => store.delete(...all)),
  };
}

let offsetMs = 0;
const runtime: Runtime = {
  ...systemRuntime,
  now: () => systemRuntime.now() + offsetMs,
  monotonicMs: () => systemRuntime.monotonicMs() + offsetMs,
};
const bare = options.environment
  ? (await openStore(readConfig(options.environment), runtime)).store
  : createDirectoryStore({ root: options.root, create: true, runtime });
const store = withCounting(
  withRetry(withPlaces(bare), {
    runtime,
    ...(options.retryDeadlineMs === undefined ? {} : { deadlineMs: options.retryDeadlineMs }),
  }),
);

function openDatabase(): Promise<Database> {
  return options.through === 'app' ? openThroughApp() : openThroughEngine();
}

function openThroughEngine(): Promise<Database> {
  const { name, slotRoot, settings } = options;
  return openDuckDbDatabase({
    store,
    name,
    slotRoot,
    runtime,
    migrations: ledgerMigrations,
    maxStalenessMs: 0,
    onStep: pass,
    ...(settings ? { settings } : {}),
  });
}

async function openThroughApp(): Promise<Database> {
  const place = options.environment ?? { NETWORK_DB_PATH: `${options.root}/${options.name}` };
  const environment = { ...place, DB_MAX_STALENESS_MS: '0', TMPDIR: options.slotRoot };
  const app = createApp({
    migrations: ledgerMigrations,
    runtime,
    environment: () => environment,
    factories: backendFactories,
    signals: process,
  });
  return (await app.open()).database;
}

if (options.trap) setTrap(options.trap);
const opening = openDatabase();

async function attempt(operation: Operation): Promise<WriteOutcome> {
  const database = await opening;
  note({ t: 'try', operation });
  try {
    const { version } = await database.write((queries) => perform(queries, operation));
    note({ t: 'ack', id: operation.id, version });
    return { ok: true, version };
  } catch (error) {
    const refusal = { kind: refusalOf(error), message: inspect(error) };
    note({ t: 'refused', id: operation.id, ...refusal });
    return { ok: false, ...refusal };
  }
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Overdrawn) return 'overdrawn';
  return isAppError(error) ? error.kind : 'defect';
}

/** Reads everything in one transaction. */
async function see(maxStalenessMs: number): Promise<Seen> {
  const database = await opening;
  const { value, version } = await database.read(
    async (queries) => {
      const seen = await readLedger(queries);
      pass('inside-read');
      return { ledger: seen, hash: await hashState(queries) };
    },
    { maxStalenessMs },
  );
  return { version, ...value };
}

/** After an acknowledged write: a fresh read sees it, and no transfer halfway. */
async function checkRead(operation: Operation, version: number): Promise<void> {
  const database = await opening;
  const seen = await database.read(async (queries) => {
    const [post] = await queries.selectFrom('posts').select('id').where('id', '=', operation.id).execute();
    const balances = await queries.selectFrom('accounts').select('value').execute();
    return { post: Boolean(post), sum: balances.reduce((sum, row) => sum + Number(row['value']), 0) };
  });
  if (seen.version < version) violation(`A read after version ${version} saw version ${seen.version}.`);
  if (operation.kind === 'post' && !seen.value.post) violation(`A read after ${operation.id} did not see it.`);
  if (seen.value.sum !== accountIds.length * openingBalance) violation(`A read saw the sum ${seen.value.sum}.`);
}

function violation(message: string): void {
  note({ t: 'violation', message });
}

let stopped = false;

async function runClients({ clients, seed, operations, maintain }: RunOptions): Promise<RunReport> {
  // Before the first wait: the call `stop` may come in the same turn of the event loop.
  stopped = false;
  const database = await opening;
  const started = performance.now();
  const times: number[] = [];
  let refused = 0;
  const client = async (number: number): Promise<void> => {
    const random = seededRandom(seed * 1000 + number);
    let left = operations ?? Infinity;
    const wanted = operationsOf(`${seed}.${number}`, random);
    for (let wasAcknowledged = false; ;) {
      const { value: operation } = wanted.next(wasAcknowledged);
      if (stopped || left-- <= 0) return;
      const began = performance.now();
      const outcome = await attempt(operation);
      wasAcknowledged = outcome.ok;
      if (outcome.ok) times.push(performance.now() - began);
      else refused++;
      // A database that is closed refuses at once: leave a turn to what closes it.
      if (!outcome.ok && outcome.kind === 'unavailable') await runtime.sleep(1);
      if (outcome.ok && random() < 0.2) await checkRead(operation, outcome.version);
      if (maintain) await database.maintain();
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)));
  const sorted = times.toSorted((a, b) => a - b);
  return {
    acknowledged: times.length,
    refused,
    ms: performance.now() - started,
    medianMs: sorted[sorted.length >> 1] ?? Infinity,
    slowestMs: sorted.at(-1) ?? Infinity,
  };
}

type Answers = { [Name in CallName]: (...all: Parameters<Calls[Name]>) => Promise<ReturnType<Calls[Name]>> };

const answers: Answers = {
  write: attempt,
  read: (maxStalenessMs = 0) => see(maxStalenessMs),
  run: runClients,
  stop: async () => void (stopped = true),
  sync: async () => (await opening).sync(),
  warnings: async () => (await (await opening).status()).warnings,
  trap: async (next) => setTrap(next),
  advance: async (ms) => void (offsetMs += ms),
  operations: async () => store.counts().operations,
  close: async () => (await opening).close(),
};

function reply(message: ReplyMessage): void {
  process.send?.(message);
}

process.on('message', (message: CallMessage) => {
  const run = answers[message.name] as (...all: readonly unknown[]) => Promise<unknown>;
  run(...message.arguments).then(
    (value) => reply({ id: message.id, value }),
    (error: unknown) => reply({ id: message.id, error: inspect(error) }),
  );
});

async function announce(): Promise<void> {
  const began = performance.now();
  try {
    await opening;
    note({ t: 'opened', ms: performance.now() - began });
    reply({ opened: true });
  } catch (error) {
    reply({ opened: false, error: inspect(error) });
  }
  // Whoever is killed would write nothing down, and the next compile it all again: half of what a start costs.
  flushCompileCache();
}

await announce();
