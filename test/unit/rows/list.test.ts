/** Lists of rows: filters, orders and pages, on DuckDB itself. */
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { findRelation, type Relation } from '../../../lib/catalog/catalog.ts';
import type { Scope } from '../../../lib/db/database.ts';
import { isAppError } from '../../../lib/errors.ts';
import { insertRows } from '../../../lib/rows/insert.ts';
import { parseListQuery, readPages, selectPage } from '../../../lib/rows/list.ts';
import type { Parameter } from '../../../lib/rows/parameters.ts';
import type { PlainValue, Row } from '../../../lib/values.ts';
import { openScope } from '../../support/plain-scope.ts';

let scope: Scope;
let samples: Relation;
const statements: { readonly sql: string; readonly values: readonly PlainValue[] }[] = [];

/** Few different values, so that orders have ties; nulls and the awkward ones among them. */
const rows: Row[] = Array.from({ length: 60 }, (_, index) => ({
  id: `00000000-0000-4000-8000-${((index * 37) % 60).toString(16).padStart(12, '0')}`,
  label: [null, 'ada', 'Ada', '100%', 'a_b', 'a\\b', 'é', 'x,"y"', '*'][index % 9] ?? null,
  note: index % 2 === 0 ? null : 'two\nlines',
  amount: [null, -5, 0, 7, 2147483647][index % 5] ?? null,
  ratio: [null, 0.1, -1e300, 1e300, 5e-324, 42][index % 6] ?? null,
  open: index % 3 === 0,
  day: [null, '2026-02-28', '2024-02-29'][index % 3] ?? null,
  moment:
    [null, '2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.000002Z', '1969-12-31T23:59:59.999999Z'][index % 4] ??
    null,
  colour: [null, 'red', 'green', 'blue'][index % 4] ?? null,
  parent_id: index % 7 === 0 ? null : `00000000-0000-4000-8000-${(index % 7).toString().padStart(12, '0')}`,
  created_at: '2026-11-24T04:05:06.000000Z',
  updated_at: `2026-11-24T04:05:06.${String(index % 4).padStart(6, '0')}Z`,
}));

beforeAll(async () => {
  const opened = await openScope(`
    CREATE TABLE samples (id UUID PRIMARY KEY, label VARCHAR, note VARCHAR, amount INTEGER, ratio DOUBLE, open BOOLEAN NOT NULL,
      day DATE, moment TIMESTAMPTZ, colour ENUM ('red', 'green', 'blue'), parent_id UUID, created_at TIMESTAMPTZ, updated_at TIMESTAMPTZ);
    CREATE TABLE parts (a INTEGER, b VARCHAR, c DATE, d DECIMAL(4, 1), v INTEGER, PRIMARY KEY (c, a, b, d));
    CREATE TABLE keyless (n INTEGER, "select" VARCHAR, "a,b" INTEGER, "c.d" INTEGER, "e""f" INTEGER);
    CREATE VIEW ada AS SELECT * FROM samples WHERE label = 'ada';
    CREATE TABLE texts (id VARCHAR PRIMARY KEY)`);
  scope = {
    catalog: opened.catalog,
    run: (sql, values = []) => {
      statements.push({ sql, values });
      return opened.run(sql, values);
    },
  };
  samples = relationNamed('samples');
  await insertRows(scope, samples, rows);
});

function relationNamed(name: string): Relation {
  const found = findRelation(scope.catalog, name);
  if (!found) throw new Error(`There is no ${name}.`);
  return found;
}

function list(...parameters: Parameter[]) {
  return listOf(samples, ...parameters);
}

function listOf(relation: Relation, ...parameters: Parameter[]) {
  return selectPage(scope, relation, parseListQuery(relation, parameters));
}

const textOf = (value: PlainValue | undefined) => (typeof value === 'string' ? value : '');

const labels = async (...parameters: Parameter[]) =>
  (await list(['limit', '500'], ...parameters)).rows.map(({ label }) => label);

const amounts = async (order: string) => [
  ...new Set((await list(['order', order], ['limit', '500'])).rows.map(({ amount }) => amount)),
];

/** How many rows pass, by the filter and by `expected` over the rows themselves. */
async function passes(name: string, filter: string, expected: (row: Row) => boolean) {
  const { rows: found, count } = await list([name, filter], ['limit', '500'], ['count', 'exact']);
  expect(new Set(found.map(({ id }) => id))).toEqual(new Set(rows.filter(expected).map(({ id }) => id)));
  expect(count).toBe(found.length);
  return found.length;
}

describe('filters', () => {
  it.each<[string, string, (row: Row) => boolean]>([
    ['amount', 'eq.7', ({ amount }) => amount === 7],
    ['amount', 'neq.7', ({ amount }) => amount !== null && amount !== 7],
    ['amount', 'gt.0', ({ amount }) => (amount as number) > 0],
    ['amount', 'gte.0', ({ amount }) => amount !== null && (amount as number) >= 0],
    ['amount', 'lt.-4', ({ amount }) => (amount as number) < -4],
    ['amount', 'lte.0', ({ amount }) => amount !== null && (amount as number) <= 0],
    ['amount', 'in.(7,-5)', ({ amount }) => amount === 7 || amount === -5],
    ['amount', 'not.in.(7,-5)', ({ amount }) => amount === 0 || amount === 2147483647],
    ['amount', 'is.null', ({ amount }) => amount === null],
    ['amount', 'is.not_null', ({ amount }) => amount !== null],
    ['amount', 'not.is.null', ({ amount }) => amount !== null],
    ['ratio', 'eq.1e300', ({ ratio }) => ratio === 1e300],
    ['ratio', 'lt.0', ({ ratio }) => (ratio as number) < 0],
    ['ratio', 'eq.5e-324', ({ ratio }) => ratio === 5e-324],
    ['ratio', 'lt.NaN', ({ ratio }) => ratio !== null],
    ['open', 'eq.true', ({ open }) => open === true],
    ['open', 'is.false', ({ open }) => open === false],
    ['day', 'gte.2026-02-28', ({ day }) => day === '2026-02-28'],
    ['moment', 'gt.2026-01-01T00:00:00.000001Z', ({ moment }) => moment === '2026-01-01T00:00:00.000002Z'],
    ['moment', 'eq.2026-01-01T01:00:00.000002+01:00', ({ moment }) => moment === '2026-01-01T00:00:00.000002Z'],
    // A plus sign that was not percent-encoded.
    ['moment', 'eq.2026-01-01T01:00:00.000002 01:00', ({ moment }) => moment === '2026-01-01T00:00:00.000002Z'],
    ['moment', 'lt.1970-01-01T00:00:00Z', ({ moment }) => moment === '1969-12-31T23:59:59.999999Z'],
    ['colour', 'gt.red', ({ colour }) => colour === 'green' || colour === 'blue'],
    ['colour', 'in.(red,blue)', ({ colour }) => colour === 'red' || colour === 'blue'],
    ['label', 'eq.ada', ({ label }) => label === 'ada'],
    ['label', 'in.(ada,"x,\\"y\\"","a\\\\b")', ({ label }) => ['ada', 'x,"y"', 'a\\b'].includes(label as string)],
    ['label', 'like.a*', ({ label }) => textOf(label).startsWith('a')],
    ['label', 'ilike.A*', ({ label }) => /^a/i.test(textOf(label))],
    ['label', 'like.*%', ({ label }) => label === '100%'],
    ['label', 'like.a_b', ({ label }) => label === 'a_b'],
    ['label', 'like.a\\b', ({ label }) => label === 'a\\b'],
    ['label', 'like.a\\\\b', ({ label }) => label === 'a\\b'],
    ['label', 'like.\\*', ({ label }) => label === '*'],
    ['label', 'like.***a***', ({ label }) => textOf(label ?? '').includes('a')],
    ['label', 'not.like.*a*', ({ label }) => label !== null && !textOf(label).includes('a')],
    ['label', 'ilike.É', ({ label }) => label === 'é'],
    ['id', 'eq.00000000-0000-4000-8000-00000000000A', ({ id }) => id === '00000000-0000-4000-8000-00000000000a'],
    ['parent_id', 'is.null', ({ parent_id }) => parent_id === null],
  ])('%s=%s', async (name, filter, expected) => {
    expect(await passes(name, filter, expected)).toBeGreaterThan(0);
  });

  it('takes several on one column', async () => {
    expect(new Set((await list(['amount', 'gt.-6'], ['amount', 'lt.7'])).rows.map(({ amount }) => amount))).toEqual(
      new Set([-5, 0]),
    );
  });

  it('finds nothing in an empty list', async () => {
    expect((await list(['label', 'in.()'])).rows).toEqual([]);
    expect(await labels(['label', 'eq.*'])).toEqual(Array.from({ length: 6 }, () => '*'));
  });

  it('sends values as parameters only', async () => {
    statements.length = 0;
    await list(['label', `eq.'; drop table samples; --`], ['label', `like.*' or 1=1*`], ['amount', 'in.(1,2)']);
    const [statement] = statements;
    expect(statement?.sql).not.toMatch(/drop|1=1/);
    expect(statement?.values).toContain(`'; drop table samples; --`);
  });
});

function fault(...parameters: Parameter[]) {
  try {
    parseListQuery(samples, parameters);
  } catch (error) {
    if (isAppError(error, 'invalid')) return error.fields ?? [];
    throw error;
  }
  throw new Error('It was accepted.');
}
describe('what is not understood is refused by name', () => {
  it.each([
    [['nonsense', 'eq.1'], 'nonsense', /columns are id, label/],
    [['constructor', 'eq.1'], 'constructor', /no column/],
    [['__proto__', 'eq.1'], '__proto__', /no column/],
    [['amount', '3'], 'amount', /expects an operator/],
    [['amount', ''], 'amount', /expects an operator/],
    [['amount', 'eq.'], 'amount', /whole number/],
    [['amount', 'eq.3.5'], 'amount', /whole number/],
    [['amount', 'eq.2147483648'], 'amount', /whole number/],
    [['amount', 'like.3'], 'amount', /this column has: eq, neq/],
    [['amount', 'toString.3'], 'amount', /operator/],
    [['ratio', 'eq.1e999'], 'ratio', /number/],
    [['open', 'eq.yes'], 'open', /true or false/],
    [['open', 'gt.true'], 'open', /this column has: eq/],
    [['day', 'eq.2026-02-29'], 'day', /day/],
    [['moment', 'eq.2026-01-01'], 'moment', /offset/],
    [['moment', 'eq.2026-01-01T25:00:00Z'], 'moment', /offset/],
    [['moment', 'eq.2026-01-01T00:00:00'], 'moment', /offset/],
    [['colour', 'eq.purple'], 'colour', /red, green, blue/],
    [['id', 'eq.42'], 'id', /UUID/],
    [['label', 'in.a,b'], 'label', /list such as/],
    [['label', 'in.(a"b)'], 'label', /quote/],
    [['label', 'in.("a)'], 'label', /quote/],
    [['label', 'is.true'], 'label', /null, not_null/],
    [['label', 'eq.\0'], 'label', /NUL/],
    [['order', 'nope'], 'order', /no column/],
    [['order', 'label.up'], 'order', /label\.desc/],
    [['order', 'label,label.desc'], 'order', /twice/],
    [['order', 'label"'], 'order', /quote/],
    [['order', ''], 'order', /no column/],
    [['select', 'id,nope'], 'select', /no column: "nope"/],
    [['select', 'id,id'], 'select', /twice/],
    [['limit', '0'], 'limit', /1 to 500/],
    [['limit', '501'], 'limit', /1 to 500/],
    [['limit', '1e2'], 'limit', /1 to 500/],
    [['count', 'planned'], 'count', /exact/],
    [['cursor', 'nonsense!'], 'cursor', /not a cursor/],
    [['cursor', 'bnVsbA'], 'cursor', /not a cursor/],
  ] as [Parameter, string, RegExp][])('%j', (parameter, path, message) => {
    expect(fault(parameter)).toEqual([{ path, message: expect.stringMatching(message) }]);
  });

  it.each(['count', 'order', 'limit', 'select', 'cursor'])(
    'says how a column is written that is called %s',
    (called) => {
      const [column] = samples.columns;
      const relation = { ...samples, columns: [...samples.columns, { ...column!, name: called }] };
      const parse = (...parameters: Parameter[]) => parseListQuery(relation, parameters);
      expect(() => parse([called, 'not.eq.1'])).toThrow(`in quotes, as in ?"${called}"=eq.…`);
      expect(() => parse([called, 'planned,'])).toThrow(/understood: (?!.*in quotes, as)/);
      expect(() => parseListQuery(samples, [[called, 'not.eq.1']])).toThrow(/understood: (?!.*in quotes, as)/);
      expect(parse([`"${called}"`, `eq.${rows[0]!['id'] as string}`]).filters).toMatchObject([{ column: called }]);
    },
  );

  it('says all faults at once', () => {
    expect(fault(['limit', 'x'], ['foo', 'bar'], ['select', 'baz']).map(({ path }) => path)).toEqual([
      'select',
      'limit',
      'foo',
    ]);
  });

  it('refuses a parameter given twice', () => {
    expect(fault(['limit', '1'], ['limit', '2'])).toEqual([{ path: 'limit', message: 'is given twice' }]);
  });
});

describe('pages', () => {
  const sortable = ['label', 'amount', 'ratio', 'open', 'day', 'moment', 'colour', 'parent_id', 'updated_at', 'id'];
  const orderPart = fc
    .tuple(
      fc.constantFrom(...sortable),
      fc.constantFrom('', '.asc', '.desc'),
      fc.constantFrom('', '.nullsfirst', '.nullslast'),
    )
    .map(([column, direction, nulls]) => ({ column, text: `${column}${direction}${nulls}` }));
  const orders = fc
    .uniqueArray(orderPart, { selector: ({ column }) => column, maxLength: 4 })
    .map((keys) => keys.map(({ text }) => text).join(','));
  const filters = fc.constantFrom<Parameter[]>(
    [],
    [['open', 'eq.true']],
    [['amount', 'is.not_null']],
    [
      ['label', 'ilike.*a*'],
      ['ratio', 'not.is.null'],
    ],
  );

  it('give each row once, in order, as one unpaged list does', async () => {
    await fc.assert(
      fc.asyncProperty(orders, filters, fc.integer({ min: 1, max: 17 }), async (order, filter, limit) => {
        const base: Parameter[] = order === '' ? filter : [...filter, ['order', order]];
        const whole = await list(...base, ['limit', '500']);
        expect(whole.next).toBeNull();
        const paged: Row[] = [];
        for (let cursor: string | null = ''; cursor !== null;) {
          const page: Awaited<ReturnType<typeof list>> = await list(
            ...base,
            ['limit', String(limit)],
            ...(cursor === '' ? [] : [['cursor', cursor] as const]),
          );
          expect(page.rows.length).toBeGreaterThan(0);
          paged.push(...page.rows);
          cursor = page.next;
        }
        expect(paged).toEqual(whole.rows);
      }),
      { numRuns: 40 },
    );
  }, 30_000);

  it('puts nulls last going up and first going down, or where it was asked', async () => {
    expect(await amounts('amount')).toEqual([-5, 0, 7, 2147483647, null]);
    expect(await amounts('amount.desc')).toEqual([null, 2147483647, 7, 0, -5]);
    expect(await amounts('amount.nullsfirst')).toEqual([null, -5, 0, 7, 2147483647]);
    expect(await amounts('amount.desc.nullslast')).toEqual([2147483647, 7, 0, -5, null]);
  });

  it('counts all rows that pass, also on a later page', async () => {
    const first = await list(['open', 'eq.true'], ['limit', '3'], ['count', 'exact']);
    const second = await list(['open', 'eq.true'], ['limit', '3'], ['count', 'exact'], ['cursor', first.next ?? '']);
    expect([first.count, second.count]).toEqual([20, 20]);
    expect(await list(['limit', '1'])).not.toHaveProperty('count');
  });

  it('shows the columns that were asked for, also when it sorts by others', async () => {
    const { rows: found, next } = await list(['select', 'label,open'], ['order', 'amount'], ['limit', '2']);
    expect(found.map((row) => Object.keys(row))).toEqual([
      ['label', 'open'],
      ['label', 'open'],
    ]);
    const page = await list(['select', 'id'], ['order', 'amount'], ['limit', '2'], ['cursor', next ?? '']);
    expect(Object.keys(page.rows[0] ?? {})).toEqual(['id']);
  });

  it('refuses the cursor of another order, other filters or another value in them', async () => {
    const { next } = await list(['order', 'amount.desc'], ['open', 'eq.true'], ['limit', '1']);
    const cursor: Parameter = ['cursor', next ?? ''];
    for (const other of [
      [
        ['order', 'amount'],
        ['open', 'eq.true'],
      ],
      [
        ['order', 'amount.desc.nullslast'],
        ['open', 'eq.true'],
      ],
      [['order', 'amount.desc']],
      [
        ['order', 'amount.desc'],
        ['open', 'eq.false'],
      ],
    ] as Parameter[][]) {
      expect(() => parseListQuery(samples, [...other, cursor])).toThrow(/another order or other filters/);
    }
    // The same filters in another sequence are the same list.
    expect(parseListQuery(samples, [cursor, ['open', 'eq.true'], ['order', 'amount.desc']]).after?.values).toHaveLength(
      2,
    );
  });

  it('refuses a forged value before it reaches the database', async () => {
    const { next } = await list(['order', 'amount'], ['limit', '1']);
    const [mark] = JSON.parse(Buffer.from(next ?? '', 'base64url').toString()) as [string];
    for (const values of [['x', 'y'], [{}, {}], [1], [1, 'not-a-uuid'], [2 ** 40, rows[0]?.id ?? null]]) {
      const forged = Buffer.from(JSON.stringify([mark, 1, values])).toString('base64url');
      expect(() =>
        parseListQuery(samples, [
          ['order', 'amount'],
          ['cursor', forged],
        ]),
      ).toThrow(/not a cursor/);
    }
  });
});

/** All pages of a list, of `limit` rows each. */
async function pagesOf(relation: Relation, limit: number, ...parameters: Parameter[]): Promise<Row[]> {
  const found: Row[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const at: Parameter[] = cursor === '' ? [] : [['cursor', cursor]];
    const page: Awaited<ReturnType<typeof listOf>> = await listOf(
      relation,
      ...parameters,
      ['limit', String(limit)],
      ...at,
    );
    found.push(...page.rows);
    cursor = page.next;
  }
  return found;
}

describe('relations of other kinds', () => {
  it('are paged by a key of several columns of any type', async () => {
    const parts = relationNamed('parts');
    const given: Row[] = Array.from({ length: 40 }, (_, index) => ({
      a: index % 3,
      b: ['x', 'X', 'x,y', ''][index % 4] ?? '',
      c: index % 2 === 0 ? '2026-01-01' : '-000043-03-15',
      d: `${index}.5`,
      v: index,
    }));
    await insertRows(scope, parts, given);
    const paged = await pagesOf(parts, 7);
    expect(paged.map(({ v }) => v).toSorted((a, b) => Number(a) - Number(b))).toEqual(given.map(({ v }) => v));
    expect(paged).toEqual((await listOf(parts, ['limit', '500'])).rows);
    const columns = parts.key.map((key) => paged.map((row) => row[key]));
    expect(columns[0]).toEqual(columns[0]?.toSorted((a, b) => ((a as string) < (b as string) ? -1 : 1)));
    const exported: Row[] = [];
    for await (const page of readPages(scope, parts, { and: [] })) exported.push(...page);
    expect(exported).toEqual(paged);
  });

  it('have no key and come as they are stored, or in an order with ties', async () => {
    const keyless = relationNamed('keyless');
    const given: Row[] = Array.from({ length: 30 }, (_, index) => ({
      n: index % 4,
      select: `s${index}`,
      'a,b': index,
      'c.d': 0 - index,
      'e"f': 0,
    }));
    await insertRows(scope, keyless, given);
    expect(await pagesOf(keyless, 4)).toEqual(given);
    const sorted = await pagesOf(keyless, 4, ['order', 'n.desc']);
    expect(sorted).toEqual(given.toSorted((a, b) => Number(b['n']) - Number(a['n'])));
    const exported: Row[] = [];
    for await (const page of readPages(scope, keyless, { and: [] })) exported.push(...page);
    expect(exported).toEqual(given);
  });

  it('may have columns that are called like parameters, or have marks in their names', async () => {
    const keyless = relationNamed('keyless');
    const { rows: found } = await listOf(keyless, ['"select"', 'eq.s7'], ['select', '"a,b",c.d,"e\\"f","select"']);
    expect(found).toEqual([{ 'a,b': 7, 'c.d': -7, 'e"f': 0, select: 's7' }]);
    expect((await listOf(keyless, ['order', '"c.d".asc,"a,b"'], ['limit', '1'])).rows[0]).toMatchObject({ 'c.d': -29 });
    expect((await listOf(keyless, ['a,b', 'eq.3'])).rows).toHaveLength(1);
    expect((await listOf(keyless, ['c.d', 'lt.-27'])).rows).toHaveLength(2);
  });

  it('may be views', async () => {
    expect(await pagesOf(relationNamed('ada'), 2)).toHaveLength((await list(['label', 'eq.ada'])).rows.length);
  });

  it('are paged by counting where values are too long for an address', async () => {
    const texts = relationNamed('texts');
    const ids = Array.from({ length: 9 }, (_, index) => `${index}${'x'.repeat(4000)}`);
    await insertRows(
      scope,
      texts,
      ids.map((id) => ({ id })),
    );
    const { next } = await listOf(texts, ['limit', '2']);
    expect(next?.length).toBeLessThan(200);
    expect((await pagesOf(texts, 2)).map(({ id }) => id)).toEqual(ids);
  });
});
