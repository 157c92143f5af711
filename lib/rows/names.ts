/** Names of columns in parameters: plain, or in quotes where they have characters that mean something there. */
import { ParameterFault } from './filter.ts';

/** Names that a message lists. */
const mostListed = 20;

export function listed(names: readonly string[]): string {
  return names.length > mostListed ? `${names.slice(0, mostListed).join(', ')}, …` : names.join(', ');
}

/** A parameter's name without its quotes: `"select"` is a column that is called like a parameter. */
export function columnOfParameter(name: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/su.exec(name);
  return quoted ? unescape(quoted[1] ?? '') : name;
}

/** An item of a list of columns: the name, and the text after it up to the comma. */
export interface NamedItem {
  readonly name: string;
  readonly rest: string;
}

/**
 * The items of `a,"b,c",d.desc`; what may follow a name begins with `mark`, where there is one.
 *
 * @throws ParameterFault for a quote out of place
 */
export function splitNames(text: string, mark = ''): NamedItem[] {
  const rest = mark === '' ? '' : `[${mark}][^",]*`;
  const item = new RegExp(String.raw`(?:"((?:[^"\\]|\\.)*)"|([^",${mark}]*))(${rest})?(?:,|$)`, 'suy');
  const items: NamedItem[] = [];
  for (let hasMore = true; hasMore;) {
    const match = item.exec(text);
    if (!match) throw new ParameterFault('has a quote out of place: a name is in quotes whole, or not at all');
    items.push({ name: match[1] === undefined ? (match[2] ?? '') : unescape(match[1]), rest: match[3] ?? '' });
    hasMore = match[0].endsWith(',');
  }
  return items;
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gsu, '$1');
}
