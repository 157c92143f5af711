/**
 * What one run is made of, decided by its seed alone: how many machines, clients and operations, how the store and the
 * clocks behave, and what goes wrong how often.
 */
import { createHash } from 'node:crypto';
import type { SyncSettings } from '../../lib/sync/context.ts';
import { seededRandom } from '../support/runtime.ts';

export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;

/** Probabilities, each for one operation on the store. */
export interface StoreFaults {
  /** Not done; says so. */
  readonly refused: number;
  /** Not done; asks for patience. */
  readonly throttled: number;
  /** Done, but the answer is lost. */
  readonly unanswered: number;
  /** Done after the caller was told that nobody knows. */
  readonly late: number;
  /** Of creates: done, and the client, which repeats it on its own, says that it exists. */
  readonly repeated: number;
  /** Of gets: one bit is wrong, or the end is missing. */
  readonly damaged: number;
  /** Of deletes of several objects: only some are done. */
  readonly partial: number;
}

/** How often something happens to the processes, as mean times between two of a kind in ms; Infinity: never. */
export interface Troubles {
  readonly killMs: number;
  readonly freezeMs: number;
  /** How long a freeze lasts, at most. */
  readonly longestFreezeMs: number;
  readonly closeMs: number;
  readonly outageMs: number;
  /** The same of the store behind, where there is one. */
  readonly outageBehindMs: number;
  readonly clockStepMs: number;
  /** The disk of one process is full, for up to as long as this. */
  readonly fullDiskMs: number;
  /** One bit of a snapshot rots in the store. */
  readonly rotMs: number;
  /** How many steps of the engine are mined: the process that passes one is killed or frozen there. */
  readonly traps: number;
}

export interface Plan {
  readonly seed: number;
  readonly profile: ProfileName;
  readonly processes: number;
  readonly machines: number;
  readonly clients: number;
  /** For each client. */
  readonly operations: number;
  /** Mean pause of a client between two operations, in ms. */
  readonly thinkMs: number;
  /** Part of the operations that are a sync. */
  readonly syncShare: number;
  /** Part of the writes that are meant to fail. */
  readonly spoilShare: number;
  /** Part of the writes that are SQL on projects. */
  readonly projectShare: number;
  /** Mean time of an operation on the store, in ms. */
  readonly latencyMs: number;
  readonly faults: StoreFaults;
  readonly troubles: Troubles;
  /** Whether the store dates an object by the beginning of its upload, as S3 does. */
  readonly datesByBeginning: boolean;
  /** The store's clock minus the true time, in ms. */
  readonly storeSkewMs: number;
  /** Clocks of processes are wrong by up to this, in ms. */
  readonly clockSkewMs: number;
  /**
   * Clocks may be set back by hours. Then no freeze stops a monotonic clock: a process whose two clocks are both wrong about
   * one and the same hour is beyond what the engine promises.
   */
  readonly stepsFarBack: boolean;
  /** Whether the store is wrapped in retries, as the application wraps it. */
  readonly retries: boolean;
  /** Limits of the engine, small in some runs, so that they are met. */
  readonly settings: Partial<Pick<SyncSettings, 'maxBatch' | 'maxRecordBytes' | 'parallelReads' | 'downloadPartBytes'>>;
  /** Whether a database file is there before. */
  readonly adopts: boolean;
  /** Whether another store stands behind the first, for when that is away. */
  readonly standsIn: boolean;
  /** Lists may tell of a state that is older by up to this, in ms. */
  readonly listStalenessMs: number;
  /** What has been found to play no part in a failure. */
  readonly without: ReadonlySet<string>;
}

type Range = readonly [number, number];

interface Profile {
  readonly processes: Range;
  readonly clients: Range;
  readonly operations: Range;
  readonly thinkMs: Range;
  readonly syncShare: number;
  readonly faults: Partial<StoreFaults>;
  readonly troubles: Partial<Troubles>;
  readonly clockSkewMs?: number;
  readonly adopts?: boolean;
  readonly standsIn?: boolean;
}

const networkFaults = { refused: 0.03, throttled: 0.01, unanswered: 0.04, late: 0.03, repeated: 0.05, partial: 0.2 };

/** A seed is of one of these, by its remainder. */
const profiles = {
  /** Several instances write at once, on a good day. */
  races: {
    processes: [2, 4],
    clients: [3, 6],
    operations: [8, 20],
    thinkMs: [5, 200],
    syncShare: 0.04,
    faults: {},
    troubles: {},
  },
  /** The network at its worst. */
  network: {
    processes: [1, 3],
    clients: [2, 4],
    operations: [10, 20],
    thinkMs: [50, 2000],
    syncShare: 0.06,
    faults: networkFaults,
    troubles: { outageMs: 2 * minute },
  },
  /** Processes die, at every step, and others take their slots. */
  crashes: {
    processes: [2, 3],
    clients: [2, 4],
    operations: [10, 20],
    thinkMs: [100, 3000],
    syncShare: 0.1,
    faults: { unanswered: 0.02, late: 0.02, repeated: 0.02, partial: 0.3 },
    troubles: { killMs: 20 * second, closeMs: minute, fullDiskMs: 15 * second, traps: 4 },
  },
  /** Days pass, instances sleep for hours, records are dropped. */
  days: {
    processes: [2, 3],
    clients: [2, 4],
    operations: [15, 30],
    thinkMs: [1 * hour, 3 * hour],
    syncShare: 0.35,
    faults: { unanswered: 0.01, late: 0.02, repeated: 0.02, partial: 0.2 },
    troubles: { freezeMs: 10 * hour, longestFreezeMs: 40 * hour, closeMs: 60 * hour, clockStepMs: 20 * hour, traps: 2 },
    clockSkewMs: 3 * hour,
  },
  /** Bytes go wrong, on the way and in the store. */
  damage: {
    processes: [2, 3],
    clients: [2, 3],
    operations: [10, 20],
    thinkMs: [minute, 20 * minute],
    syncShare: 0.2,
    faults: { damaged: 0.04, unanswered: 0.01, repeated: 0.02 },
    troubles: { rotMs: 30 * minute, killMs: 40 * minute, closeMs: hour },
  },
  /** A database file that was there before; several instances adopt it at once, and some die. */
  adoption: {
    processes: [2, 4],
    clients: [2, 3],
    operations: [4, 10],
    thinkMs: [100, 3000],
    syncShare: 0.1,
    faults: { refused: 0.02, unanswered: 0.04, late: 0.04, repeated: 0.05 },
    troubles: { killMs: 10 * second, traps: 3 },
    adopts: true,
  },
  /** The store goes away again and again, another one stands in, and writes are kept there. */
  outages: {
    processes: [2, 3],
    clients: [2, 4],
    operations: [8, 16],
    thinkMs: [200, 4000],
    syncShare: 0.1,
    faults: { refused: 0.01, unanswered: 0.01, late: 0.01, repeated: 0.02 },
    troubles: {
      outageMs: 10 * second,
      outageBehindMs: 2 * minute,
      killMs: 40 * second,
      closeMs: minute,
      freezeMs: minute,
      longestFreezeMs: minute,
      traps: 6,
    },
    standsIn: true,
  },
  /** All of it. */
  storm: {
    processes: [2, 4],
    clients: [3, 4],
    operations: [12, 25],
    thinkMs: [10 * minute, 2 * hour],
    syncShare: 0.25,
    faults: { ...networkFaults, damaged: 0.01 },
    troubles: {
      killMs: 4 * hour,
      freezeMs: 10 * hour,
      longestFreezeMs: 30 * hour,
      closeMs: 20 * hour,
      outageMs: 3 * hour,
      clockStepMs: 20 * hour,
      fullDiskMs: 4 * hour,
      traps: 4,
    },
    clockSkewMs: 2 * hour,
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof profiles;
export const profileNames = Object.keys(profiles) as ProfileName[];

const noFaults: StoreFaults = {
  refused: 0,
  throttled: 0,
  unanswered: 0,
  late: 0,
  repeated: 0,
  damaged: 0,
  partial: 0,
};

const noTroubles: Troubles = {
  killMs: Infinity,
  freezeMs: Infinity,
  longestFreezeMs: 0,
  closeMs: Infinity,
  outageMs: Infinity,
  outageBehindMs: Infinity,
  clockStepMs: Infinity,
  fullDiskMs: Infinity,
  rotMs: Infinity,
  traps: 0,
};

export function planOf(seed: number): Plan {
  const name = profileNames[seed % profileNames.length]!;
  const profile: Profile = profiles[name];
  const chance = seededRandom(createHash('sha256').update(`plan ${seed}`).digest().readInt32LE());
  const between = ([least, most]: Range): number => least + chance() * (most - least);
  const whole = ([least, most]: Range): number => Math.min(most, Math.floor(between([least, most + 1])));
  const signed = (most: number): number => Math.round((chance() * 2 - 1) * most);
  const processes = whole(profile.processes);
  const skew = profile.clockSkewMs ?? second;
  return {
    seed,
    profile: name,
    processes,
    machines: whole([1, processes]),
    clients: whole(profile.clients),
    operations: whole(profile.operations),
    thinkMs: between(profile.thinkMs),
    syncShare: profile.syncShare,
    spoilShare: chance() * 0.3,
    projectShare: 0.4,
    latencyMs: between([1, 60]),
    faults: { ...noFaults, ...profile.faults },
    troubles: { ...noTroubles, ...profile.troubles },
    datesByBeginning: chance() < 0.5,
    storeSkewMs: signed(skew),
    clockSkewMs: chance() < 0.5 ? 0 : skew,
    stepsFarBack: chance() < 0.3,
    retries: chance() < 0.7,
    settings: chance() < 0.6 ? {} : { maxBatch: 3, maxRecordBytes: 2400, parallelReads: 2, downloadPartBytes: 40_000 },
    adopts: profile.adopts ?? false,
    standsIn: profile.standsIn ?? false,
    listStalenessMs: chance() < 0.3 ? chance() * minute : 0,
    without: new Set(),
  };
}
