/** Texts that come in pieces, cut anywhere. */
import { AppError } from '../errors.ts';

export type Pieces = AsyncIterable<string>;

/** @throws AppError `invalid` for what is not UTF-8 */
export async function* decodePieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of chunks) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new AppError('invalid', 'The body is not UTF-8.', { cause: error });
  }
}

/** A line, a record of CSV or a row of Parquet that is longer is none: somewhere an end is missing. */
export const mostCharacters = 1024 * 1024;

/** Each line without its end; of one that is too long so much that it shows. */
export async function* linesOf(pieces: Pieces): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > 8 * mostCharacters) break;
  }
  if (rest !== '') yield rest;
}
