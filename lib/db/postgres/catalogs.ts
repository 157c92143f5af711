/**
 * Others change definitions without a word: a fingerprint is compared at most once a second, and at once when a
 * statement did not find a name.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import { readPostgresCatalog, readPostgresFingerprint } from '../../catalog/postgres.ts';
import type { Runtime } from '../../runtime.ts';
import { codeOf } from './errors.ts';
import type { PostgresTransaction } from './transaction.ts';

export const compareEveryMs = 1000;
/** The numbers of rows in it are rough, but should follow what is written. */
const estimatesMs = 60_000;

interface Known {
  readonly catalog: Catalog;
  readonly fingerprint: string;
  readonly readMs: number;
}

/** Undefined table, column, object, function; a constraint that ON CONFLICT does not find; no such schema. */
const notFoundCodes: ReadonlySet<string> = new Set(['42P01', '42703', '42704', '42883', '42P10', '3F000']);

export class PostgresCatalogs {
  readonly #runtime: Runtime;
  readonly #onChange: (transaction: PostgresTransaction) => Promise<void>;
  #known: Known | null = null;
  #comparedMs = -Infinity;

  /** `onChange`: called in the transaction in which definitions were found to have changed. */
  constructor(runtime: Runtime, onChange: (transaction: PostgresTransaction) => Promise<void>) {
    this.#runtime = runtime;
    this.#onChange = onChange;
  }

  get latest(): Catalog | null {
    return this.#known?.catalog ?? null;
  }

  /** Null when the database has to be asked for one that was right at `sinceMs` on the monotonic clock. */
  knownSince(sinceMs: number): Catalog | null {
    return this.#comparedMs >= sinceMs ? (this.#known?.catalog ?? null) : null;
  }

  /** The catalog for a transaction that has changed no definition. */
  async of(transaction: PostgresTransaction, withinMs = compareEveryMs): Promise<Catalog> {
    const now = this.#runtime.monotonicMs();
    const known = this.knownSince(now - Math.min(withinMs, compareEveryMs));
    if (known) return known;
    const before = this.#comparedMs;
    if (this.#known) this.#comparedMs = now;
    try {
      this.#known = await this.#compare(transaction, now);
      this.#comparedMs = now;
      return this.#known.catalog;
    } catch (error) {
      this.#comparedMs = before;
      throw error;
    }
  }

  /** Stands for all definitions that the transaction sees: judgements of a text hold as long as it does. */
  async fingerprintOf(transaction: PostgresTransaction): Promise<string> {
    await this.of(transaction);
    return this.#known?.fingerprint ?? '';
  }

  /** Has the next one compare: definitions were changed here, or a name was not found. */
  doubt(): void {
    this.#comparedMs = -Infinity;
  }

  /** Doubts the catalog when a statement failed for want of what it says is there. */
  judge(failure: unknown): void {
    if (notFoundCodes.has(codeOf(failure))) this.doubt();
  }

  async #compare(transaction: PostgresTransaction, now: number): Promise<Known> {
    const run = (sql: string) => transaction.rows(sql);
    const fingerprint = await readPostgresFingerprint(run);
    const known = this.#known;
    if (known?.fingerprint === fingerprint && now - known.readMs < estimatesMs) return known;
    const catalog = await readPostgresCatalog(run);
    if (known && known.fingerprint !== fingerprint) await this.#onChange(transaction);
    return { catalog, fingerprint, readMs: now };
  }
}
