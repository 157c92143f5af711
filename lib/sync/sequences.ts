/** Sequences: numbers that are taken outside of any transaction, so that no row image shows them. */
import type { SequenceChange } from './record.ts';
import { quoteTable, type Session } from './sql.ts';

interface Sequence {
  readonly schema: string;
  readonly name: string;
  /** The number that it gives next; the one behind its end when it has none left. */
  readonly next: bigint;
  readonly isUsed: boolean;
  readonly step: bigint;
  readonly beginning: bigint;
  readonly end: bigint;
  readonly isCycle: boolean;
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
    const found = (await readSequences(this.#session)).find((each) => each.schema === schema && each.name === sequence);
    if (found) await takeNumbers(this.#session, found, numbersUntil(BigInt(next), found));
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

/**
 * `last_value` and `start_value` are the next number in a file that was opened again, until two have been taken: only the
 * text is right.
 */
const sequencesSql = String.raw`SELECT schema_name, sequence_name, increment_by, min_value, max_value, cycle,
  last_value IS NOT NULL, regexp_extract(sql, ' START (-?\d+) (?:NO )?CYCLE;$', 1)::HUGEINT
  FROM duckdb_sequences() WHERE database_name = current_database() AND NOT temporary`;

async function readSequences(session: Session): Promise<Sequence[]> {
  return (await session.rows(sequencesSql)).map((row) => {
    const [schema, name] = row.slice(0, 2).map(String) as [string, string];
    const [step, min, max] = row.slice(2, 5) as [bigint, bigint, bigint];
    const [isCycle, isUsed, counter] = row.slice(5) as [boolean, boolean, bigint];
    const [beginning, end] =
      step > 0n ? [min, lesser(max, mostCounter - step)] : [max, -lesser(-min, mostCounter + 1n + step)];
    // Asked for more than it has, a sequence fails and yet moves on, at last to the other end of all numbers.
    const isThere = step > 0n ? beginning <= counter && counter <= end : end <= counter && counter <= beginning;
    const next = isThere ? counter : end + (step > 0n ? 1n : -1n);
    return { schema, name, next, isUsed, step, beginning, end, isCycle };
  });
}

/** DuckDB 1.5 fails to give a number behind which its counter, of 64 bits, cannot go on. */
const mostCounter = 2n ** 63n - 1n;

function lesser(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** How many numbers to take so that `next` is the next. A sequence never goes back, but it may go round. */
function numbersUntil(next: bigint, { next: present, step, beginning, end, isCycle }: Sequence): bigint {
  if (next === present) return 0n;
  const isBehind = step > 0n ? present < next : present > next;
  const left = (end - present) / step + 1n;
  // From here to the end, which it is at when there is no next number.
  if (isBehind) return next === end + (step > 0n ? 1n : -1n) ? left : (next - present) / step;
  const round = left + (next - beginning) / step;
  return isCycle && round < mostRound ? round : 0n;
}

/** A sequence that goes round in more steps is rather ahead, by what was taken and not committed. */
const mostRound = 1_000_000n;

async function takeNumbers(session: Session, { schema, name }: Sequence, count: bigint): Promise<void> {
  if (count <= 0n) return;
  const literal = quoteTable({ schema, table: name }).replaceAll("'", "''");
  await session.execute(`SELECT max(nextval('${literal}')) FROM range(${count})`);
}
