/** The grammar of PostgREST: what it makes of texts, and that no text does anything to it but fail. */
import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { RestError } from '../../../lib/rest/faults.ts';
import { listItems, listLiteral } from '../../../lib/rest/operands.ts';
import { parseOrder } from '../../../lib/rest/order.ts';
import { parsePreferences } from '../../../lib/rest/preferences.ts';
import { parseQuery } from '../../../lib/rest/query.ts';
import { parseSelect } from '../../../lib/rest/select.ts';
import { toClient, writeJson } from '../../../lib/rest/values.ts';

const field = { alias: null, path: [], cast: null, aggregate: null, resultCast: null };
const column = (name: string, more: object = {}) => ({ kind: 'field', ...field, column: name, ...more });
const embed = (target: string, more: object = {}) => ({
  kind: 'embed',
  alias: null,
  target,
  hint: null,
  inner: false,
  spread: false,
  items: [],
  ...more,
});

describe('select', () => {
  test.each([
    ['', []],
    ['*', [{ kind: 'star' }]],
    ['id,"odd, name"', [column('id'), column('odd, name')]],
    ['"a\\"b"', [column('a"b')]],
    ['odd name,größe', [column('odd name'), column('größe')]],
    ['full:name::text', [column('name', { alias: 'full', cast: 'text' })]],
    ['id::double precision', [column('id', { cast: 'double precision' })]],
    [
      'a->b->>0',
      [
        column('a', {
          path: [
            { key: 'b', asText: false },
            { key: 0, asText: true },
          ],
        }),
      ],
    ],
    ['a->-1', [column('a', { path: [{ key: -1, asText: false }] })]],
    ['a->"0"', [column('a', { path: [{ key: '0', asText: false }] })]],
    ['a-b->c-d', [column('a-b', { path: [{ key: 'c-d', asText: false }] })]],
    ['a.sum()', [column('a', { aggregate: 'sum' })]],
    ['x:a::int.avg()::text', [column('a', { alias: 'x', cast: 'int', aggregate: 'avg', resultCast: 'text' })]],
    ['count()', [column('', { aggregate: 'count' })]],
    ['n:count()::int', [column('', { alias: 'n', aggregate: 'count', resultCast: 'int' })]],
    ['books()', [embed('books')]],
    ['count(id)', [embed('count', { items: [column('id')] })]],
    [
      'w:authors!fk!inner(id,a(*))',
      [
        embed('authors', {
          alias: 'w',
          hint: 'fk',
          inner: true,
          items: [column('id'), embed('a', { items: [{ kind: 'star' }] })],
        }),
      ],
    ],
    ['authors!inner!fk()', [embed('authors', { hint: 'fk', inner: true })]],
    ['...authors!left(name)', [embed('authors', { spread: true, items: [column('name')] })]],
  ])('%s', (text, items) => expect(parseSelect(text)).toEqual(items));

  test.each([
    'id,',
    ',id',
    'a(',
    'a)',
    'a(b',
    'a.b()',
    'a.sum',
    'a::',
    ':a',
    'a:',
    '...',
    '...a',
    'a->',
    'a!(b)',
    '*,(',
    'a b(c))',
    "a'b",
    'a;b',
    'a=b',
  ])('refuses %s', (text) => expect(() => parseSelect(text)).toThrow(RestError));
});

describe('filters', () => {
  const filtersOf = (name: string, text: string) =>
    parseQuery([[name, text]]).scopes.flatMap(({ path, filters }) => (filters.length > 0 ? [[path, ...filters]] : []));
  const eq = (name: string, value: string) => ({ column: name, operator: 'eq', values: [value] });
  test.each([
    ['a', 'eq.1', [[[], eq('a', '1')]]],
    ['a', 'eq.(,"x")', [[[], eq('a', '(,"x")')]]],
    ['a', 'not.eq.', [[[], { not: eq('a', '') }]]],
    [
      'a',
      'in.(1,"b,c","q\\"","s\\\\",)',
      [[[], { column: 'a', operator: 'in', values: ['1', 'b,c', 'q"', 's\\', ''] }]],
    ],
    ['a', 'in.()', [[[], { column: 'a', operator: 'in', values: [] }]]],
    ['a', 'like.*x%_', [[[], { column: 'a', operator: 'like', values: ['%x%_'] }]]],
    ['a', 'is.NOT_NULL', [[[], { column: 'a', operator: 'is', values: ['not_null'] }]]],
    [
      'a',
      'gt(all).{1,2}',
      [
        [
          [],
          {
            and: [
              { column: 'a', operator: 'gt', values: ['1'] },
              { column: 'a', operator: 'gt', values: ['2'] },
            ],
          },
        ],
      ],
    ],
    ['x.y.a', 'eq.1', [[['x', 'y'], eq('a', '1')]]],
    [
      'a->b->>c',
      'eq.1',
      [
        [
          [],
          {
            ...eq('a', '1'),
            path: [
              { key: 'b', asText: false },
              { key: 'c', asText: true },
            ],
          },
        ],
      ],
    ],
    ['"or"', 'eq.1', [[[], eq('or', '1')]]],
    ['"a.b"', 'eq.1', [[[], eq('a.b', '1')]]],
    [
      'or',
      '(a.eq.1,not.and(b.eq."x,y",c.not.is.null))',
      [
        [
          [],
          {
            or: [
              eq('a', '1'),
              { not: { and: [eq('b', 'x,y'), { not: { column: 'c', operator: 'is', values: ['null'] } }] } },
            ],
          },
        ],
      ],
    ],
    ['not.or', '(a.eq.1)', [[[], { not: { or: [eq('a', '1')] } }]]],
    ['x.not.and', '(a.eq.1)', [[['x'], { not: { and: [eq('a', '1')] } }]]],
    ['and', '(a.cs.{1,2},b.eq.2)', [[[], { and: [{ column: 'a', operator: 'cs', values: ['{1,2}'] }, eq('b', '2')] }]]],
  ])('%s=%s', (name, text, wanted) => expect(filtersOf(name, text)).toEqual(wanted));

  test.each([
    ['a', '1'],
    ['a', 'eq'],
    ['a', 'EQ.1'],
    ['a', 'in.1'],
    ['a', 'in.(1'],
    ['a', 'in.("a"b)'],
    ['a', 'is.maybe'],
    ['a', 'like(any).x'],
    ['a', 'in(any).{1}'],
    ['a', 'not.not.eq.1'],
    ['or', 'a.eq.1'],
    ['or', '()'],
    ['or', '(a.eq.1'],
    ['or', '(a.eq.1)x'],
    ['or', '(and)'],
    ['limit', '1.5'],
    ['', 'eq.1'],
    ['a.', 'eq.1'],
    ['a b(', 'eq.1'],
    ['a', `eq.${'x'.repeat(1001)}`],
    ['or', `(${'and('.repeat(20)}a.eq.1${')'.repeat(21)}`],
    ['or', `(${'a.eq.1,'.repeat(300)}a.eq.1)`],
  ])('refuses %s=%s', (name, text) => expect(() => parseQuery([[name, text]])).toThrow(RestError));
});

test.each([
  ['a', [{ column: 'a', path: [], embedding: null, direction: 'asc', nulls: 'last' }]],
  ['a.desc', [{ column: 'a', path: [], embedding: null, direction: 'desc', nulls: 'first' }]],
  ['a.nullsfirst', [{ column: 'a', path: [], embedding: null, direction: 'asc', nulls: 'first' }]],
  ['x(a).desc.nullslast', [{ column: 'a', path: [], embedding: 'x', direction: 'desc', nulls: 'last' }]],
  [
    'a->>b.asc',
    [{ column: 'a', path: [{ key: 'b', asText: true }], embedding: null, direction: 'asc', nulls: 'last' }],
  ],
])('order %s', (text, terms) => expect(parseOrder(text)).toEqual(terms));

test.each(['a.up', 'a.asc.desc', 'a.', 'a,', 'x(', 'x(a', 'a.nullsfirst.asc', 'a.asc.nullsfirst.nullslast'])(
  'order refuses %s',
  (text) => expect(() => parseOrder(text)).toThrow(RestError),
);

test('of several preferences of a kind the first counts', () => {
  const { count, ...rest } = parsePreferences('return=representation,return=minimal,  count=exact, x, max-affected=3');
  expect([count, rest.return, rest.maxAffected, rest.applied]).toEqual([
    true,
    'representation',
    null,
    'return=representation, count=exact',
  ]);
  expect(parsePreferences('handling=strict, max-affected=3').maxAffected).toBe(3);
});

it('gives numbers where they are exact, and JSON as it is written', () => {
  const decimal = { kind: 'decimal', width: null, scale: null } as const;
  const long = { kind: 'integer', min: -(2n ** 63n), max: 2n ** 63n - 1n } as const;
  expect(
    ['12.50', '-0.001', '1234567890123456.7', '100', 'NaN', '0.30'].map((text) => toClient(decimal, text)),
  ).toEqual([12.5, -0.001, '1234567890123456.7', 100, 'NaN', 0.3]);
  expect(['9007199254740991', '9007199254740993', '-5'].map((text) => toClient(long, text))).toEqual([
    9007199254740991,
    '9007199254740993',
    -5,
  ]);
  expect(writeJson({ a: toClient({ kind: 'json' }, '{"n":12345678901234567890.10}'), b: null })).toBe(
    '{"a":{"n":12345678901234567890.10},"b":null}',
  );
  expect(writeJson({ a: toClient({ kind: 'json' }, '{"n":null,"m":[null]}'), b: null }, true)).toBe(
    '{"a":{"m":[null]}}',
  );
});

/** Null where there is none; what is no fault of the grammar is thrown. */
function faultOf(parameters: readonly (readonly [string, string])[]): RestError | null {
  try {
    parseQuery(parameters);
    return null;
  } catch (error) {
    if (error instanceof RestError) return error;
    throw error;
  }
}

describe('no text', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...'( ) , . : :: -> ->> " \\ { } ! * % ... not. and( or( eq. in.( like(any). is. a b1 count() sum() ::text !inner 1 -1 null'.split(
        ' ',
      ),
    ),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
  const name = fc.oneof(
    text,
    fc.constantFrom('select', 'order', 'or', 'and', 'not.or', 'a', 'a.b', 'limit', 'columns', 'on_conflict', 'a.or'),
  );

  it('makes it throw anything but a fault of the grammar', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, text), { maxLength: 4 }), (parameters) => {
        const fault = faultOf(parameters);
        expect(fault === null || (fault.message.isWellFormed() && [400, 416].includes(fault.status))).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });

  it('takes more time than its length', () => {
    // What is nested, escaped or repeated in ways that make careless expressions go back and forth.
    const hostile = [
      '"',
      '\\',
      '(',
      'a.eq."',
      '{',
      '{"',
      ' ',
      'a,',
      '->',
      'a->',
      '%*',
      'not.',
      'and(',
      '""',
      '\\"',
      'a:',
      '...a(',
    ].map((each) => each.repeat(200_000 / each.length));
    const faults: (RestError | null)[] = [];
    for (const each of hostile)
      for (const key of ['select', 'order', 'or', 'a', 'columns'])
        for (const given of [each, `in.(${each}`, `eq(any).{${each}}`, `(${each}`, `a${each}`])
          faults.push(faultOf([[key, given]]));
    // Of what goes back and forth in such texts nobody would see the end.
    expect(faults.length).toBe(hostile.length * 25);
  });

  it('is another list when it is read back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.string({ unit: 'grapheme' }).filter((item) => !item.includes('\0'))), { maxLength: 8 }),
        (items) => {
          expect(listItems(listLiteral(items))).toEqual(items);
        },
      ),
    );
  });
});
