/** Databases on the clouds whose networks and servers fail: nothing acknowledged is lost, nothing wrong is served. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../lib/backends.ts';
import { readConfig } from '../../lib/config/config.ts';
import type { Database } from '../../lib/db/database.ts';
import { isAppError } from '../../lib/errors.ts';
import { systemRuntime as runtime } from '../../lib/runtime.ts';
import { withRetry } from '../../lib/store/retry.ts';
import {
  type Cloud,
  type CloudName,
  type CloudPlace,
  type CloudRequest,
  clouds,
  startCloud,
} from '../support/clouds.ts';
import { openDatabase, temporaryFolder } from '../support/engine.ts';
import { seededRandom } from '../support/runtime.ts';
import type { ServerFault } from '../support/servers/faults.ts';
import { auditLedger, auditLog, auditVersions, fatesOf } from './audit.ts';
import { hashState, ledgerMigrations, type Operation, operationsOf, Overdrawn, perform, readLedger } from './ledger.ts';
import type { JournalLine, Seen } from './protocol.ts';

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

  /** Once nothing fails any more: a new instance has all of it, and so has each of `others`. */
  async audit(others: readonly Database[]): Promise<Seen> {
    this.cloud.faults.clear();
    const [fresh, ...seen] = await Promise.all([await this.open(), ...others].map(see));
    const where = this.cloud.name;
    for (const each of seen) expect(each, where).toEqual(fresh);
    expect(auditLedger(fresh!.ledger, this.#journals, ['denied']), where).toEqual([]);
    const { store, name } = await this.bare();
    const log = await auditLog(store, name);
    expect(log.wrong, where).toEqual([]);
    expect(log.records.at(-1)?.version, where).toBe(fresh!.version);
    expect(auditVersions(fatesOf(this.#journals), log.records), where).toEqual([]);
    return fresh!;
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

const phasesByName: Readonly<Record<string, Phase>> = {
  'creating a record': { meets: isIn('log', 'create'), run: ({ post }) => post() },
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
  return { rig, database, post };
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
function expectedOf(cloud: Cloud, phase: Phase, expected: Expected): Expected {
  const asksCdn = cloud.name.endsWith('blob') && phase.meets({ operation: 'get', key: 'x.snapshots/ x.log/' });
  return asksCdn ? { ...expected, '403': expected === once ? done : failed } : expected;
}

/** Of all requests, one in so many meets each of these. */
const chances: readonly [FaultName, number][] = [
  ['delay', 0.02],
  ['cut-before', 0.03],
  ['cut-after', 0.03],
  ['cut-body', 0.02],
  ['500', 0.02],
  ['503', 0.004],
  ['429', 0.003],
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
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      clients.map(async ({ journal, operations }) => {
        for (let left = 4; left > 0; left--) {
          const operation = operations.next().value;
          if (canBeJudged(operation, journal)) await outcomeOfWrite(write(database, journal, operation));
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

/** A clash is one only with a member who is there for certain. */
function canBeJudged(operation: Operation, journal: readonly JournalLine[]): boolean {
  if (operation.kind !== 'clash') return true;
  return journal.some((line) => line.t === 'ack' && line.id === operation.member);
}

async function outcomeOfWrite(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    // The journal has it; what is not told of there is a defect.
    if (!isAppError(error) && !(error instanceof Overdrawn)) throw error;
  }
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

  /** None is left behind when another fails. */
  async function onEach(work: (cloud: Cloud) => Promise<void>): Promise<void> {
    const settled = await Promise.allSettled(started.map(work));
    for (const each of settled) if (each.status === 'rejected') throw each.reason;
  }

  describe.each(phases)('what fails while %s', (title) => {
    const phase = phasesByName[title]!;
    async function meet(cloud: Cloud, fault: FaultName, times: number, stage: Stage): Promise<string> {
      let met = 0;
      const matches = phase.meets;
      cloud.faults.add((request) => matches(cloud.describe(request)) && ++met > 0, faultOf(cloud, fault), times);
      const outcome = await outcomeOf(phase.run(stage));
      cloud.faults.clear();
      expect(met, `${cloud.name}: requests that met ${fault}`).toBeGreaterThan(0);
      return outcome;
    }

    it('once is survived', () =>
      onEach(async (cloud) => {
        const stage = await setStage(cloud);
        for (const [fault, expected] of Object.entries(expectedOf(cloud, phase, once)) as [FaultName, RegExp][])
          expect(await meet(cloud, fault, 1, stage), `${cloud.name}: ${fault}`).toMatch(expected);
        await stage.rig.audit([stage.database]);
      }));

    it('again and again is told, with what to do, and over when it is', () =>
      onEach(async (cloud) => {
        const stage = await setStage(cloud);
        for (const [fault, expected] of Object.entries(expectedOf(cloud, phase, always)) as [FaultName, RegExp][]) {
          expect(await meet(cloud, fault, Infinity, stage), `${cloud.name}: ${fault}`).toMatch(expected);
          await phase.run(stage);
        }
        await stage.rig.audit([stage.database]);
      }));
  });

  describe('faults at random', () => {
    it.each([1, 2])('over three instances that write, sync and begin again lose and double nothing (seed %i)', (seed) =>
      onEach(async (cloud) => {
        const random = seededRandom(seed);
        const rig = new Rig(cloud);
        let met = 0;
        for (const [fault, chance] of chances)
          cloud.faults.add(() => random() < chance && ++met > 0, faultOf(cloud, fault), Infinity);
        const instances = ['x', 'y', 'z'].map((name, index) => live(rig, name, seededRandom(seed * 100 + index)));
        const databases = await Promise.all(instances);
        await rig.audit(databases);
        expect(met).toBeGreaterThan(20);
      }),
    );
  });
});
