/** What simple CHECKs say of a column, as the engines write them; and nothing of those that may mean something else. */
import { expect, it } from 'vitest';
import type { Relation } from '../../../lib/catalog/catalog.ts';
import type { ValueType } from '../../../lib/catalog/types.ts';
import { faultByRules, rulesOf } from '../../../lib/rows/rules.ts';

const text: ValueType = { kind: 'text', maxLength: null };
const whole: ValueType = { kind: 'integer', min: -100n, max: 100n };

function rules(type: ValueType, ...expressions: string[]): object {
  const column = { name: 'c', type, sqlType: '', nullable: true, default: null, generated: false, comment: null };
  const checks = expressions.map((expression, index) => ({ name: `k${index}`, expression, columns: ['c'] }));
  const relation = { schema: 'main', name: 't', columns: [column], checks } as unknown as Relation;
  return rulesOf(relation).get('c') ?? {};
}

it.each([
  [whole, '(c BETWEEN 0 AND 30)', { minimum: 0, maximum: 30 }],
  [whole, '((c >= 0) AND (c <= 30))', { minimum: 0, maximum: 30 }],
  [whole, '((c >= - 5))', { minimum: -5 }],
  [whole, 'c > -5', { minimum: -5 }],
  [text, '(length(c) BETWEEN 1 AND 200)', { minLength: 1, maxLength: 200 }],
  [text, '((length(c) >= 1) AND (length(c) <= 200))', { minLength: 1, maxLength: 200 }],
  [text, '(char_length((c)::text) < 200)', { maxLength: 199 }],
  [text, "((length(c) <= 254) AND (c ~~ '_%@_%'::text))", { maxLength: 254 }],
  [text, "(c IN ('enrolled', 'done'))", { enum: ['enrolled', 'done'] }],
  [text, "(c = ANY (ARRAY['enrolled'::text, 'done'::text]))", { enum: ['enrolled', 'done'] }],
  [text, "((c)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))", { enum: ['a', 'b'] }],
  [text, `("c" IN ('a'))`, { enum: ['a'] }],
  [whole, '((c > 0) OR (c < -10))', {}],
  [whole, '(NOT (c > 0))', {}],
  [whole, '(abs(c) > 5)', {}],
  [whole, '(c > (1 + 2))', {}],
  [text, "(c IN ('a (b)', 'x'))", {}],
  [text, "(c = 'a')", {}],
  [text, 'c > 5', {}],
  [{ kind: 'date' }, "(c IN ('2020-1-1'))", {}],
  [{ kind: 'list', item: text, length: null }, '(length(c) < 3)', {}],
] as [ValueType, string, object][])('%#', (type, expression, expected) => {
  expect(rules(type, expression)).toEqual(expected);
});

it('says what is wrong', () => {
  const about = rules(text, 'length(c) BETWEEN 1 AND 3');
  expect(['', 'abcd', '\u{1F600}\u{1F600}\u{1F600}'].map((value) => faultByRules(about, value))).toEqual([
    'must not be empty',
    'must have 3 characters or fewer',
    null,
  ]);
  const range = rules(whole, 'c >= 0', 'c <= 30');
  expect([-1, 31, 5].map((value) => faultByRules(range, value))).toEqual([
    'must be 0 or more',
    'must be 30 or less',
    null,
  ]);
  expect(faultByRules(rules(text, "c IN ('a', 'b')"), 'c')).toBe('must be one of a, b');
});
