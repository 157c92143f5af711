/**
 * From the environment to an open database, once a process. Concurrent first requests share one opening; a failed one
 * is tried again by the next.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitAtMost } from './async/deadline.ts';
import { type ChainContext, openChain } from './app/chain.ts';
import { readOnly } from './app/preview.ts';
import { type BackendFactories, backendFactories } from './backends.ts';
import { loadMigrations } from './catalog/migration-files.ts';
import type { Migration } from './catalog/migrations.ts';
import type { BackendName, BackendSettings } from './config/backends.ts';
import { type Examination, examineEnvironment } from './config/config.ts';
import { processEnvironment } from './config/process.ts';
import type { Environment } from './config/variables.ts';
import type { Database } from './db/database.ts';
import type { Notice } from './db/fallback/outage.ts';
import type { MigrationMode } from './db/migration-report.ts';
import { AppError } from './errors.ts';
import { type Runtime, systemRuntime } from './runtime.ts';
import { trackUsage, type UsageCounts } from './store/usage.ts';

/** The part of `process` that ending needs. */
export interface ProcessSignals {
  once(signal: 'SIGTERM', listener: () => void): unknown;
  off(signal: 'SIGTERM', listener: () => void): unknown;
  listenerCount(signal: 'SIGTERM'): number;
  kill(pid: number, signal: 'SIGTERM'): unknown;
  readonly pid: number;
}

export interface AppOptions {
  readonly migrations: readonly Migration[];
  readonly migrationMode?: MigrationMode;
  readonly runtime: Runtime;
  /** Read by each opening, and not by each request: a corrected environment needs no restart where it can change. */
  readonly environment: () => Environment;
  /** Serves instead of what the environment names. */
  readonly backend?: BackendSettings;
  readonly factories: BackendFactories;
  /** Whether the other configured backends are fallbacks while the chosen one is unavailable. Default true. */
  readonly usesFallbacks?: boolean;
  readonly signals: ProcessSignals;
}

export interface OpenBackend {
  readonly name: BackendName;
  readonly database: Database;
}

export interface App {
  readonly runtime: Runtime;
  /** What the environment asks for, and what is wrong with it. Never throws. */
  examine(): Examination;
  /**
   * The open database; opens it when no request has.
   *
   * @throws AppError `unavailable` (also when the configuration is wrong: that is no fault of the request), `denied`,
   * `corrupt`
   */
  open(): Promise<OpenBackend>;
  /** `listener` hears what is worth a line in the log and belongs to no request: an outage that begins or ends. */
  onNotice(listener: (notice: Notice) => void): void;
  tracked<T>(work: () => T): { readonly value: T; readonly counts: () => UsageCounts };
  close(): Promise<void>;
  /** SIGTERM no longer closes this app: the owner of the process calls `close` after the last answer. */
  closeOnlyWhenAsked(): void;
}

const apps = new WeakMap<object, App>();

/** The app behind a database that was given out. */
export function appOf(database: object): App {
  const found = apps.get(database);
  if (found) return found;
  throw new AppError('invalid', 'This is not a database of this copy of the package.', {
    hint: 'Create it with openDatabase() or lazyDatabase() of the same installed package.',
  });
}

export function rememberApp(database: object, opened: App): void {
  apps.set(database, opened);
}

/** Vercel leaves 500 ms after SIGTERM: https://vercel.com/docs/functions/functions-api-reference#sigterm-signal */
const closeWithinMs = 400;

export function createApp(options: AppOptions): App {
  return new LazyApp(options);
}

class LazyApp implements App {
  readonly runtime: Runtime;
  readonly #options: AppOptions;
  readonly #onTerminate = (): void => void this.#terminate();
  #examination: Examination | null = null;
  #opening: Promise<OpenBackend> | null = null;
  #closed = false;
  #closesBySignal = true;
  #listener: (notice: Notice) => void = () => undefined;

  constructor(options: AppOptions) {
    this.runtime = options.runtime;
    this.#options = options;
  }

  examine(): Examination {
    return (this.#examination ??= this.#read());
  }

  open(): Promise<OpenBackend> {
    if (this.#closed)
      return Promise.reject(new AppError('unavailable', 'This instance is shutting down.', { retryAfterMs: 1000 }));
    this.#opening ??= this.#openOnce();
    return this.#opening;
  }

  onNotice(listener: (notice: Notice) => void): void {
    this.#listener = listener;
  }

  tracked<T>(work: () => T): { readonly value: T; readonly counts: () => UsageCounts } {
    return trackUsage(work);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#options.signals.off('SIGTERM', this.#onTerminate);
    const opened = await this.#opening?.catch(() => null);
    await opened?.database.close();
  }

  closeOnlyWhenAsked(): void {
    this.#closesBySignal = false;
    this.#options.signals.off('SIGTERM', this.#onTerminate);
  }

  #read(): Examination {
    return examineEnvironment(this.#options.environment(), this.#options.backend);
  }

  /** The first of concurrent calls comes here; the others wait for its promise. */
  async #openOnce(): Promise<OpenBackend> {
    const { signals } = this.#options;
    if (this.#closesBySignal) signals.once('SIGTERM', this.#onTerminate);
    try {
      this.#examination = this.#read();
      return await openChosen(this.#options, this.#examination, (notice) => this.#listener(notice));
    } catch (error) {
      signals.off('SIGTERM', this.#onTerminate);
      this.#opening = null;
      throw error;
    }
  }

  /** Closes what it can, then lets the signal do what it would have done without a listener. */
  async #terminate(): Promise<void> {
    const { signals, runtime } = this.#options;
    // A failure to close is ignored: the process ends either way, and what was acknowledged is in the store.
    await waitAtMost(runtime, closeWithinMs, this.close()).catch(() => undefined);
    if (signals.listenerCount('SIGTERM') === 0) signals.kill(signals.pid, 'SIGTERM');
  }
}

const runsNone: MigrationMode = { isDryRun: true, report: () => undefined };

async function openChosen(
  options: AppOptions,
  { config, problems }: Examination,
  notice: ChainContext['notice'],
): Promise<OpenBackend> {
  if (!config) {
    const wrong = problems.map(({ message }) => message).join('; ');
    throw new AppError('unavailable', `The configuration is wrong: ${wrong}.`, {
      fields: problems,
      hint: 'Correct these environment variables, then redeploy or restart.',
    });
  }
  try {
    const chain = options.usesFallbacks === false ? { ...config, fallbacks: [] } : config;
    const database = config.readOnly
      ? readOnly(await openChain(chain, { ...options, notice, migrationMode: runsNone }))
      : await openChain(chain, { ...options, notice });
    return { name: config.chosen.backend, database };
  } catch (error) {
    throw notTheRequest(error);
  }
}

/** What is wrong with a backend is never wrong with the request that happened to meet it: `unavailable` instead. */
export function notTheRequest(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const { kind, message, hint } = error;
  if (kind !== 'invalid' && kind !== 'not-found' && kind !== 'conflict') return error;
  return new AppError('unavailable', message, { cause: error, ...(hint === undefined ? {} : { hint }) });
}

/** The project's folder: beside the bundle in a deployment, beside lib/, or that of the project which imports this package. */
export function projectMigrations(): readonly Migration[] {
  const places = ['migrations', '../migrations'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return loadMigrations(places.find((path) => existsSync(path)) ?? resolve('migrations'));
}

export const app: App = createApp({
  // Read by each opening, so that a file that is wrong is an answer of the app.
  get migrations() {
    return projectMigrations();
  },
  runtime: systemRuntime,
  environment: processEnvironment,
  factories: backendFactories,
  signals: process,
});
