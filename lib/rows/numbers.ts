/**
 * Sequences and numbers that another database gave: a row that comes with one moves the sequence of its column on, so that
 * the number is not given again.
 */
import type { Relation } from '../catalog/catalog.ts';
import type { Scope } from '../db/database.ts';
import type { Row } from '../values.ts';
import { textOf } from './values.ts';

/** A row that is further ahead was not numbered by a sequence like this one. */
const mostAhead = 1_000_000n;

export async function passNumbers(scope: Scope, relation: Relation, rows: readonly Row[]): Promise<void> {
  for (const column of relation.columns) {
    const call = /^nextval\((?:[^()']|'[^']*')+\)$/i.exec(column.default ?? '')?.[0];
    const given = rows.map((row) => textOf(row[column.name] ?? null)).filter((text) => /^\d+$/.test(text));
    if (call === undefined || given.length === 0) continue;
    const greatest = given.map(BigInt).reduce((a, b) => (a > b ? a : b));
    const [[next]] = (await scope.run(`SELECT ${call}`)).rows as [[string]];
    const ahead = greatest - BigInt(next);
    if (ahead > 0n && ahead <= mostAhead) await scope.run(`SELECT max(${call}) FROM generate_series(1, ${ahead})`);
  }
}
