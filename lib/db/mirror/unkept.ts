/**
 * What PostgreSQL keeps no changes of, and so is looked at whole at each refresh: definitions, sequences, and the rows of
 * tables without triggers.
 */
import type { Catalog } from '../../catalog/catalog.ts';
import type { SequenceChange } from '../../sync/record.ts';
import { fingerprintOf } from '../move/earlier.ts';
import { definitionsOfPostgres, sequencesOfPostgres } from '../move/postgres-definitions.ts';
import type { PostgresSession } from '../move/postgres-session.ts';
import type { MovedSums } from '../move/report.ts';
import { lastOf, type MovedSequence } from '../move/tables.ts';

/** As JSON, a part of the mirror's note. */
export interface Unkept {
  /** A text that other definitions change; where sequences are does not. */
  readonly definitions: string;
  readonly sums: MovedSums;
  readonly sequences: readonly SequenceChange[];
}

export async function readUnkept(postgres: PostgresSession, catalog: Catalog, sums: MovedSums): Promise<Unkept> {
  const found = await definitionsOfPostgres(postgres, catalog);
  const sequences = found.sequences.map((sequence) => ({ ...sequence, next: null }));
  const definitions = fingerprintOf(catalog, { ...found, sequences });
  return { definitions, sums, sequences: found.sequences.map(changeTo) };
}

/** After the rows whose numbers they gave. */
export async function readSequences(postgres: PostgresSession, current: string): Promise<readonly SequenceChange[]> {
  return (await sequencesOfPostgres(postgres, current)).map(changeTo);
}

function changeTo(sequence: MovedSequence): SequenceChange {
  const { duckdb, next, increment } = sequence;
  const name = { ...(duckdb.schema === 'main' ? {} : { schema: duckdb.schema }), sequence: duckdb.name };
  return { ...name, next: String(next ?? lastOf(sequence) + increment) };
}

/** A replica takes each number on the way: where these are more, the mirror is copied. */
const mostNumbers = 1_000_000n;

/** Those that are elsewhere now; null when it is too far. */
export function movedSequences({ sequences }: Unkept, now: readonly SequenceChange[]): SequenceChange[] | null {
  const before = new Map(sequences.map((each) => [JSON.stringify([each.schema, each.sequence]), each.next]));
  const moved: SequenceChange[] = [];
  for (const each of now) {
    const next = before.get(JSON.stringify([each.schema, each.sequence])) ?? '0';
    const way = BigInt(each.next) - BigInt(next);
    if (way > mostNumbers || way < -mostNumbers) return null;
    if (way !== 0n) moved.push(each);
  }
  return moved;
}
