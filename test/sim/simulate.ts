/**
 * One run: several processes on one store, clients at work, everything that goes wrong, then peace, and the checks.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chaos } from './chaos.ts';
import { Clients } from './clients.ts';
import { checkEnd, requireNamedBytes } from './end.ts';
import { checkHistory } from './invariants.ts';
import type { Library } from './library.ts';
import { replayLog } from './log-model.ts';
import { Violation } from './violation.ts';
import { forgetFolders } from './natives.ts';
import { type Plan, hour } from './plan.ts';
import { Population } from './population.ts';
import { watchRetention } from './retention.ts';
import { SimulatedStore } from './store.ts';
import { startTroubles } from './troubles.ts';
import { workloadMigrations } from './workload.ts';
import { World } from './world.ts';
import { legacyFile } from './files.ts';

export interface Result {
  readonly plan: Plan;
  /** Null when all held. */
  readonly violation: Violation | null;
  /** Everything that happened, a line each. */
  readonly lines: readonly string[];
  /** What went wrong, by name. */
  readonly struck: readonly string[];
  readonly figures: Figures;
}

export interface Figures {
  readonly operations: number;
  readonly acknowledged: number;
  /** Kept while the store was away. */
  readonly pending: number;
  readonly unknown: number;
  readonly versions: number;
  readonly starts: number;
  readonly dropped: number;
  /** Of the time in the world, in hours. */
  readonly hours: number;
  readonly undecided: number;
}

const databaseName = 'sim.db';

export async function simulate(plan: Plan, library: Library): Promise<Result> {
  const root = mkdtempSync(join(memoryFolder(), 'eider-sim-'));
  const run = new Run(plan, library, root);
  try {
    return await run.run();
  } finally {
    forgetFolders(root);
    rmSync(root, { recursive: true, force: true });
  }
}

/** A folder in memory where there is one: disks make thousands of runs slow, and no run looks at one after a power cut. */
function memoryFolder(): string {
  return statSync('/dev/shm', { throwIfNoEntry: false })?.isDirectory() ? '/dev/shm' : tmpdir();
}

class Run {
  readonly #plan: Plan;
  readonly #root: string;
  readonly #world: World;
  readonly #chaos: Chaos;
  readonly #store: SimulatedStore;
  readonly #behind: SimulatedStore;
  readonly #population: Population;
  readonly #clients: Clients;
  #dropped = 0;
  #undecided = 0;
  #versions = 0;
  /** What went wrong outside of the checks, first of all. */
  #failure: Error | null = null;

  constructor(plan: Plan, library: Library, root: string) {
    this.#plan = plan;
    this.#root = root;
    this.#world = new World(plan.seed);
    this.#chaos = new Chaos(plan, this.#world);
    const settings = { world: this.#world, plan, chaos: this.#chaos, AppError: library.AppError };
    this.#behind = new SimulatedStore({
      ...settings,
      name: 'store behind',
      onCreate: () => undefined,
      onDelete: () => undefined,
    });
    this.#store = new SimulatedStore({
      ...settings,
      name: 'store',
      onCreate: (object) => {
        this.#attempt(() => requireNamedBytes(object));
      },
      onDelete: (object) => {
        this.#dropped++;
        this.#attempt(() => watchRetention(this.#store, object));
      },
    });
    this.#population = new Population({
      world: this.#world,
      plan,
      chaos: this.#chaos,
      store: this.#store,
      behind: this.#behind,
      library,
      migrations: workloadMigrations,
      databaseName,
      folder: root,
      fail: (error) => this.#fail(error),
    });
    this.#clients = new Clients({
      world: this.#world,
      plan,
      library,
      population: this.#population,
      fail: (error) => this.#fail(error),
    });
  }

  #fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  async run(): Promise<Result> {
    const unhandled = (error: unknown): void =>
      this.#fail(new Violation('errors are of the contract', `nobody handled ${String(error)}`));
    process.on('unhandledRejection', unhandled);
    try {
      await this.#live();
    } catch (error) {
      this.#fail(error);
    } finally {
      await this.#population.end();
      process.off('unhandledRejection', unhandled);
    }
    if (this.#failure && !(this.#failure instanceof Violation)) throw this.#failure;
    return {
      plan: this.#plan,
      violation: this.#failure,
      lines: this.#world.lines,
      struck: this.#chaos.struck,
      figures: this.#figures(),
    };
  }

  async #live(): Promise<void> {
    mkdirSync(this.#root, { recursive: true });
    if (this.#plan.adopts) await this.#putLegacyFile();
    this.#population.start();
    const clients = this.#clients.start();
    startTroubles({
      world: this.#world,
      plan: this.#plan,
      chaos: this.#chaos,
      population: this.#population,
      store: this.#store,
      behind: this.#behind,
      fail: (error) => this.#fail(error),
    });
    await this.#until(
      clients.then(() => undefined),
      'the clients',
    );
    this.#chaos.end();
    this.#world.note('chaos', 'ends');
    // Frozen processes come back, and what was late arrives.
    await this.#until(this.#world.wait(hour, null), 'what was on its way');
    await this.#until(this.#population.thawed(), 'frozen processes');
    const end = this.#clients.finish();
    await this.#until(end, 'the end');
    this.#check();
    this.#requireNothingPending();
    await checkEnd({ store: this.#store, versions: this.#replay(), folder: this.#root, databaseName });
  }

  /** A file that was there before; and before anybody has built on it, its owner puts another one in its place. */
  async #putLegacyFile(): Promise<void> {
    const [first, second] = [await legacyFile(this.#root, 100), await legacyFile(this.#root, 200)];
    this.#store.put(databaseName, first);
    const chance = this.#world.chance('owner of the file');
    this.#world.in(chance() * 40 * this.#plan.latencyMs, null, () => {
      const hasLog = [...this.#store.objects.keys()].some((key) => key.includes('.log/'));
      if (!hasLog && this.#chaos.strikes('file replaced', chance(), 0.7)) this.#store.put(databaseName, second);
    });
  }

  /** Runs the world until `work` is done. */
  async #until(work: Promise<unknown>, what: string): Promise<void> {
    let isDone = false;
    work.then(
      () => (isDone = true),
      (error: unknown) => this.#fail(error),
    );
    const isOver = (): boolean => isDone || this.#failure !== null;
    if (!(await this.#world.run(isOver)))
      throw new Violation('it goes on', `nothing happens any more, and ${what} wait`);
    if (this.#failure) throw this.#failure;
  }

  #replay(): ReturnType<typeof replayLog> {
    const versions = replayLog(this.#store.created, this.#clients.writes);
    this.#versions = versions.length - 1;
    return versions;
  }

  #check(): void {
    const { history, rejected } = this.#clients;
    const evidence = { history, rejected, versions: this.#replay(), undecided: 0 };
    checkHistory(evidence);
    this.#undecided = evidence.undecided;
  }

  #requireNothingPending(): void {
    const left = [...this.#behind.objects.keys()].filter((key) => key.includes('.pending/'));
    if (left.length > 0)
      throw new Violation(
        'pending writes are run once or listed',
        `${left.length} are still there after a sync in peace`,
      );
  }

  #figures(): Figures {
    const { history } = this.#clients;
    return {
      operations: history.length,
      pending: history.filter(({ reply }) => reply.kind === 'pending').length,
      acknowledged: history.filter(({ reply }) => reply.kind === 'ok').length,
      unknown: history.filter(({ reply }) => reply.kind === 'unknown').length,
      versions: this.#versions,
      starts: this.#population.starts,
      dropped: this.#dropped,
      hours: Math.round(this.#world.nowMs / hour),
      undecided: this.#undecided,
    };
  }
}
