/** Databases on the clouds whose networks and servers fail: nothing acknowledged is lost, nothing wrong is served. */
import { inspect, isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../../lib/backends.ts';
import { readConfig } from '../../../lib/config/config.ts';
import type { Database } from '../../../lib/db/database.ts';
import { isAppError } from '../../../lib/errors.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { withRetry } from '../../../lib/store/retry.ts';
import {
  type Cloud,
  type CloudName,
  type CloudPlace,
  type CloudRequest,
  clouds,
  startCloud,
} from '../../support/clouds.ts';
import { openDatabase, temporaryFolder } from '../../support/engine.ts';
import { seededRandom } from '../../support/runtime.ts';
import type { ServerFault } from '../../support/servers/faults.ts';
import { auditLedger, auditLog, auditVersions, fatesOf } from '../../support/processes/audit.ts';
import {
  hashState,
  ledgerMigrations,
  type Operation,
  operationsOf,
  Overdrawn,
  perform,
  readLedger,
} from '../../support/processes/ledger.ts';
import type { JournalLine, Seen } from '../../support/processes/protocol.ts';

/** Instances of one database in this process, and what they tried and were told. */
class Rig {
  readonly cloud: Cloud;
  readonly #place: CloudPlace;
  readonly #journals: JournalLine[][] = [];

  constructor(cloud: Cloud) {
    this.cloud = cloud;
    this.#place = cloud.fresh();
  }

  /** Opens it as an instance of its own; gives up soon. `slotRoot`: of an instance that was there before. */
  async open(slotRoot?: string): Promise<Database> {
    const { store, name } = await this.bare();
    return openDatabase({
      store: withRetry(store, { runtime, deadlineMs: 250, firstPauseMs: 10 }),
      name,
      migrations: ledgerMigrations,
      settings: { commitDeadlineMs: 400, throttledMs: 2500 },
      slotRoot: slotRoot ?? (await temporaryFolder()),
    });
  }

  bare() {
    return openStore(readConfig(this.#place.environment), runtime);
  }

  /** A journal for what one after another does. */
  journal(): JournalLine[] {
    const journal: JournalLine[] = [];
    this.#journals.push(journal);
    return journal;
  }

  /** The newest version that any writer was told of. */
  newestTold(): number {
    return Math.max(0, ...this.#journals.flat().map((line) => (line.t === 'ack' ? line.version : 0)));
  }

  /** What is wrong once nothing fails any more. A new instance has all of it, and so has each of `others`. */
  async audit(others: readonly Database[]): Promise<string[]> {
    this.cloud.faults.clear();
    const [fresh, ...seen] = await Promise.all([await this.open(), ...others].map(see));
    const { store, name } = await this.bare();
    const log = await auditLog(store, name);
    const head = log.records.at(-1)?.version;
    return [
      ...seen.flatMap((each) => (isDeepStrictEqual(each, fresh) ? [] : ['Two instances do not agree.'])),
      ...auditLedger(fresh!.ledger, this.#journals, ['denied']),
      ...log.wrong,
      ...(head === fresh!.version ? [] : [`The log ends at ${head}, not at ${fresh!.version}.`]),
      ...auditVersions(fatesOf(this.#journals), log.records),
    ];
  }
}

async function see(database: Database): Promise<Seen> {
  const { value, version } = await database.read(async (queries) => ({
    ledger: await readLedger(queries),
    hash: await hashState(queries),
  }));
  return { version, ...value };
}

/** Writes, notes what became of it, and throws what was thrown. */
async function write(database: Database, journal: JournalLine[], operation: Operation): Promise<void> {
  const { id } = operation;
  journal.push({ t: 'try', operation });
  try {
    const { version } = await database.write((queries) => perform(queries, operation));
    journal.push({ t: 'ack', id, version });
  } catch (error) {
    const kind = error instanceof Overdrawn ? 'overdrawn' : isAppError(error) ? error.kind : 'defect';
    journal.push({ t: 'refused', id, kind, message: String(error) });
    throw error;
  }
}

const faultNames = ['delay', 'cut-before', 'cut-after', 'cut-body', '500', '503', '429', '403'] as const;
type FaultName = (typeof faultNames)[number];

function faultOf(cloud: Cloud, name: FaultName): ServerFault {
  switch (name) {
    case 'delay':
      return { kind: name, ms: 100 };
    case 'cut-before':
    case 'cut-after':
      return { kind: name };
    case 'cut-body':
      return { kind: name, bytes: 1 };
    case '429':
      return cloud.refusal(429, { 'retry-after': '1' });
    case '500':
      return cloud.refusal(500);
    case '503':
      return cloud.refusal(503);
    case '403':
      return cloud.refusal(403);
  }
}

interface Phase {
  /** The requests that fail. */
  readonly meets: (request: CloudRequest) => boolean;
  readonly run: (stage: Stage) => Promise<unknown>;
}

/** A database with a snapshot and a tail, open, and what it was written to. */
interface Stage {
  readonly rig: Rig;
  readonly database: Database;
  /** Another instance of it. */
  readonly other: Database;
  readonly post: () => Promise<void>;
}

const isIn = (part: string, operation: CloudRequest['operation']) => (request: CloudRequest) =>
  request.operation === operation && request.key.includes(`.${part}/`);

async function postAndSync({ database, post }: Stage): Promise<void> {
  await post();
  await database.sync();
}

/** A start that succeeds has found the database that is there. */
async function start({ rig, database }: Stage): Promise<void> {
  const opened = await rig.open();
  expect(await see(opened)).toEqual(await see(database));
  await opened.close();
}

/** A read that succeeds has seen what another instance was told before. */
async function postAndReadElsewhere({ rig, post, other }: Stage): Promise<void> {
  await post();
  const told = rig.newestTold();
  const { version } = await other.read((queries) => queries.selectFrom('posts').select('id').execute());
  expect(version).toBeGreaterThanOrEqual(told);
}

const phasesByName: Readonly<Record<string, Phase>> = {
  'creating a record': { meets: isIn('log', 'create'), run: ({ post }) => post() },
  'looking for the next record': { meets: isIn('log', 'head'), run: postAndReadElsewhere },
  'uploading a snapshot': { meets: isIn('snapshots', 'create'), run: postAndSync },
  'publishing the database file': { meets: ({ operation }) => operation === 'copy', run: postAndSync },
  'listing the snapshots': { meets: isIn('snapshots', 'list'), run: start },
  'downloading a snapshot': { meets: isIn('snapshots', 'get'), run: start },
  'following the tail': { meets: isIn('log', 'get'), run: start },
};

async function setStage(cloud: Cloud): Promise<Stage> {
  const rig = new Rig(cloud);
  const database = await rig.open();
  const journal = rig.journal();
  let posted = 0;
  const post = (): Promise<void> => {
    const id = `post-${(posted += 1)}`;
    return write(database, journal, { kind: 'post', id, note: `note ${id}` });
  };
  await post();
  await database.sync();
  await post();
  return { rig, database, other: await rig.open(), post };
}

/** `done`, or the kind of what was thrown. */
async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error.hint === undefined ? `${error.kind}, and not what to do: ${error.message}` : error.kind;
  }
}

/** What may become of work whose requests fail so, once or for as long as it is tried. */
type Expected = Readonly<Partial<Record<FaultName, RegExp>>>;

const done = /^done$/;
const failed = /^(unavailable|indeterminate)$/;
const once: Expected = {
  delay: done,
  'cut-before': done,
  'cut-after': done,
  'cut-body': done,
  '500': done,
  '503': done,
  // Some ask for more patience than there is.
  '429': /^(done|unavailable)$/,
  '403': /^denied$/,
};
const always: Expected = {
  'cut-before': failed,
  'cut-after': failed,
  // Where the status alone says that it is done, nobody needs the body.
  'cut-body': /^(done|unavailable|indeterminate)$/,
  '500': failed,
  '403': /^denied$/,
};

/** Of what the CDN of Blob refuses, its API is asked; and that says that the object is there. */
function expectations(cloud: Cloud, phase: Phase, expected: Expected): [FaultName, RegExp][] {
  const asksCdn = cloud.name.endsWith('blob') && phase.meets({ operation: 'get', key: 'x.snapshots/ x.log/' });
  const own = asksCdn ? { ...expected, '403': expected === once ? done : failed } : expected;
  return Object.entries(own) as [FaultName, RegExp][];
}

interface Meeting {
  readonly stage: Stage;
  readonly fault: FaultName;
  readonly times: number;
  readonly expected: RegExp;
}

const seed = 1;

/** Of all requests, one in so many meets each of these. */
const chances: readonly [FaultName, number][] = [
  ['delay', 0.02],
  ['cut-before', 0.03],
  ['cut-after', 0.03],
  ['cut-body', 0.02],
  ['500', 0.02],
  ['503', 0.01],
  ['429', 0.002],
  ['403', 0.005],
];

/** Writes, syncs, ends and begins again, in its slot or a new one, whatever happens; and is open at the end. */
async function live(rig: Rig, instance: string, random: () => number): Promise<Database> {
  const clients = ['a', 'b'].map((client) => ({
    journal: rig.journal(),
    operations: operationsOf(`${instance}.${client}`, random),
  }));
  let slotRoot = await temporaryFolder();
  let database = await openAtLast(rig, slotRoot);
  for (let round = 0; round < 4; round++) {
    await Promise.all(
      clients.map(async ({ journal, operations }) => {
        for (let left = 4; left > 0; left--) {
          const { value: operation } = operations.next(journal.at(-1)?.t === 'ack');
          await outcomeOfWrite(write(database, journal, operation));
          if (random() < 0.5) await outcomeOf(readFresh(rig, database, journal));
        }
      }),
    );
    if (random() < 0.5) await outcomeOf(database.sync());
    if (random() < 0.4) continue;
    await database.close();
    if (random() < 0.5) slotRoot = await temporaryFolder();
    database = await openAtLast(rig, slotRoot);
  }
  return database;
}

async function outcomeOfWrite(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    // The journal has it; what is not told of there is a defect.
    if (!isAppError(error) && !(error instanceof Overdrawn)) throw error;
  }
}

/** A read sees what anyone was told before it began. */
async function readFresh(rig: Rig, database: Database, journal: JournalLine[]): Promise<void> {
  const told = rig.newestTold();
  const { version } = await database.read((queries) => queries.selectFrom('posts').select('id').execute());
  if (version < told) journal.push({ t: 'violation', message: `A read after version ${told} saw version ${version}.` });
}

async function openAtLast(rig: Rig, slotRoot: string): Promise<Database> {
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      return await rig.open(slotRoot);
    } catch (error) {
      if (!isAppError(error, 'unavailable', 'indeterminate', 'denied')) throw error;
    }
  }
  throw new Error('It could not be opened in fifty attempts.');
}

/** As who is told to repeat does: a write that met the record of an attempt before it, on a busy machine, runs out of time. */
async function repeated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isAppError(error, 'unavailable') || error.sqlState !== '40001') throw error;
    return work();
  }
}

interface Group {
  readonly title: string;
  readonly names: readonly CloudName[];
  readonly phases: readonly string[];
}

/** Waiting takes most of the time, so clouds go side by side; but of Blob, one server at a time can be had. */
const groups: readonly Group[] = [
  { title: 's3, gcs and blob', names: clouds, phases: Object.keys(phasesByName) },
  // Differs from a private one in what is read.
  { title: 'public blob', names: ['public blob'], phases: ['downloading a snapshot', 'following the tail'] },
];

describe.each(groups)('on $title', ({ names, phases }) => {
  const started: Cloud[] = [];
  beforeAll(async () => void started.push(...(await Promise.all(names.map(startCloud)))));
  afterAll(() => Promise.all(started.map((cloud) => cloud.close())));

  const nothing = Object.fromEntries(names.map((name) => [name, []]));

  /** What is wrong on each. None is left behind when another fails. */
  async function onEach(work: (cloud: Cloud) => Promise<string[]>): Promise<Record<string, string[]>> {
    const settled = await Promise.allSettled(started.map(work));
    return Object.fromEntries(
      settled.map((each, index) => [
        started[index]!.name,
        each.status === 'fulfilled' ? each.value : [inspect(each.reason)],
      ]),
    );
  }

  describe.each(phases)('what fails while %s', (title) => {
    const phase = phasesByName[title]!;

    /** What became of it that should not have. */
    async function meet({ stage, fault, times, expected }: Meeting): Promise<string[]> {
      const { cloud } = stage.rig;
      let met = 0;
      const matches = phase.meets;
      cloud.faults.add((request) => matches(cloud.describe(request)) && ++met > 0, faultOf(cloud, fault), times);
      const outcome = await outcomeOf(phase.run(stage));
      cloud.faults.clear();
      if (met === 0) return [`Nothing met ${fault}.`];
      return expected.test(outcome) ? [] : [`${fault}: ${outcome}`];
    }

    it('once is survived', async () => {
      const found = await onEach(async (cloud) => {
        const stage = await setStage(cloud);
        const wrong: string[] = [];
        for (const [fault, expected] of expectations(cloud, phase, once))
          wrong.push(...(await meet({ stage, fault, times: 1, expected })));
        return [...wrong, ...(await stage.rig.audit([stage.database, stage.other]))];
      });
      expect(found).toEqual(nothing);
    });

    it('again and again is told, with what to do, and over when it is', async () => {
      const found = await onEach(async (cloud) => {
        const stage = await setStage(cloud);
        const wrong: string[] = [];
        for (const [fault, expected] of expectations(cloud, phase, always)) {
          wrong.push(...(await meet({ stage, fault, times: Infinity, expected })));
          await repeated(() => phase.run(stage));
        }
        return [...wrong, ...(await stage.rig.audit([stage.database, stage.other]))];
      });
      expect(found).toEqual(nothing);
    });
  });

  it('faults at random over three instances lose and double nothing', async () => {
    const found = await onEach(async (cloud) => {
      const random = seededRandom(seed);
      const rig = new Rig(cloud);
      let met = 0;
      for (const [fault, chance] of chances)
        cloud.faults.add(() => random() < chance && ++met > 0, faultOf(cloud, fault), Infinity);
      const instances = ['x', 'y', 'z'].map((name, index) => live(rig, name, seededRandom(seed * 100 + index)));
      const wrong = await rig.audit(await Promise.all(instances));
      return met > 20 ? wrong : [...wrong, `Only ${met} requests met a fault.`];
    });
    expect(found).toEqual(nothing);
  });
});
