/**
 * The rows of a file that were found right, in a file of our own: so that the file that somebody sent is read once, by the
 * process that may break, and a commit reads what is known to be small and well-formed.
 *
 * Lines of JSON, compressed: `[0, …names]` where the columns change, then `[line, …values]`.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import type { PlainValue, Row } from '../values.ts';
import { decodePieces, linesOf } from './text.ts';

export interface ValidRow {
  /** The line on which it begins; in Parquet, which has no lines, its number from 1. */
  readonly line: number;
  readonly values: Row;
}

const pendingCharacters = 64 * 1024;

type SpoolLine = readonly [number, ...PlainValue[]];

export class SpoolWriter {
  readonly #file = createGzip({ level: 1 });
  readonly #written: Promise<void>;
  #names = '';
  #pending = '';

  constructor(path: string) {
    this.#written = pipeline(this.#file, createWriteStream(path, { flags: 'w', mode: 0o600 }));
    // `end` reports it.
    this.#written.catch(() => undefined);
  }

  /** Answers how many bytes of JSON its values and its names take. */
  async write({ line, values }: ValidRow): Promise<{ readonly values: number; readonly names: number }> {
    const names = JSON.stringify([0, ...Object.keys(values)]);
    if (names !== this.#names) await this.#add(names);
    this.#names = names;
    const text = JSON.stringify([line, ...Object.values(values)]);
    await this.#add(text);
    return { values: Buffer.byteLength(text), names: names.length };
  }

  async #add(text: string): Promise<void> {
    this.#pending += `${text}\n`;
    if (this.#pending.length < pendingCharacters) return;
    const isTaken = this.#file.write(this.#pending);
    this.#pending = '';
    if (!isTaken) await Promise.race([once(this.#file, 'drain'), this.#written]);
  }

  async end(): Promise<void> {
    this.#file.end(this.#pending);
    await this.#written;
  }
}

const mostRows = 1000;
const mostCharacters = 4 * 1024 * 1024;

/** The rows, so many at a time. */
export async function* roundsOf(path: string): AsyncGenerator<readonly ValidRow[]> {
  let [round, characters]: [ValidRow[], number] = [[], 0];
  let names: readonly string[] = [];
  for await (const text of linesOf(decodePieces(createReadStream(path).pipe(createGunzip())))) {
    const [line, ...values] = JSON.parse(text) as SpoolLine;
    if (line === 0) {
      names = values as readonly string[];
      continue;
    }
    round.push({ line, values: Object.fromEntries(names.map((name, index) => [name, values[index] ?? null])) });
    characters += text.length;
    if (round.length < mostRows && characters < mostCharacters) continue;
    yield round;
    [round, characters] = [[], 0];
  }
  if (round.length > 0) yield round;
}
