/** Patterns as they run on DuckDB mean what its LIKE and ILIKE mean, and take no longer than they may. */
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ParameterFault } from '../../../lib/rows/filter.ts';
import { patternSql, requirePattern } from '../../../lib/rows/patterns.ts';
import { raw, sql, statementOf, value as parameter } from '../../../lib/sql/compose.ts';
import { onDuckDb } from '../../support/deployments.ts';

const pieces = [
  'a',
  'A',
  'b',
  'é',
  'É',
  'İ',
  'ς',
  'Σ',
  '😀',
  '\n',
  '\r',
  ' ',
  ...String.raw`.^$|()[]{}*+?-/&~#:'"`.split(''),
];
/** Of few letters at a time: they have to meet. */
const cases = fc.shuffledSubarray(pieces, { minLength: 1, maxLength: 3 }).chain((few) => {
  const letters = few.flatMap((each) => [each, each.toLowerCase(), each.toUpperCase()]);
  const text = fc.string({ unit: fc.constantFrom(...letters, ...letters, '%', '_', '\\'), maxLength: 5 });
  const escaped = ['\\%', '\\_', '\\\\', ...letters.map((each) => `\\${each}`)];
  const pattern = fc.array(fc.constantFrom(...letters, ...letters, '%', '%', '_', '_', ...escaped), { maxLength: 5 });
  return fc.record({
    operator: fc.constantFrom('like' as const, 'ilike' as const),
    texts: fc.array(fc.option(text), { minLength: 1, maxLength: 50 }),
    given: pattern.map((all) => all.join('')),
  });
});

it('finds what LIKE and ILIKE find', async () => {
  const connection = await (await DuckDBInstance.create()).connect();
  await fc.assert(
    fc.asyncProperty(cases, async ({ operator, texts, given }) => {
      const own = patternSql('duckdb', sql`x`, operator, given);
      const { text: query, values } = statementOf(
        sql`SELECT x, ${own} IS NOT DISTINCT FROM (x ${raw(operator)} ${raw(`'${given.replaceAll("'", "''")}'`)} escape '\\')
            FROM (SELECT unnest(from_json(${parameter(JSON.stringify(texts))}, '["VARCHAR"]')) AS x)`,
      );
      const reader = await connection.runAndReadAll(query, values as string[]);
      expect(reader.getRows()).toEqual(texts.map((each) => [each, true]));
    }),
    { numRuns: 2000 },
  );
  connection.closeSync();
}, 60_000);

it.each([
  '(a{1000}){1000}',
  'a{0,1000}a{0,1000}b',
  '(a(b{20}){20}){3}',
  '((a{900}a{900}',
  'a{500}*{3}',
  String.raw`\pL`.repeat(11),
  'a{600,}a{600}',
])('refuses %j, which is long when it is written out', (given) => {
  expect(() => requirePattern('match', given)).toThrow(ParameterFault);
  expect(requirePattern('like', given)).toBe(given);
});

it.each([
  'a{1000}',
  '(ab){500}',
  '[a{900}b{900}]',
  String.raw`a\{900}a\{900}`,
  '^(\\d{3}-){2}\\d{4}$',
  'a'.repeat(1000),
  'a{x}',
  '{3}',
])('takes %j', (given) => {
  expect(requirePattern('imatch', given)).toBe(given);
});

it('answers at once over a long text, and other reads beside it', async () => {
  const service = await onDuckDb().instance({
    migrations: [
      {
        name: '0001_long',
        sql: `CREATE TABLE long (id INTEGER PRIMARY KEY, name VARCHAR);
          INSERT INTO long VALUES (1, repeat('a', 100000)), (2, 'xaxaxb'), (3, NULL)`,
      },
    ],
  });
  const ids = async (query: string): Promise<unknown> => {
    const response = await service.send('GET', query);
    const body = (await response.json()) as { data?: { id: number }[] } | { id: number }[];
    return 'map' in body ? body.map(({ id }) => id) : (body.data?.map(({ id }) => id) ?? body);
  };
  const rest = (condition: string) => ids(`/api/rest/v1/long?select=id&order=id&name=${condition}`);
  const found = Promise.all([
    rest('like.*a*a*b'),
    rest('ilike.*A*a*B'),
    rest('not.like.*a*a*b'),
    rest('like(any).{*a*a*b,*a*a*a*c}'),
    rest('like.*a*a*a*a*a*a*a*b'),
    rest('match.(a*)*(a*)*b'),
    ids('/api/long?name=like.*a*a*b'),
    ids('/api/long?name=ilike.*A*a*a*a*a*B'),
    ids('/api/long?id=eq.2'),
  ]);
  expect(await found).toEqual([[2], [2], [1], [2], [], [2], [2], [], [2]]);
  for (const path of ['/api/rest/v1/long?name=match.(a{1000}){1000}', '/api/rest/v1/long?name=match.a{1001}'])
    expect((await service.send('GET', path)).status).toBe(400);
});
