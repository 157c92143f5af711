/**
 * Clients: each does one operation after the other on some process, remembers what it saw, and gives up on those that take
 * too long. All of it is recorded.
 */
import type { AppError } from '../../lib/errors.ts';
import type { Database } from '../../lib/db/database.ts';
import { describeReply, describeRequest, type Recorded, type Reply, type Request } from './history.ts';
import type { Library } from './library.ts';
import { Violation } from './violation.ts';
import { hour, minute, type Plan, second } from './plan.ts';
import type { Population } from './population.ts';
import type { Process } from './process.ts';
import { chooseProjectWrite } from './projects.ts';
import { Refusal } from './refusal.ts';
import { accountIds, type Command, performOnce, readState, registerIds, stateText, type Write } from './workload.ts';
import type { Chance, World } from './world.ts';

export interface ClientsOptions {
  readonly world: World;
  readonly plan: Plan;
  readonly library: Library;
  readonly population: Population;
  readonly fail: (error: unknown) => void;
}

/** A client remembers the newest version that it saw, and the last value of each register. */
interface Memory {
  readonly name: string;
  readonly chance: Chance;
  /** Of SQL on projects: drawn beside, so that all else is as without it. */
  readonly projectChance: Chance;
  bookmark: number;
  /** Up to which version it has followed the feed. */
  followed: number;
  readonly registers: Map<string, number>;
}

/** How often a client sends what it has a key for. */
const mostAttempts = 4;
const stalenessChoices = [10 * second, 5 * minute, hour];

export class Clients {
  readonly history: Recorded[] = [];
  readonly writes = new Map<string, Write>();
  /** Names of pending writes that no longer fitted when their turn came, as the primary lists them at the end. */
  readonly rejected = new Set<string>();
  readonly #options: ClientsOptions;
  readonly #world: World;
  #values = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
    this.#world = options.world;
  }

  start(): Promise<unknown> {
    const { clients } = this.#options.plan;
    return Promise.all(Array.from({ length: clients }, (_, index) => this.#live(this.#remember(`c${index + 1}`))));
  }

  #remember(name: string): Memory {
    return {
      name,
      chance: this.#world.chance(`client ${name}`),
      projectChance: this.#world.chance(`projects of ${name}`),
      bookmark: 0,
      followed: 0,
      registers: new Map(),
    };
  }

  async #live(memory: Memory): Promise<void> {
    const { plan } = this.#options;
    for (let count = 0; count < plan.operations; count++) {
      const pause = memory.chance() < 0.4 ? memory.chance() * 5 : -Math.log(1 - memory.chance()) * plan.thinkMs;
      await this.#world.wait(pause, null);
      const process = await this.#choose(memory);
      if (memory.chance() < plan.syncShare) await this.#sync(process);
      else await this.#perform(memory, process, this.#request(memory), memory.chance() < 0.5 ? minute : 10 * second);
    }
  }

  async #choose({ chance }: Memory): Promise<Process> {
    for (;;) {
      const { ready } = this.#options.population;
      if (ready.length > 0) return ready[Math.floor(chance() * ready.length)]!;
      await this.#world.wait(second, null);
    }
  }

  // ---- what is asked ----

  #request(memory: Memory): Request {
    const { chance, bookmark } = memory;
    if (chance() < 0.35) return { kind: 'read', maxStalenessMs: 0, bookmark };
    if (chance() < 0.12) {
      return { kind: 'read', maxStalenessMs: stalenessChoices[Math.floor(chance() * 3)]!, bookmark };
    }
    if (chance() < 0.06) return { kind: 'follow', after: memory.followed };
    const drawn = this.#chooseWrite(memory);
    const { projectChance } = memory;
    const write = projectChance() < this.#options.plan.projectShare ? chooseProjectWrite(projectChance) : drawn;
    return { kind: 'write', write, isKeyed: chance() < 0.25 };
  }

  #chooseWrite(memory: Memory): Write {
    const { chance, registers } = memory;
    const one = <T>(all: readonly T[]): T => all[Math.floor(chance() * all.length)]!;
    if (chance() < this.#options.plan.spoilShare)
      return { kind: 'spoiled', how: one(['throws', 'violates', 'hides']), key: one(accountIds) };
    const drawn = chance();
    const key = one(registerIds);
    if (drawn < 0.25) return { kind: 'set', key, value: ++this.#values };
    if (drawn < 0.45) return { kind: 'cas', key, from: registers.get(key) ?? 0, to: ++this.#values };
    if (drawn < 0.7)
      return {
        kind: 'transfer',
        from: one(accountIds.slice(0, 2)),
        to: one(accountIds.slice(2)),
        amount: Math.ceil(chance() * 40),
      };
    const member = `m${Math.floor(chance() * 12)}`;
    if (drawn < 0.85) return { kind: 'add', key: member };
    return drawn < 0.95 ? { kind: 'remove', key: member } : { kind: 'peek' };
  }

  // ---- how it is done ----

  /** Asks, and waits for the answer for at most `patienceMs`; a later answer is recorded all the same. */
  async #perform(memory: Memory, process: Process, request: Request, patienceMs: number): Promise<Recorded> {
    const recorded: Recorded = {
      id: `${memory.name}-${this.history.length}`,
      client: memory.name,
      process: process.name,
      request,
      asked: this.#world.stamp(),
      askedMs: this.#world.nowMs,
      answered: Infinity,
      reply: { kind: 'unknown' },
      attempts: 0,
      refusedAttempts: [],
    };
    this.history.push(recorded);
    if (request.kind === 'write') this.writes.set(recorded.id, request.write);
    this.#world.note(memory.name, `asks ${process.name} ${recorded.id}: ${describeRequest(request)}`);
    const attempt = async (on: Process): Promise<unknown> => {
      recorded.attempts++;
      const done = this.#ask(on, recorded, memory).catch(this.#options.fail);
      return Promise.race([done, on.died, this.#world.wait(patienceMs, null)]);
    };
    await attempt(process);
    const isSentAgain = (): boolean => request.kind === 'write' && request.isKeyed && recorded.reply.kind === 'unknown';
    while (isSentAgain() && recorded.attempts < mostAttempts) await attempt(await this.#choose(memory));
    return recorded;
  }

  async #ask(process: Process, recorded: Recorded, memory: Memory): Promise<void> {
    // A frozen process hears of it later.
    await this.#world.wait(memory.chance() * 2, process);
    const begun = this.#world.stamp();
    const reply = await process.run(() => this.#answer(process, recorded));
    // Its answer dies with it.
    if (process.isDead) return;
    if (recorded.reply.kind !== 'unknown') {
      this.#requireSame(recorded, reply);
      return;
    }
    // Of several attempts, one may still do what another was refused.
    if (recorded.attempts > 1 && reply.kind !== 'ok' && reply.kind !== 'pending') {
      if (reply.kind === 'refused' && this.#isKeyValid(recorded)) recorded.refusedAttempts.push(begun);
      return;
    }
    recorded.reply = reply;
    if (reply.kind !== 'unknown') recorded.answered = this.#world.stamp();
    this.#world.note(memory.name, `${recorded.id}: ${describeReply(reply)}`);
    if (reply.kind === 'pending') void process.run(() => process.database?.maintain());
    if (reply.kind !== 'ok') return;
    memory.bookmark = Math.max(memory.bookmark, reply.version);
    if (recorded.request.kind === 'follow')
      memory.followed =
        reply.answer === 'dropped' ? reply.version : memory.followed + reply.answer.split(';').filter(Boolean).length;
    for (const key of registerIds) {
      const seen = new RegExp(`\\b${key}=(\\d+)`).exec(reply.answer)?.[1];
      if (seen !== undefined) memory.registers.set(key, Number(seen));
    }
    if (recorded.request.kind === 'write') this.#afterWrite(process, recorded.request.write, memory);
  }

  /** A key is kept for a day, by clocks that are hours off; a sleeper may run its attempt later than that. */
  #isKeyValid({ askedMs }: Recorded): boolean {
    return this.#world.nowMs - askedMs < 12 * hour;
  }

  /** Whatever attempt is answered, it is the same answer. */
  #requireSame(recorded: Recorded, other: Reply): void {
    const { id, reply } = recorded;
    if (!this.#isKeyValid(recorded)) return;
    if (reply.kind !== 'ok' || other.kind !== 'ok' || reply.answer === other.answer) return;
    throw new Violation('a key decides once', `${id} was answered "${reply.answer}" and "${other.answer}"`);
  }

  #afterWrite(process: Process, write: Write, { registers, chance }: Memory): void {
    if (write.kind === 'set') registers.set(write.key, write.value);
    if (write.kind === 'cas') registers.set(write.key, write.to);
    if (chance() < 0.5) void process.run(() => process.database?.maintain());
  }

  async #answer(process: Process, { id, request }: Recorded): Promise<Reply> {
    const database = process.database!;
    try {
      if (request.kind === 'write') {
        return await this.#write(process, database, { ...request, id });
      }
      if (request.kind === 'follow') return await this.#follow(database, request.after);
      const { maxStalenessMs, bookmark } = request;
      const { value, version, degraded } = await database.read(
        async (queries, scope) => stateText(await readState(queries, scope)),
        {
          maxStalenessMs,
          ...(bookmark > 0 ? { atLeast: bookmark } : {}),
          // Every other read is one that has no transaction where no commit is made meanwhile.
          ...(/[02468]$/.test(id) ? { together: `state ${id}` } : {}),
        },
      );
      return degraded === undefined ? { kind: 'ok', version, answer: value } : { kind: 'degraded', answer: value };
    } catch (error) {
      const reply = this.#replyOf(error, id);
      if (reply) return reply;
      const isBookmark = request.kind === 'read' && request.bookmark > 0 && (error as AppError).kind === 'invalid';
      throw new Violation(
        isBookmark ? 'bookmarks never go back' : 'errors are of the contract',
        `${id}: ${String(error)}`,
      );
    }
  }

  async #write({ runtime }: Process, database: Database, { id, write, isKeyed }: Command): Promise<Reply> {
    const { library } = this.#options;
    const { value, version, durability } = await database.write(
      (queries, scope) => performOnce({ library, runtime, queries, scope, id, write, isKeyed }),
      { command: { id, write, isKeyed } },
    );
    return durability === 'pending' ? { kind: 'pending', answer: value } : { kind: 'ok', version, answer: value };
  }

  /** The feed as a text: for each version the names of its operations. */
  async #follow(database: Database, after: number): Promise<Reply> {
    const { value, version } = await database.changes({ after, limit: 5 });
    if (after < value.oldest) return { kind: 'ok', version, answer: 'dropped' };
    const sets = value.sets.map(({ version: each, changes }) => {
      const signed = changes.flatMap((change) =>
        change.kind === 'put' && change.table === 'journal' ? change.rows : [],
      );
      return [each, ...signed.map((row) => row['id'] as string)].join(' ');
    });
    return { kind: 'ok', version, answer: sets.join(';') };
  }

  /** Null for an error that nobody should see. */
  #replyOf(error: unknown, id: string): Reply | null {
    const { AppError } = this.#options.library;
    const isDangling = error instanceof AppError && error.sqlState === '23503';
    const isRefusal =
      error instanceof Refusal || isDangling || (error instanceof AppError && error.kind === 'conflict');
    // By which state it was refused is not told: that of a standby is an old one.
    if (isRefusal && this.#options.plan.standsIn) return { kind: 'failed', error: 'conflict' };
    if (error instanceof Refusal) return { kind: 'refused', reason: error.message };
    if (isDangling) return { kind: 'refused', reason: 'dangling' };
    if (!(error instanceof AppError)) throw new Violation('errors are of the contract', `${id}: ${String(error)}`);
    if (error.kind === 'conflict') return { kind: 'refused', reason: 'duplicate' };
    if (error.kind === 'indeterminate') return { kind: 'unknown' };
    const { plan } = this.#options;
    const isDamaged = plan.faults.damaged > 0 || plan.troubles.rotMs < Infinity;
    if (error.kind === 'corrupt' && !isDamaged)
      throw new Violation('nothing whole is called damaged', `${id}: ${error.message}`);
    return error.kind === 'unavailable' || error.kind === 'corrupt' ? { kind: 'failed', error: error.kind } : null;
  }

  async #sync(process: Process): Promise<void> {
    this.#world.note('cron', `asks ${process.name} to sync`);
    const done = this.#world
      .wait(1, process)
      .then(() => process.run(() => process.database!.sync()))
      .then(
        ({ version, dropped }) => `synced at ${version}, dropped ${dropped.records} and ${dropped.snapshots}`,
        (error: unknown) => {
          if (!this.#replyOf(error, 'sync'))
            throw new Violation('errors are of the contract', `sync: ${String(error)}`);
          return `could not sync: ${(error as { kind?: string }).kind}`;
        },
      )
      .then((what) => this.#world.note(process.name, what))
      .catch(this.#options.fail);
    await Promise.race([done, process.died, this.#world.wait(minute, null)]);
  }

  // ---- the end ----

  /** In peace: everyone must be able to read and write, and so must a process that knows nothing. */
  async finish(): Promise<void> {
    const { population, plan } = this.#options;
    if (plan.standsIn) await this.#runPending();
    for (const process of population.ready)
      await this.#mustDo(process, { kind: 'read', maxStalenessMs: 0, bookmark: 0 });
    for (const process of population.ready) {
      await this.#mustDo(process, {
        kind: 'write',
        write: { kind: 'set', key: 'x', value: ++this.#values },
        isKeyed: false,
      });
    }
    const fresh = await population.startAnother();
    await this.#mustDo(fresh, { kind: 'read', maxStalenessMs: 0, bookmark: 0 });
    await fresh.run(() => fresh.database!.sync());
    if (plan.adopts) await this.#requireTakenOver(fresh);
    const adopted = new Set<number>();
    for (const process of population.ready) {
      await this.#mustDo(process, { kind: 'read', maxStalenessMs: 0, bookmark: 0 });
      if (plan.adopts) adopted.add(await this.#countAdopted(process));
    }
    if (adopted.size > 1)
      throw new Violation('same state at the same version', `replicas have ${[...adopted].join(' and ')} adopted rows`);
  }

  /** In peace every process finds back to its primary, and runs what is pending. */
  async #runPending(): Promise<void> {
    // What one has run, another one clears away that knows of it.
    for (let round = 0; round < 2; round++)
      for (const process of this.#options.population.ready) await this.#mustSync(process);
    const [process] = this.#options.population.ready;
    const { value } = await process!.run(() =>
      process!.database!.read((queries) =>
        queries.selectFrom('eider.settled_writes').select('pending_write').where('outcome', '=', 'rejected').execute(),
      ),
    );
    for (const { pending_write: kept } of value)
      this.rejected.add((JSON.parse(String(kept)) as { command: Command }).command.id);
  }

  async #mustSync(process: Process): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await process.run(() => process.database!.sync());
        return;
      } catch (error) {
        if (attempt === mostAttempts)
          throw new Violation('it goes on', `${process.name} cannot sync in peace: ${String(error)}`);
      }
      await this.#world.wait(minute, null);
    }
  }

  /** What an adopted file says of references holds, and its tables can be written. */
  async #requireTakenOver(process: Process): Promise<void> {
    for (const sql of ['INSERT INTO legacy_lines VALUES (-1)', 'DELETE FROM legacy WHERE id = 0']) {
      const refused: unknown = await process
        .run(() => process.database!.write((_, scope) => scope.run(sql)))
        .catch((error: unknown) => error);
      if ((refused as { sqlState?: unknown }).sqlState !== '23503')
        throw new Violation('references hold', `${sql} on an adopted file: ${JSON.stringify(refused)}`);
    }
  }

  async #countAdopted(process: Process): Promise<number> {
    const { value } = await process.run(() =>
      process.database!.read((queries) => queries.selectFrom('legacy').selectAll().execute()),
    );
    return value.length;
  }

  async #mustDo(process: Process, request: Request): Promise<void> {
    const memory = this.#remember(`end${this.history.length}`);
    let recorded = await this.#perform(memory, process, request, 10 * minute);
    // What went on before may still be settled by the first.
    if (recorded.reply.kind !== 'ok') recorded = await this.#perform(memory, process, request, 10 * minute);
    if (recorded.reply.kind === 'ok') return;
    throw new Violation(
      'it goes on',
      `${process.name} answers ${recorded.id} in peace: ${describeReply(recorded.reply)}`,
    );
  }
}
