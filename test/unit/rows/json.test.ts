import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../lib/rows/json.ts';

describe('JSON from outside', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom(undefined, 2, '\t'), (text, space) => {
        const pretty = JSON.stringify(JSON.parse(text), null, space);
        expect(parseJson(pretty)).toEqual(JSON.parse(pretty));
      }),
    );
  });

  it('is refused where JSON.parse refuses it', () => {
    const mutated = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom('', ',', '"', '{', ']', '\\', '0', '-', '.', 'e', '\n', '\u0000', 'tru'),
      )
      .map(([text, at, insert]) => {
        const cut = at % (text.length + 1);
        return text.slice(0, cut) + insert + text.slice(cut + (at % 2));
      });
    fc.assert(
      fc.property(mutated, (text) => {
        const [reference, value] = [attempt(() => JSON.parse(text) as unknown), attempt(() => parseJson(text))];
        // Duplicates and numbers beyond a double alone are refused that JSON.parse takes.
        const stricter = 'error' in value && /twice|too large/.test(value.error) && !('error' in reference);
        expect(stricter || 'error' in value === 'error' in reference).toBe(true);
        expect(stricter || 'error' in value ? null : value).toEqual(
          stricter || 'error' in reference ? null : reference,
        );
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['[1,]', /column 4 it expects a value/],
    ['{"a":1,}', /column 8 it expects the name of a field/],
    ['{a:1}', /column 2 it expects the name of a field/],
    ['{"a" 1}', /column 6 it expects ":"/],
    ['[1 2]', /column 4 it expects "," or "]"/],
    ['01', /column 2 it goes on after its value/],
    ['1e999', /column 1 it has a number that is not well-formed or too large/],
    ['"a\nb"', /column 1 it has a string/],
    ['"\\x"', /column 1 it has a string/],
    ['{"a":1,"\\u0061":2}', /column 8 it has the field "a" twice/],
    ['{"a":{"b":1},"b":{"b":1,"b":2}}', /"b" twice/],
    ['nul', /expects a value/],
    ['['.repeat(100_000), /nested deeper than 32/],
  ])('%j', (text, message) => expect(() => parseJson(text)).toThrow(message));

  it('has fields called __proto__ as any other', () => {
    const value = parseJson('{"__proto__":{"polluted":true},"constructor":1}');
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

function attempt(run: () => unknown): { value: unknown } | { error: string } {
  try {
    return { value: run() };
  } catch (error) {
    return { error: String(error) };
  }
}
