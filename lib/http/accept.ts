/**
 * The header Accept: which of the types on offer the client wants. https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1
 */
import { RequestError } from './problem.ts';

interface Range {
  readonly type: string;
  readonly quality: number;
}

/** The one of `offered` that the client wants most; among equals the first. @throws RequestError 406 when it wants none */
export function negotiate<T extends string>(headers: Headers, offered: readonly T[]): T {
  const accept = headers.get('accept')?.trim();
  const ranges = accept ? parseRanges(accept) : [{ type: '*/*', quality: 1 }];
  const [best] = offered
    .map((type) => ({ type, quality: qualityOf(type, ranges) }))
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality);
  if (best) return best.type;
  throw new RequestError(406, `The accept header allows none of the types offered here: ${offered.join(', ')}.`);
}

function parseRanges(accept: string): Range[] {
  return accept.split(',').map((part) => {
    const [type = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const given = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    const quality = given === undefined ? 1 : Number(given);
    return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
  });
}

/** That of the range which names the type most exactly; 0 when none does. */
function qualityOf(offered: string, ranges: readonly Range[]): number {
  const type = offered.toLowerCase();
  const wider = [type, `${type.split('/')[0]}/*`, '*/*'];
  const found = wider.map((each) => ranges.find((range) => range.type === each));
  return found.find((range) => range !== undefined)?.quality ?? 0;
}
