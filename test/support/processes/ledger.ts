/**
 * The database that the processes of these tests share, and what they do to it. Each operation leaves something by
 * which a lost, doubled or halved write shows: counters count, balances keep their sum, a post is two rows.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Migration } from '../../../lib/catalog/migrations.ts';
import { migrations } from '../migrations.ts';
import type { Queries } from '../../../lib/values.ts';
import { quoteTable } from '../../../lib/sync/sql.ts';

export const counterIds: readonly number[] = [0, 1, 2, 3];
export const accountIds: readonly number[] = [0, 1, 2, 3, 4, 5];
export const openingBalance = 1000;

/** One write, as data. `id` is unique over all processes of a test. */
export type Operation =
  /** Two rows with one id in two tables. */
  | { readonly kind: 'post'; readonly id: string; readonly note: string }
  /** Reads a counter and writes it back with one more. Nothing but the count tells whether it happened. */
  | { readonly kind: 'increment'; readonly id: string; readonly counter: number }
  /** Moves money between accounts that have it, and leaves a receipt; else throws `Overdrawn`. */
  | {
      readonly kind: 'transfer';
      readonly id: string;
      readonly from: number;
      readonly to: number;
      readonly amount: number;
    }
  /** A member, with an e-mail address that nobody else has. */
  | { readonly kind: 'join'; readonly id: string; readonly member: string }
  /** Reads a member's revision and writes it back with one more. */
  | { readonly kind: 'revise'; readonly id: string; readonly member: string }
  | { readonly kind: 'leave'; readonly id: string; readonly member: string }
  /** Posts, then adds a member whose address another one has: must fail as a whole, with `conflict`. */
  | { readonly kind: 'clash'; readonly id: string; readonly member: string };

export class Overdrawn extends Error {
  override readonly name = 'Overdrawn';
}

const ledger: Migration = {
  name: '9001_ledger',
  sql: `
    CREATE TABLE counters (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
    CREATE TABLE accounts (id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
    CREATE TABLE posts (id VARCHAR PRIMARY KEY, note VARCHAR NOT NULL);
    CREATE TABLE twins (id VARCHAR PRIMARY KEY, note VARCHAR NOT NULL);
    CREATE TABLE receipts (id VARCHAR PRIMARY KEY, amount INTEGER NOT NULL);
    CREATE TABLE members (id VARCHAR PRIMARY KEY, email VARCHAR NOT NULL UNIQUE, revision INTEGER NOT NULL);
    INSERT INTO counters VALUES ${counterIds.map((id) => `(${id}, 0)`).join(', ')};
    INSERT INTO accounts VALUES ${accountIds.map((id) => `(${id}, ${openingBalance})`).join(', ')};`,
};

/** The product's own tables beside ours, as in a real database. */
export const ledgerMigrations: readonly Migration[] = [...migrations, ledger];

/** Runs one operation inside a write. */
export async function perform(queries: Queries, operation: Operation): Promise<void> {
  switch (operation.kind) {
    case 'post':
      return post(queries, operation);
    case 'increment':
      return addTo(queries, 'counters', operation.counter, 1);
    case 'transfer':
      await queries.insertInto('receipts').values({ id: operation.id, amount: operation.amount }).execute();
      await addTo(queries, 'accounts', operation.from, -operation.amount);
      return addTo(queries, 'accounts', operation.to, operation.amount);
    case 'join':
      return join(queries, operation.member, emailOf(operation.member));
    case 'revise':
      return revise(queries, operation.member);
    case 'leave':
      await queries.deleteFrom('members').where('id', '=', operation.member).execute();
      return;
    case 'clash':
      await post(queries, { id: operation.id, note: 'must not stay' });
      return join(queries, operation.id, emailOf(operation.member));
  }
}

async function post(queries: Queries, { id, note }: { id: string; note: string }): Promise<void> {
  await queries.insertInto('posts').values({ id, note }).execute();
  await queries.insertInto('twins').values({ id, note }).execute();
}

async function addTo(queries: Queries, table: 'accounts' | 'counters', id: number, amount: number): Promise<void> {
  const row = await queries.selectFrom(table).select('value').where('id', '=', id).executeTakeFirstOrThrow();
  const value = Number(row['value']) + amount;
  if (value < 0) throw new Overdrawn(`Account ${id} has too little.`);
  await queries.updateTable(table).set({ value }).where('id', '=', id).execute();
}

async function join(queries: Queries, id: string, email: string): Promise<void> {
  await queries.insertInto('members').values({ id, email, revision: 0 }).execute();
}

async function revise(queries: Queries, member: string): Promise<void> {
  const row = await queries.selectFrom('members').select('revision').where('id', '=', member).executeTakeFirst();
  // One whose joining was in doubt may not be there.
  if (!row) return;
  const revision = Number(row['revision']) + 1;
  await queries.updateTable('members').set({ revision }).where('id', '=', member).execute();
}

function emailOf(member: string): string {
  return `${member}@example.com`;
}

/** Everything that the operations write, by id. */
export interface LedgerState {
  readonly counters: Readonly<Record<string, number>>;
  readonly balances: Readonly<Record<string, number>>;
  /** The amounts of the transfers that happened. */
  readonly receipts: Readonly<Record<string, number>>;
  readonly posts: Readonly<Record<string, string>>;
  readonly twins: Readonly<Record<string, string>>;
  /** Revisions. */
  readonly members: Readonly<Record<string, number>>;
}

export async function readLedger(queries: Queries): Promise<LedgerState> {
  const column = async <T>(table: string, name: string): Promise<Record<string, T>> => {
    const rows = (await queries.selectFrom(table).select(['id', name]).orderBy('id').execute()) as {
      id: number | string;
      [name: string]: unknown;
    }[];
    return Object.fromEntries(rows.map((row) => [String(row.id), row[name] as T]));
  };
  return {
    counters: await column('counters', 'value'),
    balances: await column('accounts', 'value'),
    receipts: await column('receipts', 'amount'),
    posts: await column('posts', 'note'),
    twins: await column('twins', 'note'),
    members: await column('members', 'revision'),
  };
}

/** SHA-256 over every row of every table, in order: the engine's own tables, and so its position, among them. */
export async function hashState(queries: Queries): Promise<string> {
  const hash = createHash('sha256');
  const tables = await sql<{ schema: string; table: string }>`
    SELECT schema_name AS schema, table_name AS "table" FROM duckdb_tables()
    WHERE database_name = current_database() AND NOT internal AND NOT temporary ORDER BY ALL`.execute(queries);
  for (const table of tables.rows) {
    const name = quoteTable(table);
    const { rows } = await sql`SELECT * FROM ${sql.raw(name)} ORDER BY ALL`.execute(queries);
    hash.update(`${name}\n`);
    for (const row of rows) hash.update(`${JSON.stringify(row)}\n`);
  }
  return hash.digest('hex');
}

/**
 * What one client does, one operation after another, with members of its own. Is told of each whether it was
 * acknowledged: only of members that are there for certain a clash is asked for.
 */
export function* operationsOf(client: string, random: () => number): Generator<Operation, never, boolean> {
  const members: string[] = [];
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  for (let number = 0; ; number++) {
    const id = `${client}-${number}`;
    const dice = random();
    if (members.length === 0 || dice < 0.1) {
      if (yield { kind: 'join', id, member: id }) members.push(id);
    } else if (dice < 0.35) yield { kind: 'post', id, note: `note ${id}` };
    else if (dice < 0.6) yield { kind: 'increment', id, counter: pick(counterIds) };
    else if (dice < 0.8) {
      const from = pick(accountIds);
      const to = pick(accountIds.filter((account) => account !== from));
      yield { kind: 'transfer', id, from, to, amount: 1 + Math.floor(random() * 300) };
    } else if (dice < 0.9) yield { kind: 'revise', id, member: pick(members) };
    else if (dice < 0.95) yield { kind: 'clash', id, member: pick(members) };
    else yield { kind: 'leave', id, member: members.splice(Math.floor(random() * members.length), 1)[0]! };
  }
}
