/**
 * What befalls processes and the store as time goes by.
 */
import type { Chaos } from './chaos.ts';
import { mostClockStepBackMs } from './invariants.ts';
import { hour, minute, type Plan } from './plan.ts';
import type { Population } from './population.ts';
import type { Process } from './process.ts';
import type { SimulatedStore } from './store.ts';
import type { Chance, World } from './world.ts';

export interface TroublesOptions {
  readonly world: World;
  readonly plan: Plan;
  readonly chaos: Chaos;
  readonly population: Population;
  readonly store: SimulatedStore;
  readonly behind: SimulatedStore;
  readonly fail: (error: unknown) => void;
}

/** One kind: what it does to one of those it may befall. */
interface Trouble {
  readonly name: string;
  readonly everyMs: number;
  readonly happen: (chance: Chance) => void | Promise<unknown>;
}

export function startTroubles(options: TroublesOptions): void {
  for (const trouble of troublesOf(options)) {
    if (trouble.everyMs < Infinity) recur(options, trouble).catch(options.fail);
  }
}

async function recur({ world, chaos, fail }: TroublesOptions, { name, everyMs, happen }: Trouble): Promise<void> {
  const chance = world.chance(`trouble ${name}`);
  for (;;) {
    await world.wait(-Math.log(1 - chance()) * everyMs, null);
    if (chaos.isOver) return;
    if (chaos.strikes(name, 0, 1)) Promise.resolve(happen(chance)).catch(fail);
  }
}

function troublesOf({ plan, population, store, behind, world }: TroublesOptions): Trouble[] {
  const { troubles } = plan;
  const on = (work: (process: Process, chance: Chance) => void | Promise<unknown>) => (chance: Chance) => {
    const { living } = population;
    const process = living[Math.floor(chance() * living.length)];
    return process && work(process, chance);
  };
  return [
    { name: 'kill', everyMs: troubles.killMs, happen: on((process) => process.kill()) },
    {
      name: 'close',
      everyMs: troubles.closeMs,
      happen: on((process) => (process.isReady ? process.close() : undefined)),
    },
    {
      name: 'freeze',
      everyMs: troubles.freezeMs,
      happen: on((process, chance) => process.freeze(chance() ** 2 * troubles.longestFreezeMs)),
    },
    {
      name: 'clock step',
      everyMs: troubles.clockStepMs,
      happen: on((process, chance) => process.stepClock(clockStep(plan, chance))),
    },
    {
      name: 'outage',
      everyMs: troubles.outageMs,
      happen: (chance) => void (store.outageUntil = world.nowMs + chance() * minute),
    },
    {
      name: 'outage behind',
      everyMs: troubles.outageBehindMs,
      happen: (chance) => void (behind.outageUntil = world.nowMs + chance() * minute),
    },
    {
      name: 'full disk',
      everyMs: troubles.fullDiskMs,
      happen: on((process, chance) => process.fillDisk(chance() * troubles.fullDiskMs)),
    },
    { name: 'rot', everyMs: troubles.rotMs, happen: (chance) => rotSnapshot(store, chance) },
  ];
}

function clockStep(plan: Plan, chance: Chance): number {
  const drawn = chance();
  if (drawn < 0.5) return drawn * 4 * hour;
  return -(plan.stepsFarBack ? drawn * 4 * hour : drawn * mostClockStepBackMs);
}

/** One snapshot at a time: that two are whole is what retention waits for, so one may go. */
function rotSnapshot(store: SimulatedStore, chance: Chance): void {
  const snapshots = [...store.objects.values()].filter(({ key }) => key.endsWith('.duckdb'));
  if (snapshots.length < 2 || snapshots.some(({ isRotten }) => isRotten)) return;
  const victim = snapshots[Math.floor(chance() * snapshots.length)]!;
  victim.isRotten = true;
  victim.bytes[Math.floor(chance() * victim.bytes.byteLength)]! ^= 1;
}
