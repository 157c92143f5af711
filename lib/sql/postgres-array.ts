/** Lists as PostgreSQL writes them: `{1,NULL,"a \"b\"",{2}}`. */
import type { PlainValue } from '../values.ts';

/** Items as text; a list of lists has lists among them. */
export type ArrayItems = readonly (string | null | ArrayItems)[];

/** Items are in quotes where PostgreSQL puts them: so is `NULL` that is none. */
export function writeArray(items: ArrayItems): string {
  return `{${items.map(writeItem).join(',')}}`;
}

function writeItem(item: ArrayItems[number]): string {
  if (item === null) return 'NULL';
  if (typeof item !== 'string') return writeArray(item);
  return /^$|^null$|[{}",\\\s]/i.test(item) ? `"${item.replaceAll(/["\\]/g, String.raw`\$&`)}"` : item;
}

/** Nested, with bounds before it that do not count. @throws SyntaxError for a text that ends too early */
export function readArray(text: string, read: (item: string) => PlainValue): PlainValue {
  const token = /\{|\}|,|"((?:[^"\\]|\\.)*)"|([^{},"]+)/gsy;
  token.lastIndex = text.indexOf('{') + 1;
  const open: PlainValue[][] = [[]];
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const [mark, quoted, plain] = match;
    if (mark === '{') open.push([]);
    else if (mark === '}') {
      const closed = open.pop() ?? [];
      const outer = open.at(-1);
      if (!outer) return closed;
      outer.push(closed);
    } else if (quoted !== undefined) open.at(-1)?.push(read(quoted.replaceAll(/\\(.)/gs, '$1')));
    else if (plain !== undefined) open.at(-1)?.push(plain === 'NULL' ? null : read(plain));
  }
  throw new SyntaxError('The list ends too early.');
}
