/**
 * One run of the property test: statements on two instances in turn, and after each commit the same state everywhere.
 */
import { type DatabaseState, differencesOf, withoutSigns } from '../../support/database-state.ts';
import { Instances, stateIn } from './instances.ts';
import type { Library } from './library.ts';
import { answersDiffer, isOfOwnRule, Oracle } from './oracle.ts';
import type { Plan, PlannedStep, PlannedWrite } from './replay-plan.ts';
import { differencesBeyond, GivenNumbers, numbersGivenTwice } from './sequences.ts';
import type { Tally } from './tally.ts';
import { describeTrace, ReplayFailure, type Trace, type TracedStep, type TracedWrite } from './trace.ts';
import {
  LastSchema,
  type Outcome,
  sourceOfIntents,
  sourceOfStatements,
  type StatementSource,
  transact,
} from './transaction.ts';

interface Write {
  readonly instance: number;
  readonly source: StatementSource;
  readonly catches: boolean;
}

type Step =
  | { readonly kind: 'write'; readonly write: Write }
  | { readonly kind: 'together'; readonly writes: readonly Write[] }
  | Exclude<PlannedStep, { readonly kind: 'write' | 'together' }>;

/** Makes the plan's statements and runs them. Throws `ReplayFailure`. */
export function runPlan(library: Library, plan: Plan, tally?: Tally): Promise<void> {
  const last = new LastSchema();
  const ofWrite = ({ instance, intents, catches }: PlannedWrite): Write => ({
    instance,
    source: sourceOfIntents(intents, plan.allowsVolatile, last),
    catches,
  });
  const ofStep = (step: PlannedStep): Step => {
    if (step.kind === 'write') return { kind: 'write', write: ofWrite(step.write) };
    return step.kind === 'together' ? { kind: 'together', writes: step.writes.map(ofWrite) } : step;
  };
  const beginning = plan.beginning.map((intent, index) => ({ instance: index % 2, intents: [intent], catches: false }));
  const first = beginning.map((write): Step => ({ kind: 'write', write: ofWrite(write) }));
  return new Run(library, plan.allowsVolatile, tally).run([...first, ...plan.steps.map(ofStep)], first.length);
}

/** Runs the statements of a trace. Throws `ReplayFailure`. */
export function runTrace(library: Library, { steps, allowsVolatile }: Trace): Promise<void> {
  const ofWrite = ({ instance, statements, catches }: TracedWrite): Write => ({
    instance,
    source: sourceOfStatements(statements),
    catches,
  });
  const ofStep = (step: TracedStep): Step => {
    if (step.kind === 'write') return { kind: 'write', write: ofWrite(step.write) };
    return step.kind === 'together' ? { kind: 'together', writes: step.writes.map(ofWrite) } : step;
  };
  return new Run(library, allowsVolatile).run(steps.map(ofStep), 0);
}

/** How many commits pass between two looks at the instances: a replica that follows, against the one that wrote. */
const commitsBetweenLooks = 3;

class Run {
  readonly #instances: Instances;
  readonly #tally: Tally | undefined;
  readonly #trace: TracedStep[] = [];
  readonly #allowsVolatile: boolean;
  #oracle!: Oracle;
  #fromLog!: DatabaseState;
  /** Whether the oracle's values are to be believed. */
  #hasOracle: boolean;
  /** Whether a sequence may be further on there than the log says, as numbers of failed transactions do not come back. */
  readonly #isAhead = [false, false];
  readonly #isVague = [false, false];
  #hasCheckpoint = false;
  readonly #given = new GivenNumbers();
  #commits = 0;

  constructor(library: Library, allowsVolatile: boolean, tally?: Tally) {
    this.#instances = new Instances(library);
    this.#allowsVolatile = allowsVolatile;
    this.#hasOracle = !allowsVolatile;
    this.#tally = tally;
  }

  /** Instances are compared from step `quiet` on, and at the end with a replica that is made of the log. */
  async run(steps: readonly Step[], quiet: number): Promise<void> {
    try {
      this.#oracle = await Oracle.open();
      await this.#instances.openWriters();
      for (const [index, step] of steps.entries()) {
        const before = this.#commits;
        await this.#perform(step);
        if (index >= quiet && this.#commits > before && this.#commits % commitsBetweenLooks === 0)
          await this.#compareInstances();
      }
      await this.#finish();
    } catch (error) {
      if (error instanceof ReplayFailure) throw error;
      // A record that cannot be applied, say.
      this.#fail([`Something that must go well failed: ${(error as Error).stack ?? String(error)}`]);
    } finally {
      this.#oracle.close();
      await this.#instances.close();
    }
  }

  async #perform(step: Step): Promise<void> {
    if (step.kind === 'write') await this.#write(step.write);
    else if (step.kind === 'together') await this.#writeTogether(step.writes);
    else {
      this.#trace.push(step);
      this.#hasCheckpoint = true;
      if (step.kind === 'sync') await this.#instances.writer(step.instance).sync();
      else await this.#restart(step.instance, step.keepsReplica);
    }
  }

  /** Of a file that is opened, DuckDB does not say which number comes next. */
  async #restart(instance: number, keepsReplica: boolean): Promise<void> {
    await this.#instances.restart(instance, keepsReplica);
    this.#isVague[instance] = true;
    this.#hasOracle &&= !this.#hasSequences();
  }

  async #write(write: Write): Promise<void> {
    const database = this.#instances.writer(write.instance);
    // So that the transaction runs once: what it takes from a sequence in vain does not come back.
    await database.read(async () => undefined);
    const outcome = await transact(database, write.source, write.catches);
    this.#trace.push({ kind: 'write', write: traced(write, outcome) });
    this.#tally?.add(outcome);
    if (outcome.error !== null) await this.#noteFailure(write.instance, outcome);
    else await this.#requireCommitted(outcome);
  }

  /** What it left there, the other instance does not have: the next look finds it. */
  async #noteFailure(instance: number, { statements, error }: Outcome): Promise<void> {
    if (error!.name !== 'AppError') this.#fail([`an error that is not of the contract: ${error!.stack}`]);
    this.#isAhead[instance] = true;
    if (this.#hasSequences()) this.#hasOracle = false;
    if (!this.#hasOracle || statements.some(({ isForbidden }) => isForbidden === true)) return;
    const answers = await this.#oracle.transact(statements);
    if (answers instanceof Error) return;
    if (!isOfOwnRule(error!)) this.#fail(['Refused, though DuckDB runs it:', error!.message]);
    this.#tally?.addRefusal(statements.at(-1)!, error!);
    // It committed there: its word counts no more.
    this.#hasOracle = false;
  }

  async #requireCommitted(outcome: Outcome): Promise<void> {
    this.#commits++;
    const { statements, hasCaught } = outcome;
    if (!hasCaught && statements.some(({ isForbidden }) => isForbidden === true))
      this.#fail(['A statement ran that must not.']);
    this.#noteNumbers(outcome);
    if (hasCaught) this.#hasOracle = false;
    if (this.#hasOracle) await this.#askOracle(outcome);
  }

  #noteNumbers({ statements, answers, hasCaught }: Outcome): void {
    const again = hasCaught ? [] : this.#given.add(statements, answers);
    if (again.length > 0) this.#fail(again);
  }

  async #askOracle({ statements, answers }: Outcome): Promise<void> {
    const expected = await this.#oracle.transact(statements);
    if (expected instanceof Error) return this.#fail([`DuckDB itself refuses this: ${expected.message}`]);
    const reasons = expected.flatMap((answer, index) => {
      const difference = answersDiffer(answer, answers[index]!);
      return difference === null ? [] : [`Statement ${index + 1} ${difference}`];
    });
    if (reasons.length > 0) this.#fail(reasons);
  }

  async #writeTogether(writes: readonly Write[]): Promise<void> {
    const outcomes = await Promise.all(
      writes.map(({ instance, source, catches }) => transact(this.#instances.writer(instance), source, catches)),
    );
    this.#trace.push({ kind: 'together', writes: writes.map((write, index) => traced(write, outcomes[index]!)) });
    for (const outcome of outcomes) this.#tally?.add(outcome);
    this.#isAhead.fill(true);
    this.#hasOracle = false;
    if (outcomes.some(({ error }) => error === null)) this.#commits++;
    const bad = outcomes.find(
      ({ statements, error, hasCaught }) =>
        error === null && !hasCaught && statements.some(({ isForbidden }) => isForbidden === true),
    );
    if (bad) this.#fail(['A statement ran that must not.']);
  }

  #state(instance: number): Promise<DatabaseState> {
    return stateIn(this.#instances.writer(instance), this.#hasMacros());
  }

  #hasMacros(): boolean {
    return /MACRO|FUNCTION/.test(describeTrace({ steps: this.#trace, allowsVolatile: false }));
  }

  #hasSequences(): boolean {
    return /SEQUENCE/.test(describeTrace({ steps: this.#trace, allowsVolatile: false }));
  }

  /** Each follows the other's records. */
  async #compareInstances(): Promise<void> {
    const [a, b] = [await this.#state(0), await this.#state(1)];
    const isVague = [...this.#isAhead, ...this.#isVague].includes(true);
    const what = 'Instance A (expected) and instance B (found) differ';
    this.#require(what, a, isVague ? { ...b, sequences: a.sequences } : b, false);
    if (!this.#hasOracle) return;
    const alone = await this.#oracle.state(this.#hasMacros());
    this.#require('DuckDB itself (expected) and instance A (found) differ', alone, a, false);
  }

  /** Everyone against a replica that begins now: the writers, each of which follows the other's records; and DuckDB alone. */
  async #compareReplicas(): Promise<void> {
    const fresh = await this.#instances.withAnother('log', (database) => stateIn(database, this.#hasMacros()));
    for (const instance of [0, 1]) {
      const what = `A replica made of the log (expected) and instance ${'AB'.charAt(instance)} (found) differ`;
      const state = await this.#state(instance);
      const sequences = this.#isVague[instance] === true ? fresh.sequences : state.sequences;
      this.#require(what, fresh, { ...state, sequences }, this.#isAhead[instance] === true);
    }
    this.#fromLog = fresh;
    if (!this.#hasOracle) return;
    const alone = await this.#oracle.state(this.#hasMacros());
    this.#require('DuckDB itself (expected) and a replica made of the log (found) differ', alone, fresh, false);
  }

  /** At the end: a replica from the newest snapshot, and from each instance in turn the next number of every sequence. */
  async #finish(): Promise<void> {
    await this.#compareReplicas();
    await this.#instances.withAnother('snapshot', async (another) => {
      const { sequences } = this.#fromLog;
      const what = 'A replica made of the log (expected) and one made of the snapshot (found) differ';
      this.#require(what, this.#fromLog, { ...(await stateIn(another, this.#hasMacros())), sequences }, false);
      const [a, b] = [this.#instances.writer(0), this.#instances.writer(1)];
      const twice = await numbersGivenTwice([another, b, another, a, b], this.#fromLog);
      if (twice.length > 0) this.#fail(twice);
    });
  }

  #require(what: string, one: DatabaseState, other: DatabaseState, mayBeAhead: boolean): void {
    const [expected, actual] = this.#hasCheckpoint ? [withoutSigns(one), withoutSigns(other)] : [one, other];
    const differences = mayBeAhead ? differencesBeyond(expected, actual) : differencesOf(expected, actual);
    if (differences.length > 0) this.#fail([`${what}:`, ...differences]);
  }

  #fail(reasons: readonly string[]): never {
    throw new ReplayFailure(reasons, { steps: this.#trace, allowsVolatile: this.#allowsVolatile });
  }
}

function traced({ instance, catches }: Write, { statements }: Outcome): TracedWrite {
  return { instance, catches, statements };
}
