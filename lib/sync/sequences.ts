/**
 * Sequences: numbers that are taken outside of any transaction, so that no row image shows them.
 *
 * Owns: how far each has come, here and in the log. The worst that can happen: a number given out twice; so a replica moves
 * a sequence on to where a record says that it was, and never back.
 */
import type { SequenceChange } from './record.ts';
import type { TableName } from './shapes.ts';
import { quoteTable, type Session } from './sql.ts';

interface Sequence {
  readonly schema: string;
  readonly name: string;
  /** Null before its first number. */
  readonly last: bigint | null;
}

/** What is known of the sequences of one database, so that only those that moved are told. */
export class SequenceMemory {
  readonly #session: Session;
  /** As they were when they were last looked at; null: not known. */
  #seen: ReadonlyMap<string, bigint | null> | null = null;
  /** Their last values in records; null: not known. */
  #logged: Map<string, bigint | null> | null = null;

  constructor(session: Session) {
    this.#session = session;
  }

  forget(): void {
    this.#seen = null;
    this.#logged = null;
  }

  /** Before the first statement of a request: from here on it shows whether one of them takes a number. */
  async watch(): Promise<void> {
    if (this.#seen) return;
    const sequences = await readSequences(this.#session);
    this.#seen = new Map(sequences.map((sequence) => [idOf(sequence), sequence.last]));
  }

  /**
   * After the last statement of a request: where the sequences are that moved. `isCommit`: something is written anyway, so
   * that those are told, too, which a request moved that was given up.
   */
  async moved(isCommit: boolean): Promise<SequenceChange[]> {
    if (this.#seen?.size === 0) return [];
    const sequences = await readSequences(this.#session);
    const seen = this.#seen;
    const isUntold = (sequence: Sequence): boolean =>
      sequence.last !== null && this.#logged?.get(idOf(sequence)) !== sequence.last;
    const didMove = sequences.some((sequence) => seen?.get(idOf(sequence)) !== sequence.last);
    this.#seen = new Map(sequences.map((sequence) => [idOf(sequence), sequence.last]));
    if (!didMove && !isCommit) return [];
    const untold = sequences.filter(isUntold);
    this.#logged = new Map(sequences.map((sequence) => [idOf(sequence), sequence.last]));
    return untold.map(changeOf);
  }

  /** Moves the sequence to where the change says that it was. */
  async move(change: SequenceChange): Promise<void> {
    const last = BigInt(change.last);
    this.#seen = null;
    this.#logged?.set(idOf({ schema: change.schema ?? 'main', name: change.sequence }), last);
    await moveSequence(this.#session, change.schema ?? 'main', change.sequence, last);
  }
}

function idOf({ schema, name }: Pick<Sequence, 'schema' | 'name'>): string {
  return quoteTable({ schema, table: name });
}

function changeOf({ schema, name, last }: Sequence): SequenceChange {
  return { ...(schema === 'main' ? {} : { schema }), sequence: name, last: String(last) };
}

/** Of the text of a sequence, which says that it starts with the next number. */
const next = `regexp_extract(sql, ' START (-?\\d+) (?:NO )?CYCLE;$', 1)::HUGEINT`;

/**
 * In a file that was opened again DuckDB's `last_value` is the next number, until that one is taken. One that is used up goes on
 * with each attempt, beyond its end.
 */
const lastValue = `CASE WHEN last_value IS NULL THEN NULL WHEN cycle THEN ${next} - increment_by
  ELSE least(greatest(${next} - increment_by, min_value), max_value) END`;

async function readSequences(session: Session): Promise<Sequence[]> {
  const rows = await session.rows(
    `SELECT schema_name, sequence_name, ${lastValue} FROM duckdb_sequences()
     WHERE database_name = current_database() AND NOT temporary`,
  );
  return rows.map(([schema, name, last]) => ({
    schema: String(schema),
    name: String(name),
    last: last as bigint | null,
  }));
}

async function moveSequence(session: Session, schema: string, name: string, last: bigint): Promise<void> {
  const [row] = await session.rows(
    `SELECT ${lastValue}, start_value, increment_by, min_value, max_value, cycle FROM duckdb_sequences()
     WHERE database_name = current_database() AND schema_name = $1 AND sequence_name = $2`,
    [schema, name],
  );
  if (!row) return;
  const [present, start, step, min, max, isCycle] = row as [bigint | null, bigint, bigint, bigint, bigint, boolean];
  const before = present ?? start - step;
  const steps = (last - before) / step;
  const [end, beginning] = step > 0n ? [max, min] : [min, max];
  const round = (end - before) / step + 1n + (last - beginning) / step;
  await takeNumbers(session, { schema, table: name }, steps < 0n && isCycle && round < mostRound ? round : steps);
}

/** A sequence that goes round in more steps is rather ahead, by what was taken and given up. */
const mostRound = 1_000_000n;

async function takeNumbers(session: Session, name: TableName, count: bigint): Promise<void> {
  if (count <= 0n) return;
  const literal = quoteTable(name).replaceAll("'", "''");
  await session.execute(`SELECT max(nextval('${literal}')) FROM range(${count})`);
}
