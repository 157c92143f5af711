/** Rows that may have changed before a table had its triggers make followers of the feed begin again. */
import { isOfExtension, isUsers } from '../../catalog/postgres.ts';
import { isAppError } from '../../errors.ts';
import type { Transactions } from './transactions.ts';
import type { Transaction } from './transaction.ts';

/** Migrations and triggers take turns. Whatever number, as long as nobody else locks it: "eider" in ASCII. */
const lockNumber = 0x6569646572;

export async function takeTurn(transaction: Transaction): Promise<void> {
  await transaction.rows('SELECT pg_advisory_xact_lock($1)', [lockNumber]);
}

/** How long others wait behind this for a table that somebody has open. */
const patienceMs = 1000;

export async function waitForTablesBriefly(transaction: Transaction): Promise<void> {
  await transaction.rows(`SELECT set_config('lock_timeout', '${patienceMs}', true)`);
}

/** A table without all of its triggers. */
export type Unwatched = {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** The whole that it is a part of; null when it is none. */
  readonly root: string | null;
  /** Why it cannot have them. */
  readonly reason: string | null;
};

/** Parts of a partitioned table have triggers of their own, for who writes into them by name. */
const unwatchedSql = `
  SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name,
    CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid::text END AS root,
    CASE WHEN c.relkind = 'f' THEN 'it is a foreign table'
      WHEN NOT has_table_privilege(c.oid, 'TRIGGER') THEN 'the user of DATABASE_URL may not make triggers on it' END AS reason
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND ${isUsers} AND NOT ${isOfExtension('pg_class', 'c.oid')}
    AND 4 > (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled <> 'D'
      AND t.tgname IN ('eider_insert', 'eider_update', 'eider_delete', 'eider_truncate'))
  ORDER BY c.oid`;

export function findUnwatched(transaction: Transaction): Promise<Unwatched[]> {
  return transaction.rows<Unwatched>(unwatchedSql);
}

/** Gives tables that this transaction has made their triggers, and tells of the rows that they have. */
export async function watchNew(transaction: Transaction, isNew: (table: Unwatched) => boolean): Promise<void> {
  const fresh = (await findUnwatched(transaction)).filter((table) => table.reason === null && isNew(table));
  const made = new Set(fresh.map(({ oid }) => oid));
  for (const { oid, root } of fresh) await watch(transaction, oid, root !== null && made.has(root) ? 'none' : 'rows');
}

async function watch(transaction: Transaction, oid: string, told: 'rows' | 'reset' | 'none'): Promise<string | null> {
  const [row] = await transaction.rows<{ reason: string | null }>(
    'SELECT eider.watch($1::oid::regclass, $2) AS reason',
    [oid, told],
  );
  return row?.reason ?? null;
}

export class TableWatch {
  readonly #transactions: Transactions;
  #unwatched: readonly Unwatched[] = [];
  readonly #tried = new Map<string, string>();
  #attaching: Promise<void> | null = null;

  constructor(transactions: Transactions) {
    this.#transactions = transactions;
  }

  /** Which tables the feed says nothing of, as sentences. */
  get warnings(): readonly string[] {
    return this.#unwatched.flatMap(({ oid, schema, name, reason }) => {
      const why = reason ?? this.#tried.get(oid);
      return why === undefined ? [] : [`The change feed tells nothing of the table ${schema}.${name}: ${why}.`];
    });
  }

  async look(transaction: Transaction): Promise<void> {
    this.#unwatched = await findUnwatched(transaction);
  }

  /**
   * Gives those that were found their triggers; `again`: also where it was tried in vain. What cannot be done is a warning.
   */
  attach(again = false): Promise<void> {
    const isDue = this.#unwatched.some(({ oid, reason }) => again || (reason === null && !this.#tried.has(oid)));
    if (!isDue && this.#attaching === null) return Promise.resolve();
    this.#attaching ??= this.#attachAll().finally(() => (this.#attaching = null));
    return this.#attaching;
  }

  async #attachAll(): Promise<void> {
    const attaching = this.#transactions.run((transaction) => this.#attachIn(transaction), { mode: 'upkeep' });
    await attaching.catch((error: unknown) => {
      if (!isAppError(error)) throw error;
      for (const { oid } of this.#unwatched) this.#tried.set(oid, error.message.replace(/\.$/, ''));
    });
  }

  async #attachIn(transaction: Transaction): Promise<void> {
    await takeTurn(transaction);
    await waitForTablesBriefly(transaction);
    const found = await findUnwatched(transaction);
    this.#tried.clear();
    for (const { oid, reason } of found) {
      if (reason !== null) continue;
      const refused = await watch(transaction, oid, 'reset');
      if (refused !== null) this.#tried.set(oid, refused);
    }
    this.#unwatched = found.filter(({ oid, reason }) => reason !== null || this.#tried.has(oid));
  }
}
