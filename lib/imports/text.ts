/** Texts that come in pieces, cut anywhere. */
import { AppError } from '../errors.ts';

export type Pieces = AsyncIterable<string>;

/** @throws AppError `invalid` for what is not UTF-8 */
export async function* decodePieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let isFirst = true;
  try {
    for await (const chunk of chunks) {
      if (isFirst && isUtf16(chunk)) throw notUtf8('UTF-16');
      isFirst = false;
      yield decoder.decode(chunk, { stream: true });
    }
    yield decoder.decode();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw notUtf8('Latin-1 or Windows-1252, it seems', error);
  }
}

/** By its mark, or since every other byte of its first letters is none. */
function isUtf16([first, second]: Uint8Array): boolean {
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || first === 0 || second === 0;
}

function notUtf8(encoding: string, cause?: unknown): AppError {
  return new AppError('invalid', `The body is not UTF-8 (${encoding}).`, { cause, hint: 'Save it as UTF-8.' });
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
