/**
 * PostgreSQL's text form of one-dimensional arrays: https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 *
 * Owns: quoting. The worst that can happen: an item `NULL` taken for NULL, so every item that is text is quoted.
 */

export function writeArray(items: readonly (string | null)[]): string {
  const shown = items.map((item) => (item === null ? 'NULL' : `"${item.replaceAll(/["\\]/g, '\\$&')}"`));
  return `{${shown.join(',')}}`;
}

/** An item in quotes, with its escapes; or one without, up to the comma. */
const itemPattern = /(?:"((?:[^"\\]|\\.)*)"|([^,{}"]+))(?:,|(?=\}$))/sy;

export function parseArray(text: string): (string | null)[] {
  const items: (string | null)[] = [];
  itemPattern.lastIndex = 1;
  while (itemPattern.lastIndex < text.length - 1) {
    const match = itemPattern.exec(text);
    if (!match || !text.startsWith('{')) throw new RangeError('not an array of one dimension that begins at 1');
    const [, quoted, bare] = match;
    items.push(quoted === undefined ? bareItem(bare ?? '') : quoted.replaceAll(/\\(.)/gs, '$1'));
  }
  return items;
}

function bareItem(text: string): string | null {
  return text === 'NULL' ? null : text;
}
