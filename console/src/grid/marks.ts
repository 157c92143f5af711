/**
 * Text of a cell as nodes. Characters that cannot be seen, or that change how others are seen, show as marks; what a reader or
 * a test gets as `textContent` is the value itself.
 */

/** Controls, zero-width and bidirectional characters, fillers that look like nothing, private ones and lone surrogates. */
const strange = /\p{Cc}|\p{Cf}|\p{Co}|\p{Cs}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}/u;
const pieces = new RegExp(`(${strange.source})`, 'u');

const signs: Readonly<Record<string, string>> = { '\n': '↵', '\r': '␍', '\t': '⇥', '\0': '␀' };

function isPlain(text: string): boolean {
  return !strange.test(text);
}

/** @example element.replaceChildren(...markedText('a\u202eb')) // a, a mark U+202E, b */
export function markedText(text: string): (string | HTMLElement)[] {
  if (isPlain(text)) return [text];
  return text
    .split(pieces)
    .filter((piece) => piece !== '')
    .map((piece) => (strange.test(piece) && piece.length <= 2 ? markOf(piece) : piece));
}

function signOf(character: string): string {
  return signs[character] ?? (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}

function markOf(character: string): HTMLElement {
  const mark = document.createElement('span');
  mark.className = 'mark';
  mark.dataset['sign'] = signOf(character);
  const hidden = document.createElement('i');
  hidden.textContent = character;
  mark.append(hidden);
  return mark;
}
