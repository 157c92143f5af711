/** Counts what ran and what was refused, by kind of statement: a generator whose statements all fail proves nothing. */
import type { Statement } from '../../support/statements/statement.ts';
import type { Outcome } from './transaction.ts';

export class Tally {
  readonly #done = new Map<string, number>();
  readonly #failed = new Map<string, number>();
  /** Refused by Eider, and run by DuckDB: the reasons, each with the first statement. */
  readonly refusals = new Map<string, { count: number; readonly first: string }>();

  add({ statements, error }: Outcome): void {
    for (const [index, { kind = 'other' }] of statements.entries()) {
      const counts = error !== null && index === statements.length - 1 ? this.#failed : this.#done;
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
  }

  addRefusal({ sql }: Statement, error: Error): void {
    const reason = error.message.replaceAll(/"[^"]*"|\d+/g, '_').slice(0, 120);
    const refusal = this.refusals.get(reason) ?? { count: 0, first: sql };
    refusal.count++;
    this.refusals.set(reason, refusal);
  }

  describe(): string {
    const kinds = [...new Set([...this.#done.keys(), ...this.#failed.keys()])];
    const lines = kinds.map(
      (kind) => `  ${kind.padEnd(16)}${this.#done.get(kind) ?? 0} ran, ${this.#failed.get(kind) ?? 0} failed`,
    );
    const refused = [...this.refusals]
      .toSorted(([, a], [, b]) => b.count - a.count)
      .map(([reason, { count, first }]) => `  ${count} x ${reason}\n      ${first.slice(0, 300)}`);
    return [...lines, ...(refused.length > 0 ? ['Refused, though DuckDB runs them:', ...refused] : [])].join('\n');
  }

  done(kind: string): number {
    return this.#done.get(kind) ?? 0;
  }
}
