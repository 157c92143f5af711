/**
 * A process of a simulation: one instance of the database on one machine, with clocks of its own. It can be frozen,
 * killed at any event or at a step of the engine, closed, and started again in what it left on the machine's disk.
 */
import { join } from 'node:path';
import type { Database } from '../../lib/db/database.ts';
import type { Runtime } from '../../lib/runtime.ts';
import type { Migration } from '../../lib/catalog/migrations.ts';
import type { Step } from '../../lib/sync/context.ts';
import type { Chaos } from './chaos.ts';
import type { Library } from './library.ts';
import { NativeHandles, type NativeOwner, ownerOfFolder, realBindings, runAs, touch } from './natives.ts';
import type { Plan } from './plan.ts';
import { openAlone, openChain } from './open.ts';
import type { Caller, SimulatedStore } from './store.ts';
import { type Command, performOnce } from './workload.ts';
import { type Chance, epochMs, type World } from './world.ts';

/** What a process does when it passes a step for the n-th time. */
export interface Trap {
  readonly step: Step;
  left: number;
  readonly action: 'kill' | 'freeze';
  readonly freezeMs: number;
}

export interface Surroundings {
  readonly world: World;
  readonly plan: Plan;
  readonly chaos: Chaos;
  readonly store: SimulatedStore;
  /** The one behind it, in runs that have one. */
  readonly behind: SimulatedStore;
  readonly library: Library;
  readonly migrations: readonly Migration[];
  readonly traps: Trap[];
  readonly databaseName: string;
}

/** A process that dies at a call of DuckDB dies at one of so many first ones. */
const mostCalls = 300;

export class Process implements NativeOwner, Caller {
  readonly name: string;
  readonly handles = new NativeHandles();
  readonly machine: string;
  database: Database | null = null;
  isDead = false;
  isClosing = false;
  frozenUntil = 0;
  #diskFullUntil = 0;
  /** Resolves when it dies. */
  readonly died: Promise<void>;
  readonly #surroundings: Surroundings;
  readonly #world: World;
  readonly #chance: Chance;
  readonly #bornMs: number;
  #tellDeath!: () => void;
  /** So many calls of DuckDB until it dies at one, as likely between any two. */
  #callsLeft: number;
  #wallOffsetMs: number;
  /** For how long the monotonic clock has stood still. */
  #lostMs = 0;

  constructor(name: string, machine: string, surroundings: Surroundings) {
    this.name = name;
    this.machine = machine;
    this.#surroundings = surroundings;
    this.#world = surroundings.world;
    this.#chance = this.#world.chance(`process ${name}`);
    this.#bornMs = this.#world.nowMs;
    this.#wallOffsetMs = Math.round((this.#chance() * 2 - 1) * surroundings.plan.clockSkewMs);
    const isMined = surroundings.plan.troubles.killMs < Infinity && this.#chance() < 0.5;
    this.#callsLeft = isMined ? Math.ceil(this.#chance() * mostCalls) : Infinity;
    this.died = new Promise((resolve) => (this.#tellDeath = resolve));
  }

  get isFrozen(): boolean {
    return this.frozenUntil > this.#world.nowMs;
  }

  get isDiskFull(): boolean {
    return this.#diskFullUntil > this.#world.nowMs && !this.#surroundings.chaos.isOver;
  }

  get isReady(): boolean {
    return this.database !== null && !this.isDead && !this.isClosing;
  }

  // ---- as DuckDB's bindings see it ----

  native<T>(start: () => Promise<T>): Promise<T> {
    if (--this.#callsLeft === 0 && this.#surroundings.chaos.strikes('kill at a call', 0, 1)) void this.kill();
    return new Promise((resolve, reject) => {
      this.#world.in(this.#chance() * 0.3, this, () => start().then(resolve, reject));
    });
  }

  fileTime(): number {
    return epochMs + this.#world.nowMs;
  }

  /** Runs `work` in its name. */
  run<T>(work: () => T): T {
    return runAs(this, work);
  }

  // ---- as the engine sees it ----

  readonly runtime: Runtime = {
    now: () => Math.floor(epochMs + this.#world.nowMs + this.#wallOffsetMs),
    monotonicMs: () => this.#world.nowMs - this.#bornMs - this.#lostMs,
    sleep: (ms, signal) => this.#sleep(ms, signal),
    uuid: () => this.#uuid(),
    random: () => this.#chance(),
  };

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const stop = (): void => {
        cancel();
        reject(signal!.reason as Error);
      };
      const cancel = this.#world.in(ms, this, () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      });
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  #uuid(): string {
    const digits = Array.from({ length: 32 }, () => Math.floor(this.#chance() * 16).toString(16)).join('');
    return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20)}`;
  }

  async start(): Promise<void> {
    this.database = await this.run(() => this.#open());
    this.#world.note(this.name, 'is open');
  }

  #open(): Promise<Database> {
    const { library, plan, store, behind, migrations, databaseName } = this.#surroundings;
    const { runtime, machine } = this;
    const onStep = (step: Step): Promise<void> => this.#pass(step);
    const parts = { library, plan, runtime, migrations, databaseName, machine, primary: store.for(this), onStep };
    if (!plan.standsIn) return openAlone(parts);
    return openChain({
      ...parts,
      behind: behind.for(this),
      commands: {
        run: (queries, command, scope) =>
          performOnce({ library, runtime, queries, scope, ...(command as unknown as Command) }),
        fix: (command) => command,
      },
    });
  }

  /** The engine reached a step: others may come between, and what was mined goes off. */
  async #pass(step: Step): Promise<void> {
    this.#world.note(this.name, `step ${step}`);
    for (const trap of this.#surroundings.traps) {
      if (trap.step !== step || trap.left-- !== 0) continue;
      if (!this.#surroundings.chaos.strikes(`${trap.action} at ${step}`, 0, 1)) continue;
      if (trap.action === 'freeze') this.freeze(trap.freezeMs);
      else void this.kill();
    }
    await this.#world.wait(this.#chance() < 0.3 ? this.#chance() * this.#surroundings.plan.latencyMs * 3 : 0, this);
  }

  // ---- what befalls it ----

  /** Stops it for `ms`; afterwards one of its clocks may not know. */
  freeze(ms: number): void {
    if (this.isDead || this.isFrozen) return;
    this.frozenUntil = this.#world.nowMs + ms;
    const drawn = this.#surroundings.plan.stepsFarBack ? 0.4 + this.#chance() * 0.6 : this.#chance();
    if (drawn < 0.4) this.#lostMs += ms;
    else if (drawn < 0.7) this.#wallOffsetMs -= ms;
    const clocks = drawn < 0.4 ? 'wall clock' : drawn < 0.7 ? 'monotonic clock' : 'both clocks';
    this.#world.note(this.name, `frozen for ${Math.round(ms / 1000)} s; afterwards its ${clocks} will know`);
  }

  /** Takes all room on its disk for `ms`. */
  fillDisk(ms: number): void {
    this.#diskFullUntil = this.#world.nowMs + ms;
    this.#world.note(this.name, `its disk is full for ${Math.round(ms / 1000)} s`);
  }

  /** Somebody corrects its clock, or the contrary. */
  stepClock(ms: number): void {
    this.#wallOffsetMs += ms;
    this.#world.note(this.name, `its clock jumps by ${Math.round(ms / 1000)} s`);
  }

  /** Ends it as SIGKILL would: its files stay as they are. Happens as an event, while none of its calls is running. */
  kill(how = 'killed'): Promise<void> {
    this.#world.in(0, null, async () => {
      if (this.isDead) return;
      this.isDead = true;
      this.#world.note(this.name, how);
      await this.#giveUpHandles();
      this.#tellDeath();
    });
    return this.died;
  }

  /** As `kill`, when the world has stopped. */
  async giveUp(): Promise<void> {
    this.isDead = true;
    await this.#giveUpHandles();
  }

  async #giveUpHandles(): Promise<void> {
    const { databases, connections, statements, locks, folders } = this.handles;
    for (const database of databases) {
      // A database that is closed would fold its write-ahead log into the file.
      const connection = await realBindings.connect(database);
      await realBindings.query(connection, 'PRAGMA disable_checkpoint_on_shutdown').catch(() => undefined);
      realBindings.disconnect_sync(connection);
    }
    for (const statement of statements) realBindings.destroy_prepare_sync(statement);
    for (const connection of connections) realBindings.disconnect_sync(connection);
    for (const database of databases) realBindings.close_sync(database);
    for (const lock of locks) lock.close();
    for (const all of [databases, connections, statements]) all.clear();
    this.#leaveFolders(folders);
  }

  #leaveFolders(folders: ReadonlySet<string>): void {
    const claimed = (globalThis as Record<symbol, unknown>)[Symbol.for('eider.claimed-slots')] as Set<string>;
    for (const folder of folders) {
      if (ownerOfFolder(folder) !== this) continue;
      claimed.delete(folder);
      touch(join(folder, 'replica.duckdb'), this.fileTime());
    }
  }

  /** Ends it in order. */
  async close(): Promise<void> {
    this.isClosing = true;
    this.#world.note(this.name, 'closes');
    await Promise.race([this.#world.wait(0, this).then(() => this.run(() => this.database?.close())), this.died]);
    if (!this.isDead) await this.kill('closed');
  }
}
