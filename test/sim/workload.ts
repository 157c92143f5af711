/**
 * What clients do: operations on registers, a set and a bank, and on projects by SQL (projects.ts), each with a model in
 * plain JavaScript that says what it must do to any state and answer. Each write also leaves its name in a journal, so the log tells where it went.
 */
import type { Migration } from '../../lib/catalog/migrations.ts';
import type { Runtime } from '../../lib/runtime.ts';
import type { PlainValue, Queries } from '../../lib/values.ts';
import type { Scope } from '../../lib/db/database.ts';
import type { Library } from './library.ts';
import {
  changeProjects,
  copyProjects,
  emptyProjects,
  isProjectWrite,
  nothing,
  performProjectWrite,
  type Projects,
  type ProjectsModel,
  projectsSql,
  projectsText,
  type ProjectWrite,
  readProjects,
} from './projects.ts';
import { Refusal } from './refusal.ts';

export const accountIds = ['alice', 'bob', 'carol', 'dave'];
const openingBalance = 100;

const workloadMigration: Migration = {
  name: '0001_workload',
  sql: `
    CREATE TABLE registers (id VARCHAR PRIMARY KEY, value INTEGER NOT NULL);
    CREATE TABLE accounts (id VARCHAR PRIMARY KEY, balance INTEGER NOT NULL);
    CREATE TABLE members (id VARCHAR PRIMARY KEY, added INTEGER NOT NULL);
    CREATE TABLE journal (id VARCHAR PRIMARY KEY);
    INSERT INTO accounts VALUES ${accountIds.map((id) => `('${id}', ${openingBalance})`).join(', ')};`,
};

/** Two, as some runs allow little in one record. */
export const workloadMigrations: readonly Migration[] = [
  workloadMigration,
  { name: '0002_projects', sql: projectsSql },
];

export const totalBalance = accountIds.length * openingBalance;
export const registerIds = ['x', 'y'];

export interface State {
  readonly registers: ReadonlyMap<string, number>;
  readonly accounts: ReadonlyMap<string, number>;
  readonly members: ReadonlyMap<string, number>;
  readonly journal: ReadonlySet<string>;
  readonly projects: Projects;
}

/** An operation that writes. `spoiled` ones change something and then fail, in three ways. */
export type Write =
  | ProjectWrite
  | { readonly kind: 'set'; readonly key: string; readonly value: number }
  | { readonly kind: 'cas'; readonly key: string; readonly from: number; readonly to: number }
  | { readonly kind: 'transfer'; readonly from: string; readonly to: string; readonly amount: number }
  | { readonly kind: 'add' | 'remove'; readonly key: string }
  | { readonly kind: 'peek' }
  | { readonly kind: 'spoiled'; readonly how: 'throws' | 'violates' | 'hides'; readonly key: string };

/** What an operation answers: a text, equal exactly when the answers are. `refused` also has the state's reason. */
export type Outcome = { readonly ok: true; readonly answer: string } | { readonly ok: false; readonly reason: string };

/** Runs the operation named `id` in a transaction of the database. Answers what the model's `outcome` would. */
async function performWrite({ queries, scope, id, write }: Performance): Promise<string> {
  if (isProjectWrite(write)) {
    const answer = await performProjectWrite((sql, values) => scope.run(sql, values), write);
    if (answer !== nothing) await sign(queries, id);
    return answer;
  }
  switch (write.kind) {
    case 'set':
      return performSet(queries, id, write);
    case 'cas':
      return performCas(queries, id, write);
    case 'transfer':
      return performTransfer(queries, id, write);
    case 'add':
      await queries.insertInto('members').values({ id: write.key, added: 1 }).execute();
      await sign(queries, id);
      return 'added';
    case 'remove': {
      const gone = await queries.deleteFrom('members').where('id', '=', write.key).returning('id').execute();
      // Without a trace where there was nothing: a write that changes nothing.
      if (gone.length > 0) await sign(queries, id);
      return gone.length > 0 ? 'removed' : nothing;
    }
    case 'peek':
      return stateText(await readState(queries, scope));
    case 'spoiled':
      return performSpoiled(queries, id, write);
  }
}

/** A write as data, complete enough to be run later. */
export interface Command {
  readonly id: string;
  readonly write: Write;
  /** Whether it is run under a key of its own, because it may be sent again. */
  readonly isKeyed: boolean;
}

export interface Performance extends Command {
  readonly library: Library;
  readonly runtime: Pick<Runtime, 'now'>;
  readonly queries: Queries;
  readonly scope: Scope;
}

/** Runs a write, under its key if it has one. */
export async function performOnce(performance: Performance): Promise<string> {
  const { library, runtime, queries, id, write, isKeyed } = performance;
  if (!isKeyed) return performWrite(performance);
  const at = new Date(runtime.now()).toISOString().replace('Z', '000Z');
  const forms = { keep: (value: string) => value, restore: (kept: PlainValue) => kept as string };
  const terms = { key: id, fingerprint: write.kind, at };
  return (await library.once({ queries, engine: 'duckdb' }, terms, () => performWrite(performance), forms)).value;
}

async function sign(queries: Queries, id: string): Promise<void> {
  await queries.insertInto('journal').values({ id }).execute();
}

async function register(queries: Queries, key: string): Promise<number | null> {
  const row = await queries.selectFrom('registers').select('value').where('id', '=', key).executeTakeFirst();
  return row ? Number(row['value']) : null;
}

async function putRegister(queries: Queries, key: string, value: number, isNew: boolean): Promise<void> {
  if (isNew) await queries.insertInto('registers').values({ id: key, value }).execute();
  else await queries.updateTable('registers').set({ value }).where('id', '=', key).execute();
}

async function performSet(queries: Queries, id: string, { key, value }: Write & { kind: 'set' }): Promise<string> {
  const before = await register(queries, key);
  await putRegister(queries, key, value, before === null);
  await sign(queries, id);
  return `was ${before}`;
}

async function performCas(queries: Queries, id: string, { key, from, to }: Write & { kind: 'cas' }): Promise<string> {
  const found = await register(queries, key);
  if (found !== from) throw new Refusal(`found ${found}`);
  await putRegister(queries, key, to, false);
  await sign(queries, id);
  return 'swapped';
}

async function performTransfer(
  queries: Queries,
  id: string,
  { from, to, amount }: Write & { kind: 'transfer' },
): Promise<string> {
  const rows = await queries.selectFrom('accounts').selectAll().where('id', 'in', [from, to]).execute();
  const balances = new Map(rows.map((row) => [String(row['id']), Number(row['balance'])]));
  const [source, target] = [balances.get(from)! - amount, balances.get(to)! + amount];
  if (source < 0) throw new Refusal(`has ${source + amount}`);
  await queries.updateTable('accounts').set({ balance: source }).where('id', '=', from).execute();
  await queries.updateTable('accounts').set({ balance: target }).where('id', '=', to).execute();
  await sign(queries, id);
  return `${source} ${target}`;
}

async function performSpoiled(
  queries: Queries,
  id: string,
  { how, key }: Write & { kind: 'spoiled' },
): Promise<string> {
  await queries.updateTable('accounts').set({ balance: 1_000_000 }).where('id', '=', key).execute();
  await sign(queries, id);
  if (how === 'throws') throw new Refusal('spoiled');
  const again = sign(queries, id);
  if (how === 'violates') await again;
  // Takes the error for settled: DuckDB has given the transaction up all the same.
  else await again.catch(() => undefined);
  return 'spoiled';
}

export async function readState(queries: Queries, scope: Scope): Promise<State> {
  const [registers, accounts, members, journal] = [
    await queries.selectFrom('registers').selectAll().execute(),
    await queries.selectFrom('accounts').selectAll().execute(),
    await queries.selectFrom('members').selectAll().execute(),
    await queries.selectFrom('journal').selectAll().execute(),
  ];
  const pairs = (rows: readonly Record<string, unknown>[], column: string): Map<string, number> =>
    new Map(rows.map((row) => [String(row['id']), Number(row[column])]));
  return {
    registers: pairs(registers, 'value'),
    accounts: pairs(accounts, 'balance'),
    members: pairs(members, 'added'),
    journal: new Set(journal.map((row) => String(row['id']))),
    projects: await readProjects(async (sql) => (await scope.run(sql)).rows),
  };
}

/** A state as one text, whatever the order of its rows. */
export function stateText({ registers, accounts, members, journal, projects }: State): string {
  const pairs = (map: ReadonlyMap<string, number>): string =>
    [...map]
      .map(([key, value]) => `${key}=${value}`)
      .toSorted()
      .join(' ');
  return `registers ${pairs(registers)}; accounts ${pairs(accounts)}; members ${pairs(members)}; journal ${[...journal].toSorted().join(' ')}; ${projectsText(projects)}`;
}

// ---- the model ----

/** A state that the model may change. */
export interface Model {
  registers: Map<string, number>;
  accounts: Map<string, number>;
  members: Map<string, number>;
  journal: Set<string>;
  projects: ProjectsModel;
}

export function emptyModel(): Model {
  return {
    registers: new Map(),
    accounts: new Map(),
    members: new Map(),
    journal: new Set(),
    projects: emptyProjects(),
  };
}

export function copyModel(model: State): Model {
  return {
    registers: new Map(model.registers),
    accounts: new Map(model.accounts),
    members: new Map(model.members),
    journal: new Set(model.journal),
    projects: copyProjects(model.projects),
  };
}

/**
 * What the operation does to `model`, which is left alone when it is refused. `number`: what the sequence gives to a task;
 * when nobody knows, some number that none has.
 */
export function applyToModel(
  model: Model,
  id: string,
  write: Write,
  number: number = model.projects.lastNumber + 1,
): Outcome {
  const outcome = isProjectWrite(write)
    ? outcomeOf(() => changeProjects(model.projects, write, number))
    : changeModel(model, write);
  const leavesTrace = outcome.ok && write.kind !== 'peek' && outcome.answer !== nothing;
  if (leavesTrace) model.journal.add(id);
  return outcome;
}

function outcomeOf(change: () => string): Outcome {
  try {
    return { ok: true, answer: change() };
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, reason: error.message };
    throw error;
  }
}

function changeModel(model: Model, write: Exclude<Write, ProjectWrite>): Outcome {
  switch (write.kind) {
    case 'set': {
      const before = model.registers.get(write.key) ?? null;
      model.registers.set(write.key, write.value);
      return { ok: true, answer: `was ${before}` };
    }
    case 'cas': {
      const found = model.registers.get(write.key) ?? null;
      if (found !== write.from) return { ok: false, reason: `found ${found}` };
      model.registers.set(write.key, write.to);
      return { ok: true, answer: 'swapped' };
    }
    case 'transfer': {
      const { from, to, amount } = write;
      const [source, target] = [model.accounts.get(from)! - amount, model.accounts.get(to)! + amount];
      if (source < 0) return { ok: false, reason: `has ${source + amount}` };
      model.accounts.set(from, source).set(to, target);
      return { ok: true, answer: `${source} ${target}` };
    }
    case 'add':
      if (model.members.has(write.key)) return { ok: false, reason: 'duplicate' };
      model.members.set(write.key, 1);
      return { ok: true, answer: 'added' };
    case 'remove':
      return { ok: true, answer: model.members.delete(write.key) ? 'removed' : nothing };
    case 'peek':
      return { ok: true, answer: stateText(model) };
    case 'spoiled':
      return { ok: false, reason: write.how === 'throws' ? 'spoiled' : 'duplicate' };
  }
}
