/** The operands of operators: patterns, and lists as PostgreSQL writes them. */
import { textOf } from '../rows/values.ts';
import { type ArrayItems, writeArray } from '../sql/postgres-array.ts';
import type { PlainValue } from '../values.ts';
import { parseFault, tooMuch } from './faults.ts';

export const mostTextLength = 1000;
const mostItems = 500;

/** Of SQL, where `*` and `%` are the same. @throws RestError PGRST100 */
export function likePattern(text: string): string {
  if (text.includes('\0')) throw parseFault('pattern', text, text.indexOf('\0'), 'no NUL');
  const pattern = text.replaceAll('*', '%');
  const plain = pattern.replaceAll(/\\[^]/g, '');
  if (plain.endsWith('\\')) throw parseFault('pattern', text, text.length, 'a character behind "\\"');
  return pattern;
}

const item = /\s*(?:"((?:[^"\\]|\\.)*)"\s*|([^{}",\s][^{}",]*)?)(,|$)/suy;

/**
 * The items of `{1,NULL,"a b"}`, a list of one dimension.
 *
 * @throws RestError 22P02
 */
export function listItems(text: string): (string | null)[] {
  const inner = /^\{(.*)\}$/s.exec(text.trim())?.[1];
  if (inner === undefined) throw parseFault('list', text, 0, 'a list such as {1,2}');
  const items: (string | null)[] = [];
  for (let at = 0, more = inner.trim() !== ''; more;) {
    item.lastIndex = at;
    const found = item.exec(inner);
    if (!found) throw parseFault('list', text, at + 1, 'an item');
    const plain = (found[2] ?? '').trim();
    items.push(found[1]?.replaceAll(/\\(.)/gsu, '$1') ?? (plain.toUpperCase() === 'NULL' ? null : plain));
    if (items.length > mostItems) throw tooMuch(`a list of more than ${mostItems} items`);
    at = item.lastIndex;
    more = found[3] === ',';
  }
  return items;
}

/** The list as `listItems` reads it. */
export function listLiteral(items: readonly PlainValue[]): string {
  return writeArray(textsOf(items));
}

function textsOf(items: readonly PlainValue[]): ArrayItems {
  return items.map((each) => {
    if (each === null) return null;
    return Array.isArray(each) ? textsOf(each as readonly PlainValue[]) : textOf(each);
  });
}
