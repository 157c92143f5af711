import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitAtCommas, splitStatements, tokensOf } from '../../../lib/sql/tokens.ts';

const texts = (sql: string): string[] => tokensOf(sql).map(({ text }) => text);

describe('tokens', () => {
  it.each<[string, string[]]>([
    ['SELECT a FROM "b ""c"""', ['SELECT', 'a', 'FROM', 'b "c"']],
    [`'it''s' e'\\'' E'a\\\\' x'41' 'a' 'b'`, [`'it''s'`, `e'\\''`, `E'a\\\\'`, 'x', `'41'`, `'a'`, `'b'`]],
    ['a -- no; comment\n b /* /* nested */ ; */ c', ['a', 'b', 'c']],
    ['a -- ends here\rb', ['a', 'b']],
    ['$$it;s$$ $t$ $$ $t$ $1 ? $name a$b', ['$$it;s$$', '$t$ $$ $t$', '$1', '?', '$name', 'a$b']],
    ['1 1.5 .5 1e-3 0xFf 1_000 5x', ['1', '1.5', '.5', '1e-3', '0xFf', '1_000', '5', 'x']],
    ['é ü_1 日本', ['é', 'ü_1', '日本']],
    ['a\u00a0b\u3000c\ufeffd\u1680e', ['a', 'b', 'c', 'd\u1680e']],
    ['"select" select', ['select', 'select']],
    ['', []],
  ])('of %j', (sql, expected) => {
    expect(texts(sql)).toEqual(expected);
  });

  it.each([`'a`, '"a', '/* a', '$$ a', 'f(a', 'a)', "e'\\'", 'SELECT 1\0'])('%j is refused', (sql) => {
    expect(() => tokensOf(sql)).toThrow(SyntaxError);
  });

  it('have their places in the text, and the depth of brackets', () => {
    const sql = 'f(a, [b, {c}], "d e")';
    for (const { kind, text, start, end } of tokensOf(sql)) {
      expect(sql.slice(start, end)).toBe(kind === 'name' ? `"${text}"` : text);
    }
    expect(tokensOf(sql).map(({ depth }) => depth)).toEqual([0, 0, 1, 1, 1, 2, 2, 2, 3, 2, 1, 1, 1, 0]);
    expect(splitAtCommas(tokensOf('a, f(b, c), d'), 0).map((part) => part.length)).toEqual([1, 6, 1]);
  });

  it('never come out of a string, a name or a comment, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!text.includes('\0'));
        const quoted = `'${text.replaceAll("'", "''")}'`;
        const name = `"${text.replaceAll('"', '""')}"`;
        const comment = `--${text.replaceAll(/[\r\n]/g, '')}\n`;
        expect(tokensOf(`${quoted} ${name} ${comment} x`).map(({ kind }) => kind)).toEqual(['string', 'name', 'word']);
      }),
    );
  });

  it('cut statements at semicolons of the top level', () => {
    expect(splitStatements(`a ';' ; ; /* ; */ b(";"); -- c`)).toEqual([
      { text: `a ';'`, start: 0 },
      { text: 'b(";")', start: 18 },
    ]);
  });
});
