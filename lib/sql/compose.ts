/**
 * SQL put together from pieces, each value a parameter and each name quoted: what comes from outside is never text of a
 * statement.
 */
import type { PlainValue } from '../values.ts';

/** A piece of SQL: texts with one value between each two. */
export interface Sql {
  readonly texts: readonly string[];
  readonly values: readonly PlainValue[];
}

/**
 * A piece made of others.
 *
 * @example sql`SELECT ${join(columns.map((column) => name(column)))} FROM ${name('main', 'books')} WHERE id = ${value(7)}`
 */
export function sql(texts: TemplateStringsArray, ...pieces: readonly Sql[]): Sql {
  const all = texts.flatMap((text, index) => {
    const piece = pieces[index];
    return piece ? [raw(text), piece] : [raw(text)];
  });
  return concat(all);
}

/** Literal SQL: never use text from outside. */
export function raw(text: string): Sql {
  return { texts: [text], values: [] };
}

/** A parameter. */
export function value(given: PlainValue): Sql {
  return { texts: ['', ''], values: [given] };
}

/** A name, within others: `name('shop', 'books')` is `"shop"."books"`. */
export function name(...path: readonly string[]): Sql {
  return raw(path.map(quoteName).join('.'));
}

/** A name, quoted. */
function quoteName(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}

export function join(pieces: readonly Sql[], separator = ', '): Sql {
  return concat(pieces.flatMap((piece, index) => (index === 0 ? [piece] : [raw(separator), piece])));
}

/** The statement with `$1`, `$2`, … for its values. */
export function statementOf({ texts, values }: Sql): { readonly text: string; readonly values: readonly PlainValue[] } {
  return { text: texts.map((text, index) => (index === 0 ? text : `$${index}${text}`)).join(''), values };
}

function concat(pieces: readonly Sql[]): Sql {
  const texts = [''];
  const values: PlainValue[] = [];
  for (const piece of pieces) {
    texts.push(`${texts.pop() ?? ''}${piece.texts[0] ?? ''}`, ...piece.texts.slice(1));
    values.push(...piece.values);
  }
  return { texts, values };
}
