/** Filters, orders and pages: the same rows in the same order on every backend. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../../lib/db/database.ts';
import { findRelation } from '../../../lib/catalog/catalog.ts';
import { parseListQuery, selectPage } from '../../../lib/rows/list.ts';
import type { Parameter } from '../../../lib/rows/parameters.ts';
import type { PlainValue, Row } from '../../../lib/values.ts';
import { allMigrations, at, type MakePlace, run } from './place.ts';

/** Capitals, accents, signs that languages pass over, digits, scripts, characters beyond 16 bits: in no order. */
const labels = [
  null,
  'ada',
  'Ada',
  'ADA',
  'áda',
  'ad-a',
  'ad a',
  'adb',
  'Zoë',
  'zoë',
  'ZOË',
  '10',
  '9',
  '_',
  '~',
  'é',
  'É',
  'e',
  'ß',
  'SS',
  'ﬃ',
  'Ω',
  'ω',
  'Я',
  'я',
  '漢字',
  'かな',
  '😀',
  '～',
  'a_b',
  'a\\b',
  '100%',
  'x,"y"',
  '*',
];
const moments = [
  null,
  '2026-01-01T00:00:00.000001Z',
  '2026-01-01T00:00:00.000002Z',
  '1969-12-31T23:59:59.999999Z',
  '0001-01-01T00:00:00.000000Z',
  '9999-12-31T23:59:59.999999Z',
];

/** Few different values in the other columns, so that orders have ties; nulls and the ends of ranges among them. */
const rows: Row[] = Array.from({ length: labels.length * 2 }, (_, index) => ({
  id: `${((index * 37) % 251).toString(16).padStart(2, '0')}000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`,
  label: labels[index % labels.length] ?? null,
  note: index % 2 === 0 ? null : 'two\nlines',
  amount: [null, -5, 0, 7, 2147483647, -2147483648][index % 6] ?? null,
  ratio: [null, 0.1, -1e300, 1e300, 5e-324, 42, 1 / 3][index % 7] ?? null,
  open: index % 3 === 0,
  day: [null, '2026-02-28', '2024-02-29', '0001-01-01', '9999-12-31'][index % 5] ?? null,
  moment: moments[index % moments.length] ?? null,
  colour: [null, 'red', 'green', 'blue'][index % 4] ?? null,
  parent_id: index % 7 === 0 ? null : `${'07f8'[index % 4]}0000000-0000-4000-8000-00000000000${index % 7}`,
  created_at: at,
  updated_at: `2026-11-24T04:05:06.${String(index % 4).padStart(6, '0')}Z`,
}));

const textOf = (value: PlainValue | undefined): string => (typeof value === 'string' ? value : '');

type Case = [column: string, filter: string, passes: (row: Row) => boolean];

const filters: readonly Case[] = [
  ['amount', 'eq.7', ({ amount }) => amount === 7],
  ['amount', 'neq.7', ({ amount }) => amount !== null && amount !== 7],
  ['amount', 'gte.0', ({ amount }) => amount !== null && (amount as number) >= 0],
  ['amount', 'lt.-4', ({ amount }) => (amount as number) < -4],
  ['amount', 'not.in.(7,-5)', ({ amount }) => amount !== null && amount !== 7 && amount !== -5],
  ['amount', 'is.null', ({ amount }) => amount === null],
  ['amount', 'not.is.null', ({ amount }) => amount !== null],
  ['ratio', 'eq.1e300', ({ ratio }) => ratio === 1e300],
  ['ratio', 'eq.5e-324', ({ ratio }) => ratio === 5e-324],
  ['ratio', `eq.${1 / 3}`, ({ ratio }) => ratio === 1 / 3],
  ['ratio', 'lt.0', ({ ratio }) => (ratio as number) < 0],
  ['open', 'eq.true', ({ open }) => open === true],
  ['open', 'is.false', ({ open }) => open === false],
  ['day', 'gt.0001-01-01', ({ day }) => textOf(day) > '0001-01-01'],
  ['day', 'eq.9999-12-31', ({ day }) => day === '9999-12-31'],
  ['moment', 'gt.2026-01-01T00:00:00.000001Z', ({ moment }) => textOf(moment) > '2026-01-01T00:00:00.000001Z'],
  ['moment', 'eq.2026-01-01T01:00:00.000002+01:00', ({ moment }) => moment === '2026-01-01T00:00:00.000002Z'],
  ['moment', 'lt.1970-01-01T00:00:00Z', ({ moment }) => moment !== null && textOf(moment) < '1970'],
  ['colour', 'in.(red,blue)', ({ colour }) => colour === 'red' || colour === 'blue'],
  ['label', 'eq.ada', ({ label }) => label === 'ada'],
  [
    'label',
    'gt.Zoë',
    ({ label }) => label !== null && Buffer.compare(Buffer.from(textOf(label)), Buffer.from('Zoë')) > 0,
  ],
  ['label', 'in.(ada,"x,\\"y\\"","a\\\\b")', ({ label }) => ['ada', 'x,"y"', 'a\\b'].includes(label as string)],
  ['label', 'like.a*', ({ label }) => textOf(label).startsWith('a')],
  ['label', 'ilike.A*', ({ label }) => /^a/i.test(textOf(label))],
  ['label', 'ilike.zOË', ({ label }) => textOf(label).toLowerCase() === 'zoë'],
  ['label', 'ilike.Я', ({ label }) => textOf(label).toLowerCase() === 'я'],
  ['label', 'ilike.ω', ({ label }) => textOf(label).toLowerCase() === 'ω'],
  ['label', 'ilike.ss', ({ label }) => label === 'SS'],
  ['label', 'like.*%', ({ label }) => label === '100%'],
  ['label', 'like.a_b', ({ label }) => label === 'a_b'],
  ['label', 'like.a\\\\b', ({ label }) => label === 'a\\b'],
  ['label', 'like.\\*', ({ label }) => label === '*'],
  ['label', 'not.like.*a*', ({ label }) => label !== null && !textOf(label).includes('a')],
  ['note', 'like.*\nlines', ({ note }) => note !== null],
  ['parent_id', 'gte.80000000-0000-4000-8000-000000000000', ({ parent_id }) => textOf(parent_id) >= '8'],
  ['parent_id', 'is.null', ({ parent_id }) => parent_id === null],
];

export function listContract(makePlace: MakePlace): void {
  describe('lists', () => {
    let database: Database;

    beforeAll(async () => {
      database = await (await makePlace()).open(allMigrations);
      await run(database, { kind: 'createMany', table: 'samples', rows });
    });
    afterAll(() => database.close());

    async function list(...parameters: Parameter[]) {
      const page = await database.read((_queries, scope) => {
        const samples = findRelation(scope.catalog, 'samples')!;
        return selectPage(scope, samples, parseListQuery(samples, parameters));
      });
      return page.value;
    }

    it('answer rows as they were written, all columns in the order of the definition', async () => {
      const { rows: found, next } = await list(['limit', '500']);
      expect(found).toEqual(rows.toSorted((a, b) => (textOf(a['id']) < textOf(b['id']) ? -1 : 1)));
      expect(Object.keys(found[0] ?? {})).toEqual(Object.keys(rows[0]!));
      expect(next).toBeNull();
    });

    it.each(filters)('%s=%s', async (column, filter, passes) => {
      const { rows: found, count } = await list([column, filter], ['limit', '500'], ['count', 'exact']);
      const expected = rows.filter(passes);
      expect(new Set(found.map(({ id }) => id))).toEqual(new Set(expected.map(({ id }) => id)));
      expect([count, found.length]).toEqual([expected.length, expected.length]);
      expect(expected.length).toBeGreaterThan(0);
    });

    it.each(['label', 'amount', 'ratio', 'open', 'day', 'moment', 'colour', 'parent_id', 'updated_at', 'id'])(
      'order by %s: text by code points, nulls last going up and first going down, or where it was asked',
      async (column) => {
        for (const [order, direction, nulls] of [
          [column, 1, 1],
          [`${column}.desc`, -1, -1],
          [`${column}.asc.nullsfirst`, 1, -1],
          [`${column}.desc.nullslast`, -1, 1],
        ] as const) {
          const { rows: found } = await list(['order', order], ['limit', '500']);
          const sorted = rows.toSorted((a, b) => compareRows(a, b, column, direction, nulls));
          expect(found.map((row) => [row[column], row['id']])).toEqual(sorted.map((row) => [row[column], row['id']]));
        }
      },
    );

    it('give each row once by pages, in order, as one unpaged list does', async () => {
      await fc.assert(
        fc.asyncProperty(orders, fc.integer({ min: 3, max: 23 }), async (order, limit) => {
          const base: Parameter[] = [...(order === '' ? [] : [['order', order] as const]), ['amount', 'lt.100']];
          const paged: Row[] = [];
          for (let cursor: string | null = ''; cursor !== null;) {
            const place: Parameter[] = cursor === '' ? [] : [['cursor', cursor]];
            const page: Awaited<ReturnType<typeof list>> = await list(...base, ['limit', String(limit)], ...place);
            paged.push(...page.rows);
            cursor = page.next;
          }
          expect(paged).toEqual((await list(...base, ['limit', '500'])).rows);
        }),
        { numRuns: 10 },
      );
    });
  });
}

const orders = fc
  .uniqueArray(
    fc.tuple(
      fc.constantFrom('label', 'ratio', 'open', 'day', 'moment', 'colour', 'parent_id', 'updated_at'),
      fc.constantFrom('', '.desc', '.asc.nullsfirst', '.desc.nullslast'),
    ),
    { selector: ([column]) => column, maxLength: 4 },
  )
  .map((keys) => keys.map((parts) => parts.join('')).join(','));

function compareRows(a: Row, b: Row, column: string, direction: number, nulls: number): number {
  const [x, y] = [a[column] ?? null, b[column] ?? null];
  if (x === null || y === null) return x === y ? compareIds(a, b) : (x === null ? 1 : -1) * nulls;
  return compareValues(x, y) * direction || compareIds(a, b) * (column === 'id' ? direction : 1);
}

const compareIds = (a: Row, b: Row): number => compareValues(a['id'] ?? null, b['id'] ?? null);

/** Text by its bytes in UTF-8, which is by code points. */
function compareValues(x: PlainValue, y: PlainValue): number {
  if (typeof x === 'string' && typeof y === 'string') return Buffer.compare(Buffer.from(x), Buffer.from(y));
  return Number(x) - Number(y);
}
