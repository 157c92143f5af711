/** Rows that may have changed before a table had its triggers make followers of the feed begin again. */
import { type RelationName, relationId } from '../../catalog/catalog.ts';
import { isOfExtension, isUsers } from '../../catalog/postgres.ts';
import { AppError, isAppError } from '../../errors.ts';
import { noteReset } from './schema-of-eider.ts';
import type { Transactions } from './transactions.ts';
import type { PostgresTransaction } from './transaction.ts';

/** An advisory lock, so that migrations and triggers take turns. The number is "eider" in ASCII. */
const lockNumber = 0x6569646572;

export async function takeTurn(transaction: PostgresTransaction): Promise<void> {
  await transaction.rows('SELECT pg_advisory_xact_lock($1)', [lockNumber]);
}

/** How long other transactions may wait behind this one for a table that is in use. */
const lockTimeoutMs = 1000;

export async function waitForTablesBriefly(transaction: PostgresTransaction): Promise<void> {
  await transaction.rows(`SELECT set_config('lock_timeout', '${lockTimeoutMs}', true)`);
}

/** A table without all of its triggers. */
export type Unwatched = {
  readonly oid: string;
  readonly schema: string;
  readonly name: string;
  /** The name of what it is a part of, else its own: `public.students`. */
  readonly whole: string;
  /** The whole that it is a part of; null when it is none. */
  readonly root: string | null;
  /** Why it cannot have them. */
  readonly reason: string | null;
};

const isOwned = `pg_has_role(c.relowner, 'USAGE')`;

/**
 * Whether a table has all triggers, and they fire. Where only owners can have them fire always, ORIGIN is enough; on a
 * table of the user's it means that they were switched off meanwhile (pg_restore --disable-triggers).
 */
export const isWatched = `4 = (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = c.oid
  AND (t.tgenabled = 'A' OR t.tgenabled = 'O' AND NOT ${isOwned})
  AND t.tgname IN ('eider_insert', 'eider_update', 'eider_delete', 'eider_truncate'))`;

/**
 * Whether these triggers note all that a statement on the table does: a user's own trigger or rule, also one of a partition,
 * may do something else, and nothing of it is known where the statement's own rows are not changed.
 */
export const isTold = `c.relkind = 'r' AND NOT c.relhassubclass AND ${isWatched} AND NOT EXISTS (
    SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
      AND t.tgname NOT IN ('eider_insert', 'eider_update', 'eider_delete', 'eider_truncate'))
  AND NOT EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid)`;

/** None on a database whose triggers keep no tokens of transactions that were overtaken. */
const toldSql = `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE ${isUsers} AND to_regclass('eider.overtaken') IS NOT NULL AND ${isTold}`;

/** Partitions have triggers of their own, for writes that name them. */
const unwatchedSql = `
  SELECT c.oid::text AS oid, n.nspname AS schema, c.relname AS name,
    (SELECT wn.nspname || '.' || w.relname FROM pg_class w JOIN pg_namespace wn ON wn.oid = w.relnamespace
      WHERE w.oid = coalesce(pg_partition_root(c.oid)::oid, c.oid)) AS whole,
    CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid::text END AS root,
    CASE WHEN c.relkind = 'f' THEN 'it is a foreign table'
      WHEN NOT has_table_privilege(c.oid, 'TRIGGER') THEN
        format('the user of DATABASE_URL may not make triggers on it; its owner has to GRANT TRIGGER ON %I.%I TO %I',
          n.nspname, c.relname, current_user)
      WHEN NOT ${isOwned} AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname LIKE 'eider\\_%' AND t.tgenabled = 'D') THEN
        format('its triggers are switched off; its owner has to ALTER TABLE %I.%I ENABLE TRIGGER USER', n.nspname, c.relname)
      END AS reason
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND ${isUsers} AND NOT ${isOfExtension('pg_class', 'c.oid')}
    AND (has_table_privilege(c.oid, 'SELECT') OR has_any_column_privilege(c.oid, 'SELECT')) AND NOT (${isWatched})
  ORDER BY c.oid`;

/** Tables whose triggers do not fire for rows that come by replication: only the owner of a table can have them do so. */
const silentSql = `
  SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_trigger t ON t.tgrelid = c.oid AND t.tgname = 'eider_insert'
  WHERE t.tgenabled = 'O' AND NOT ${isOwned} AND ${isUsers} ORDER BY c.oid`;

/** What Citus keeps of tables whose rows are on other servers; null where there is no Citus. */
const distributedSql = `SELECT to_regclass('pg_catalog.pg_dist_partition')::text AS list`;

type WatchedTable = { readonly schema: string; readonly name: string };

/** COMMIT may say there that it failed once a worker has committed: the write would be done twice. */
async function findDistributed(transaction: PostgresTransaction): Promise<readonly WatchedTable[]> {
  const [row] = await transaction.rows(distributedSql);
  if (typeof row?.['list'] !== 'string') return [];
  return transaction.rows<WatchedTable>(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_catalog.pg_dist_partition d
     JOIN pg_class c ON c.oid = d.logicalrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${isUsers} ORDER BY c.oid`,
  );
}

export function findUnwatched(transaction: PostgresTransaction): Promise<Unwatched[]> {
  return transaction.rows<Unwatched>(unwatchedSql);
}

/** Adds triggers to the tables that this transaction created, and puts their rows into the feed. */
export async function watchNew(transaction: PostgresTransaction, isNew: (table: Unwatched) => boolean): Promise<void> {
  const fresh = (await findUnwatched(transaction)).filter((table) => table.reason === null && isNew(table));
  const made = new Set(fresh.map(({ oid }) => oid));
  for (const { oid, root } of fresh) await watch(transaction, oid, root !== null && made.has(root) ? 'none' : 'rows');
}

async function watch(transaction: PostgresTransaction, oid: string, existing: 'rows' | 'none'): Promise<string | null> {
  const [row] = await transaction.rows<{ reason: string | null }>(
    'SELECT eider.watch($1::oid::regclass, $2) AS reason',
    [oid, existing],
  );
  return row?.reason ?? null;
}

export class TableWatch {
  readonly #transactions: Transactions;
  #unwatched: readonly Unwatched[] = [];
  #silent: readonly WatchedTable[] = [];
  #distributed: readonly WatchedTable[] = [];
  #told: ReadonlySet<string> = new Set();
  readonly #tried = new Map<string, string>();
  #attaching: Promise<void> | null = null;

  constructor(transactions: Transactions) {
    this.#transactions = transactions;
  }

  /** What the feed says nothing of, and what keeps writes away, as sentences. */
  get warnings(): readonly string[] {
    const silent = this.#silent.map(
      ({ schema, name }) =>
        `The change feed tells nothing of rows that come to ${schema}.${name} by replication: its owner has to ENABLE ALWAYS its triggers eider_insert, eider_update, eider_delete and eider_truncate.`,
    );
    const distributed = this.#distributed.length === 0 ? [] : [refusal(this.#distributed).message];
    return [...distributed, ...this.#unwatchedSentences(), ...silent];
  }

  /** @throws AppError `denied` where a write may be done though it is said to have failed */
  requireWritable(): void {
    if (this.#distributed.length > 0) throw refusal(this.#distributed);
  }

  /** Whether the triggers note every change of the table, and a statement on it does nothing else. */
  isTold(table: RelationName): boolean {
    return this.#told.has(relationId(table));
  }

  #unwatchedSentences(): readonly string[] {
    return this.#unwatched.flatMap((table) => {
      const why = this.#whyNot(table);
      return why === null ? [] : [`The change feed tells nothing of the table ${table.schema}.${table.name}: ${why}.`];
    });
  }

  #whyNot({ oid, reason }: Unwatched): string | null {
    return reason ?? this.#tried.get(oid) ?? null;
  }

  /** Of a feed that is read in this transaction. */
  async findUntold(transaction: PostgresTransaction): Promise<readonly string[]> {
    this.#unwatched = await findUnwatched(transaction);
    return this.#unwatched.map(({ whole }) => whole);
  }

  async look(transaction: PostgresTransaction): Promise<void> {
    const [unwatched, silent, distributed, told] = await Promise.all([
      findUnwatched(transaction),
      transaction.rows<WatchedTable>(silentSql),
      findDistributed(transaction),
      transaction.rows<WatchedTable>(toldSql),
    ]);
    this.#unwatched = unwatched;
    this.#silent = silent;
    this.#distributed = distributed;
    this.#told = new Set(told.map(relationId));
  }

  /**
   * Gives those that were found their triggers; `again`: also where it was tried in vain. What cannot be done is a warning.
   * Whether anything was tried.
   */
  async attach(again = false): Promise<boolean> {
    const isDue = again || this.#unwatched.some((table) => this.#whyNot(table) === null);
    if (!isDue && this.#attaching === null) return false;
    this.#attaching ??= this.#attachAll().finally(() => (this.#attaching = null));
    await this.#attaching;
    return true;
  }

  async #attachAll(): Promise<void> {
    const attaching = this.#transactions.run((transaction) => this.#attachIn(transaction), { mode: 'upkeep' });
    await attaching.catch((error: unknown) => {
      if (!isAppError(error)) throw error;
      for (const { oid } of this.#unwatched) this.#tried.set(oid, error.message.replace(/\.$/, ''));
    });
  }

  async #attachIn(transaction: PostgresTransaction): Promise<void> {
    await takeTurn(transaction);
    await waitForTablesBriefly(transaction);
    const found = (await findUnwatched(transaction)).filter(({ reason }) => reason === null);
    this.#tried.clear();
    for (const { oid } of found) {
      const refused = await watch(transaction, oid, 'none');
      if (refused !== null) this.#tried.set(oid, refused);
    }
    // Nobody knows what was written meanwhile, a table that is empty now may have lost rows.
    if (found.length > this.#tried.size) await transaction.rows(noteReset);
    await this.look(transaction);
  }
}

function refusal(distributed: readonly WatchedTable[]): AppError {
  const names = distributed.map(({ schema, name }) => `${schema}.${name}`).join(', ');
  return new AppError('denied', `Citus has distributed ${names}, so nothing is written to this database.`, {
    hint: 'There, a failed COMMIT may have happened on a worker. Run undistribute_table, or write without Eider.',
  });
}
