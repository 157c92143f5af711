/**
 * Worker processes of tests: started, called, stopped and killed; and none outlives its test, however that ends. Each is
 * known by the handle that started it: no other process is ever signalled.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { openStore } from '../../lib/backends.ts';
import { readConfig } from '../../lib/config/config.ts';
import type { Database } from '../../lib/db/database.ts';
import { type DuckDbDatabaseOptions, openDuckDbDatabase } from '../../lib/db/duckdb/duckdb-database.ts';
import { systemRuntime } from '../../lib/runtime.ts';
import { createDirectoryStore } from '../../lib/store/directory.ts';
import type { Store } from '../../lib/store/store.ts';
import { ledgerMigrations } from './processes/ledger.ts';
import type { Launcher } from './drive.ts';
import type {
  CallMessage,
  CallName,
  Calls,
  JournalLine,
  Place,
  ReplyMessage,
  WorkerOptions,
} from './processes/protocol.ts';

const program = fileURLToPath(new URL('./processes/worker.ts', import.meta.url));
const databaseName = 'test.db';

const running = new Set<ChildProcess>();

/** SIGKILL ends a process that is stopped, too. */
function killRunning(): void {
  for (const child of running) child.kill('SIGKILL');
}
process.on('exit', killRunning);

/** A folder of its own for one database: its store, slots and journals. Removed, and its processes killed, at the end. */
export interface Site {
  readonly folder: string;
  readonly root: string;
  readonly name: string;
  /** A new folder for slots, as on another machine. */
  newSlotRoot(): string;
  /** Where the slots of this machine are. */
  readonly slotRoot: string;
  /** Starts a worker, by a launcher if one is given; resolves when it has opened the database, or has ended. */
  start(options?: Partial<WorkerOptions>, launcher?: Launcher): Promise<Worker>;
  /** Opens the same database in this process; it is closed, if the test has not done so, when the site is removed. */
  open(options?: Partial<DuckDbDatabaseOptions>): Promise<Database>;
  /** The store as it is, for looking into it. */
  readonly store: Store;
  /** What all workers of this site tried and were told, by worker. */
  journals(): JournalLine[][];
  /** Kills this site's processes and removes its folder. */
  remove(): Promise<void>;
}

export interface SiteOptions {
  /** Names the store as the environment of a function does. Default: a folder of the site. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What the worker processes get besides, such as how they are to be redirected. */
  readonly imports?: readonly string[];
  readonly processEnvironment?: Readonly<Record<string, string>>;
}

/** A site that goes when the test ends. */
export async function testSite(options: SiteOptions = {}): Promise<Site> {
  const site = await makeSite(options);
  onTestFinished(() => site.remove());
  return site;
}

/** A site whose owner removes it. */
export async function makeSite({
  environment,
  imports = [],
  processEnvironment = {},
}: SiteOptions = {}): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), 'eider-processes-'));
  const workers: Worker[] = [];
  const databases: Database[] = [];
  const opened = environment ? await openStore(readConfig(environment), systemRuntime) : null;
  const store =
    opened?.store ?? createDirectoryStore({ root: join(folder, 'store'), create: true, runtime: systemRuntime });
  let slotRoots = 0;
  const site: Site = {
    folder,
    root: join(folder, 'store'),
    name: opened?.name ?? databaseName,
    slotRoot: join(folder, 'slots'),
    newSlotRoot: () => join(folder, `slots-${(slotRoots += 1)}`),
    async start(options = {}, launcher) {
      const all: WorkerOptions = {
        root: site.root,
        name: site.name,
        slotRoot: site.slotRoot,
        journal: join(folder, `journal-${workers.length}`),
        ...(environment ? { environment } : {}),
        ...options,
      };
      const worker = new Worker(all, { launcher, imports, environment: processEnvironment });
      workers.push(worker);
      await worker.opened;
      return worker;
    },
    store,
    async open(options = {}) {
      const database = await openDuckDbDatabase({
        store,
        name: site.name,
        slotRoot: site.slotRoot,
        runtime: systemRuntime,
        migrations: ledgerMigrations,
        maxStalenessMs: 0,
        ...options,
      });
      databases.push(database);
      return database;
    },
    journals: () => workers.map((worker) => worker.journal()),
    async remove() {
      await Promise.all(workers.map((worker) => worker.kill()));
      await Promise.all(databases.map((database) => database.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
  return site;
}

interface WorkerProcess {
  readonly launcher: Launcher | undefined;
  /** Modules that it loads first. */
  readonly imports: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** How a process ended: by a signal, or with a code. */
export type End = NodeJS.Signals | number;

export class Worker {
  /** Resolves when the worker has opened the database or has ended; rejects when opening failed. */
  readonly opened: Promise<void>;
  readonly ended: Promise<End>;
  readonly #child: ChildProcess;
  readonly #journal: string;
  readonly #calls = new Map<number, { resolve: (value: never) => void; reject: (reason: unknown) => void }>();
  #errors = '';
  #end: End | null = null;
  #lastCall = 0;

  constructor(options: WorkerOptions, { launcher, imports, environment }: WorkerProcess) {
    this.#journal = options.journal;
    this.#child = fork(program, [JSON.stringify(options)], {
      execPath: launcher?.path ?? process.execPath,
      execArgv: [
        ...(launcher ? [...launcher.arguments, process.execPath] : []),
        ...imports.map((file) => `--import=${file}`),
      ],
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const child = this.#child;
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (this.#errors += String(text)));
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        running.delete(child);
        this.#end = signal ?? code ?? 0;
        const gone = new Error(`The worker ended (${this.#end}). ${this.#errors}`);
        for (const call of this.#calls.values()) call.reject(gone);
        this.#calls.clear();
        resolve(this.#end);
      });
    });
    this.opened = new Promise((resolve, reject) => {
      void this.ended.then(() => resolve());
      child.on('message', (message: ReplyMessage) => {
        if (!('opened' in message)) this.#settle(message);
        else if (message.opened) resolve();
        else reject(new Error(`The worker could not open the database: ${message.error}`));
      });
    });
  }

  /** How it ended; null while it lives. */
  get end(): End | null {
    return this.#end;
  }

  /** Rejects when the call fails, or the worker ends before it answers. */
  call<Name extends CallName>(name: Name, ...all: Parameters<Calls[Name]>): Promise<ReturnType<Calls[Name]>> {
    if (this.#end !== null) return Promise.reject(new Error(`The worker has ended (${this.#end}). ${this.#errors}`));
    const id = (this.#lastCall += 1);
    return new Promise((resolve, reject) => {
      this.#calls.set(id, { resolve, reject });
      const message: CallMessage = { id, name, arguments: all };
      this.#child.send(message, (error) => error && reject(error));
    });
  }

  #settle(message: Exclude<ReplyMessage, { opened: boolean }>): void {
    const call = this.#calls.get(message.id);
    this.#calls.delete(message.id);
    if ('error' in message) call?.reject(new Error(message.error));
    else call?.resolve(message.value as never);
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#end === null) this.#child.kill(signal);
  }

  /** Kills it with SIGKILL and waits until it is gone. */
  async kill(): Promise<End> {
    this.signal('SIGKILL');
    return this.ended;
  }

  /** Stops it with SIGSTOP; resolves when it stands still. */
  async stop(): Promise<void> {
    this.signal('SIGSTOP');
    await waitFor(() => this.#isStopped(), 'the process to stand still');
  }

  /** Waits until a trap has frozen it. */
  async frozen(at: Place): Promise<void> {
    await waitFor(
      () => this.journal().some((line) => line.t === 'frozen' && line.at === at) && this.#isStopped(),
      `the process to stand still at ${at}`,
    );
  }

  resume(): void {
    this.signal('SIGCONT');
  }

  /** The state letter of Linux's process table; elsewhere a signal that was sent is taken for delivered. */
  #isStopped(): boolean {
    if (this.#end !== null) throw new Error(`The worker ended (${this.#end}). ${this.#errors}`);
    const file = `/proc/${this.#child.pid}/stat`;
    if (!existsSync('/proc/self/stat')) return true;
    return /\) T /.test(readFileSync(file, 'utf8'));
  }

  /** The journal so far. A line that a kill cut off is left out. */
  journal(): JournalLine[] {
    if (!existsSync(this.#journal)) return [];
    const lines = readFileSync(this.#journal, 'utf8').split('\n');
    return lines.slice(0, -1).map((line) => JSON.parse(line) as JournalLine);
  }
}

/** Polls until `isTrue`, for ten seconds at most. */
export async function waitFor(isTrue: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await isTrue())) {
    if (performance.now() > deadline) throw new Error(`Waited ten seconds for ${what}.`);
    await pause(5);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
