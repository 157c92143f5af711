/**
 * Dropping changes that are old enough, oldest first.
 *
 * Owns: how old. Who reads the changes from a version on learns from `dropped` whether some are gone that it would have
 * needed. The worst that can happen: a gap that nobody sees; so the mark moves in the transaction that deletes.
 */
import type { Transaction } from './transaction.ts';

const batch = 20_000;

export interface Dropped {
  readonly records: number;
  readonly mayBeMore: boolean;
}

/**
 * Drops a batch of changes, and answers how many and whether there may be more. Only whole versions, and only such as
 * all before them are old enough, too: a version is given out when a transaction begins, its changes come later.
 */
export async function dropOldChanges(transaction: Transaction, retainMs: number): Promise<Dropped> {
  const [row] = await transaction.rows(
    // Before version 15 there is no min() or max() of transaction ids.
    `WITH oldest AS MATERIALIZED (
        SELECT version, at <= clock_timestamp() - $1::bigint * interval '1 millisecond' AS old
        FROM eider.changes ORDER BY version, ordinal LIMIT ${batch}
      ),
      young AS (SELECT version FROM oldest WHERE NOT old ORDER BY version LIMIT 1),
      whole AS (
        SELECT o.version FROM oldest o
        WHERE NOT EXISTS (SELECT FROM young WHERE young.version <= o.version) AND NOT EXISTS (
          SELECT FROM eider.changes c
          WHERE c.version = o.version AND c.at > clock_timestamp() - $1::bigint * interval '1 millisecond'
        )
        ORDER BY o.version DESC LIMIT 1
      ),
      deleted AS (DELETE FROM eider.changes c USING whole WHERE c.version <= whole.version RETURNING 1),
      marked AS (UPDATE eider.state SET dropped = greatest(dropped, whole.version) FROM whole)
    SELECT (SELECT count(*) FROM deleted)::int AS dropped, (SELECT count(*) FROM oldest)::int AS seen`,
    [retainMs],
  );
  const records = Number(row?.['dropped']);
  return { records, mayBeMore: records > 0 && Number(row?.['seen']) === batch };
}
