/**
 * Sequences: numbers that are taken outside of any transaction, so that no row image shows them.
 *
 * Owns: how far each has come, here and in the log. The worst that can happen: a number given out twice; so a replica moves
 * a sequence on to where a record says that it was, and never back.
 */
import type { SequenceChange } from './record.ts';
import { quoteTable, type Session } from './sql.ts';

interface Sequence {
  readonly schema: string;
  readonly name: string;
  /** The number that it gives next. */
  readonly next: bigint;
  readonly isUsed: boolean;
}

/** What is known of the sequences of one database, so that only those that moved are written to a record. */
export class SequenceMemory {
  readonly #session: Session;
  /** Their next numbers when they were last looked at; null: not known. */
  #seen: ReadonlyMap<string, bigint> | null = null;
  /** Their next numbers in records; null: not known. */
  #logged: Map<string, bigint> | null = null;

  constructor(session: Session) {
    this.#session = session;
  }

  forget(): void {
    this.#seen = null;
    this.#logged = null;
  }

  /** Before the first statement of a request: from here on it shows whether one of them takes a number. */
  async watch(): Promise<void> {
    this.#seen ??= nextNumbers(await readSequences(this.#session));
  }

  /**
   * After the last statement of a request: where the sequences are that moved. `isCommit`: something is written anyway, so
   * that those are in it, too, which a request moved that failed.
   */
  async moved(isCommit: boolean): Promise<SequenceChange[]> {
    if (this.#seen?.size === 0) return [];
    const sequences = await readSequences(this.#session);
    const didMove = sequences.some((sequence) => this.#seen?.get(idOf(sequence)) !== sequence.next);
    this.#seen = nextNumbers(sequences);
    if (!didMove && !isCommit) return [];
    const moved = sequences.filter((each) => each.isUsed && this.#logged?.get(idOf(each)) !== each.next);
    this.#logged = nextNumbers(sequences);
    return moved.map(changeOf);
  }

  /** Moves the sequence to where the change says that it was. */
  async move({ schema = 'main', sequence, next }: SequenceChange): Promise<void> {
    this.#seen = null;
    this.#logged?.set(idOf({ schema, name: sequence }), BigInt(next));
    await moveSequence(this.#session, schema, sequence, BigInt(next));
  }
}

function idOf({ schema, name }: Pick<Sequence, 'schema' | 'name'>): string {
  return quoteTable({ schema, table: name });
}

function nextNumbers(sequences: readonly Sequence[]): Map<string, bigint> {
  return new Map(sequences.map((sequence) => [idOf(sequence), sequence.next]));
}

function changeOf({ schema, name, next }: Sequence): SequenceChange {
  return { ...(schema === 'main' ? {} : { schema }), sequence: name, next: String(next) };
}

/** `last_value` and `start_value` are the next number in a file that was opened again, until two have been taken: only the text is right. */
const nextNumber = String.raw`regexp_extract(sql, ' START (-?\d+) (?:NO )?CYCLE;$', 1)::HUGEINT`;

async function readSequences(session: Session): Promise<Sequence[]> {
  const rows = await session.rows(
    `SELECT schema_name, sequence_name, ${nextNumber}, last_value IS NOT NULL FROM duckdb_sequences()
     WHERE database_name = current_database() AND NOT temporary`,
  );
  return rows.map(([schema, name, next, isUsed]) => ({
    schema: String(schema),
    name: String(name),
    next: next as bigint,
    isUsed: isUsed === true,
  }));
}

async function moveSequence(session: Session, schema: string, name: string, next: bigint): Promise<void> {
  const [row] = await session.rows(
    `SELECT ${nextNumber}, increment_by, min_value, max_value, cycle FROM duckdb_sequences()
     WHERE database_name = current_database() AND schema_name = $1 AND sequence_name = $2`,
    [schema, name],
  );
  if (!row) return;
  const [present, step, min, max, isCycle] = row as [bigint, bigint, bigint, bigint, boolean];
  const steps = (next - present) / step;
  const [end, beginning] = step > 0n ? [max, min] : [min, max];
  const round = (end - present) / step + 1n + (next - beginning) / step;
  const count = steps < 0n && isCycle && round < mostRound ? round : steps;
  if (count <= 0n) return;
  const literal = quoteTable({ schema, table: name }).replaceAll("'", "''");
  await session.execute(`SELECT max(nextval('${literal}')) FROM range(${count})`);
}

/** A sequence that goes round in more steps is rather ahead, by what was taken and not committed. */
const mostRound = 1_000_000n;
