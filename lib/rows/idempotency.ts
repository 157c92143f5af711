/**
 * Doing a write once for a key that the client made up, however often it is sent.
 *
 * It is written in the transaction of the write itself, so that there is never one without the other, on any instance
 * and after any crash. A write that failed leaves no key: nothing was done, and sending it again decides again.
 */
import { sql } from 'kysely';
import { AppError } from '../errors.ts';
import { momentOfMillis } from '../datetime.ts';
import type { EngineName, PlainValue, Queries } from '../values.ts';

/** `key` and `fingerprint` are hashes. As JSON, they are part of a command. */
export type Idempotency = {
  readonly key: string;
  /** Hash of the request: the same key with a different hash is a mistake. */
  readonly fingerprint: string;
  /** The time of the request as rows write it (`2026-11-24T04:05:06.123000Z`). */
  readonly at: string;
};

export interface Once<T> {
  readonly value: T;
  /** Whether it was done before, and this is the answer of then. */
  readonly replayed: boolean;
}

/** How an answer is kept, and made again of what was kept. */
export interface AnswerForms<T> {
  keep(value: T): PlainValue;
  restore(kept: PlainValue): T;
}

const keyTable = 'eider.idempotency_keys';
const dayMs = 86_400_000;
/** Expired keys that one write removes, at most. */
const mostRemoved = 200;

interface KeptAnswer {
  readonly fingerprint: string;
  readonly answer: string;
  readonly at: string;
}

export interface KeyTable {
  readonly queries: Queries;
  readonly engine: EngineName;
}

/** Runs `work`, or answers what it answered under this key in the last 24 hours. */
export async function once<T>(
  table: KeyTable,
  idempotency: Idempotency,
  work: () => Promise<T>,
  forms: AnswerForms<T>,
): Promise<Once<T>> {
  const { queries } = table;
  const { key, fingerprint, at } = idempotency;
  const cutoff = momentOfMillis(Date.parse(at) - dayMs);
  const claimed = table.engine === 'postgres' ? await claim(queries, idempotency) : null;
  const kept = claimed === null ? await findKey(queries, key) : null;
  const isExpired = kept !== null && kept.at < cutoff;
  if (kept && !isExpired) {
    if (kept.fingerprint !== fingerprint) throw keyOfAnother();
    return { value: forms.restore(JSON.parse(kept.answer) as PlainValue), replayed: true };
  }
  const value = await work();
  const row = { fingerprint, answer: JSON.stringify(forms.keep(value)), at };
  const update = queries.updateTable(keyTable).set(row);
  if (claimed !== null) await update.where(sql<boolean>`ctid = cast(${claimed} as tid)`).execute();
  else if (isExpired) await update.where('key', '=', key).execute();
  else
    await queries
      .insertInto(keyTable)
      .values({ key, ...row })
      .execute();
  if (removesExpired(table, key)) await removeExpired(queries, cutoff);
  return { value, replayed: false };
}

/**
 * Enters the key unless it is there: where the row is, null when it was there. To PostgreSQL who looks for a key first has
 * read all that one page of the index may have, and others that enter keys of their own there are in his way.
 */
async function claim(queries: Queries, { key, fingerprint, at }: Idempotency): Promise<string | null> {
  const entered = await queries
    .insertInto(keyTable)
    .values({ key, fingerprint, answer: '', at })
    .onConflict((conflict) => conflict.doNothing())
    .returning(sql<string>`cast(ctid as text)`.as('place'))
    .executeTakeFirst();
  return entered?.['place'] ?? null;
}

/** The answer given under this key; null when there is none. For callers that have only the key. */
export async function answerOf<T>(queries: Queries, key: string, forms: AnswerForms<T>): Promise<T | null> {
  const kept = await findKey(queries, key);
  return kept === null ? null : forms.restore(JSON.parse(kept.answer) as PlainValue);
}

async function findKey(queries: Queries, key: string): Promise<KeptAnswer | null> {
  const found = await queries
    .selectFrom(keyTable)
    .select(['fingerprint', 'answer', 'at'])
    .where('key', '=', key)
    .executeTakeFirst();
  return found ? (found as unknown as KeptAnswer) : null;
}

/**
 * One write in eight: decided by the key, so that a second run of the write decides the same. On PostgreSQL one in 64: who
 * looks for expired keys has read the whole table there, and of two that do so at once one begins again.
 */
function removesExpired({ engine }: KeyTable, key: string): boolean {
  return (engine === 'postgres' ? /^[048c]0/ : /^[08]/).test(key);
}

async function removeExpired(queries: Queries, cutoff: string): Promise<void> {
  const expired = queries
    .selectFrom(keyTable)
    .select('key')
    .where(sql<boolean>`${sql.ref('at')} < cast(${cutoff} as timestamptz)`)
    .orderBy('at')
    .limit(mostRemoved);
  await queries.deleteFrom(keyTable).where('key', 'in', expired).execute();
}

function keyOfAnother(): AppError {
  return new AppError('invalid', 'This Idempotency-Key was used for another request.', {
    hint: 'Use a new key for each operation, and the same key only to repeat the same request.',
    fields: [{ path: 'idempotency-key', message: 'was used for another request' }],
  });
}
