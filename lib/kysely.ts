/** [Kysely](https://kysely.dev) on a database of Eider's, or on one of its transactions. */
import type { Dialect } from 'kysely';
import { isPlainSelect, kyselyResult, SessionDialect } from './db/dialect.ts';
import type { EiderDatabase, Transaction } from './index.ts';
import type { PlainValue } from './values.ts';

/**
 * What Kysely needs to build queries for the database and run them. Kysely's own `transaction()` is refused, as it could
 * not run again on a conflict: begin with `db.transaction`, and make a Kysely of what that gives.
 *
 * @example
 * const kysely = new Kysely<DB>({ dialect: kyselyDialect(db) }); // DB: what `eider types` writes
 * await db.transaction(async (tx) => {
 *   const inside = new Kysely<DB>({ dialect: kyselyDialect(tx) });
 *   await inside.updateTable('books').set({ pages: 250 }).where('isbn', '=', isbn).execute();
 * });
 */
export function kyselyDialect(on: EiderDatabase | Transaction): Dialect {
  return new SessionDialect(async ({ sql, parameters, query }) => {
    const values = parameters.map(plain);
    const run =
      'run' in on ? on.run(sql, values) : isPlainSelect(query) ? on.query(sql, values) : on.execute(sql, values);
    const result = await run;
    return kyselyResult(result, [...result.rows]);
  });
}

/** What clients of PostgreSQL may hand over besides plain values. */
function plain(value: unknown): PlainValue {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'bigint' ? String(value) : (value as PlainValue);
}
