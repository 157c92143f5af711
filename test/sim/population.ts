/**
 * The processes of a run: some are always there, and whichever ends is replaced, on the same machine or on a new one.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Violation } from './violation.ts';
import { minute, second } from './plan.ts';
import { Process, type Surroundings, type Trap } from './process.ts';
import type { Step } from '../../lib/sync/context.ts';
import type { Chance } from './world.ts';

export interface PopulationOptions extends Omit<Surroundings, 'traps'> {
  /** Where machines have their disks. */
  readonly folder: string;
  readonly fail: (error: unknown) => void;
}

const steps: readonly Step[] = [
  'slot-claimed',
  'snapshot-chosen',
  'snapshot-downloaded',
  'replica-opened',
  'adopted-uploaded',
  'tail-applying',
  'tail-applied',
  'batch-run',
  'record-creating',
  'record-created',
  'replica-committed',
  'checkpoint-local',
  'snapshot-uploading',
  'snapshot-uploaded',
  'published',
  'records-dropping',
  'records-dropped',
  'snapshots-dropped',
  'replica-closing',
];

/** Where a long sleep is worst: between looking and doing. */
const sleepySteps: readonly Step[] = ['batch-run', 'record-creating', 'records-dropping'];

/** So many starts in vain, one after the other and in peace, are too many. */
const mostVainStarts = 8;

export class Population {
  readonly all: Process[] = [];
  readonly #options: PopulationOptions;
  readonly #chance: Chance;
  readonly #surroundings: Surroundings;
  starts = 0;
  #isOver = false;

  constructor(options: PopulationOptions) {
    this.#options = options;
    this.#chance = options.world.chance('population');
    this.#surroundings = { ...options, traps: this.#traps() };
  }

  #traps(): Trap[] {
    const { traps, longestFreezeMs } = this.#options.plan.troubles;
    return Array.from({ length: traps }, () => {
      const freezes = longestFreezeMs > 0 && this.#chance() < 0.6;
      const among = freezes && this.#chance() < 0.5 ? sleepySteps : steps;
      return {
        step: among[Math.floor(this.#chance() * among.length)]!,
        left: Math.floor(this.#chance() * 6),
        action: freezes ? ('freeze' as const) : ('kill' as const),
        freezeMs: (1 - this.#chance() ** 2) * longestFreezeMs,
      };
    });
  }

  start(): void {
    for (let index = 0; index < this.#options.plan.processes; index++) {
      this.#keep(`p${index + 1}`, this.#machine(`m${index % this.#options.plan.machines}`)).catch(this.#options.fail);
    }
  }

  #machine(name: string): string {
    const folder = join(this.#options.folder, name);
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** One process after the other. */
  async #keep(name: string, machine: string): Promise<void> {
    const { world } = this.#options;
    let vain = 0;
    for (let life = 1; !this.#isOver; life++) {
      const process = new Process(life === 1 ? name : `${name}.${life}`, machine, this.#surroundings);
      this.all.push(process);
      this.starts++;
      const isOpen = await this.#open(process);
      vain = isOpen || !this.#options.chaos.isOver ? 0 : vain + 1;
      if (vain > mostVainStarts) throw new Violation('it goes on', `${name} cannot start`);
      if (isOpen) await process.died;
      else await process.kill('gives up');
      await world.wait(this.#chance() * (isOpen ? minute : 5 * second), null);
      if (this.#chance() < 0.4) machine = this.#machine(`${name}-${life}`);
    }
  }

  /** False when it could not be opened, for a reason that may pass. */
  async #open(process: Process): Promise<boolean> {
    const { library, plan, chaos, world } = this.#options;
    const failed = await Promise.race([process.start().then(() => null), process.died.then(() => null)]).catch(
      (error: unknown) => ({ error }),
    );
    if (!failed) return true;
    const { error } = failed;
    const mayPass = new Set(['unavailable', 'indeterminate']);
    // Both may come of what is damaged on the way; then it passes.
    if (plan.faults.damaged > 0 || plan.troubles.rotMs < Infinity) mayPass.add('corrupt');
    if (error instanceof library.AppError && mayPass.has(error.kind)) {
      world.note(process.name, `cannot open: ${error.kind}${chaos.isOver ? ` (${error.message})` : ''}`);
      return false;
    }
    const isCorrupt = error instanceof library.AppError && error.kind === 'corrupt';
    const invariant = isCorrupt ? 'nothing whole is called damaged' : 'errors are of the contract';
    throw new Violation(invariant, `${process.name} cannot open: ${String(error)}`);
  }

  /** Those that clients can reach. */
  get ready(): Process[] {
    return this.all.filter((process) => process.isReady);
  }

  get living(): Process[] {
    return this.all.filter((process) => !process.isDead);
  }

  /** One more, on a machine of its own. */
  async startAnother(): Promise<Process> {
    const process = new Process('fresh', this.#machine('fresh'), this.#surroundings);
    this.all.push(process);
    this.starts++;
    for (let attempt = 0; attempt < mostVainStarts; attempt++) if (await this.#open(process)) return process;
    throw new Violation('it goes on', 'a new process cannot start');
  }

  /** Resolves when no process is frozen any more, and each can be reached. */
  async thawed(): Promise<void> {
    const { world, plan } = this.#options;
    while (this.all.some((process) => process.isFrozen) || this.ready.length < plan.processes) {
      await world.wait(minute, null);
    }
  }

  /** Ends all, outside of the world. */
  async end(): Promise<void> {
    this.#isOver = true;
    for (const process of this.living) await process.giveUp();
  }
}
