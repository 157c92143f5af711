/** Random requests to tables and views of every kind: no answer is a fault of the server, and what is refused changes nothing. */
import * as fc from 'fast-check';
import { join } from 'node:path';
import { mkdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { systemRuntime } from '../../../../lib/runtime.ts';
import { createDirectoryStore } from '../../../../lib/store/directory.ts';
import type { Row } from '../../../../lib/values.ts';
import { temporaryFolder } from '../../../support/engine.ts';
import { makeManyTables, manyTables, manyViews } from '../../../support/many-tables.ts';
import { startReplicated } from '../../../support/replicated.ts';
import { fromThisMachine } from '../../../support/requests.ts';
import { answerRequest, type Service } from '../../../support/service.ts';

const names = [...manyTables.map(({ name }) => name), ...manyViews];

/** Texts that some type or grammar takes for something. */
const oddTexts = [
  '', '0', '-0', '1', '-1', '1.5', '1e400', 'NaN', 'Infinity', '99999999999999999999999999999999999999999', 'true',
  'null', 'NULL', '2026-02-30', '2026-01-01', 'infinity', '0044-03-15 (BC)', '24:00:00', '2026-01-01T00:00:00Z',
  '2026-01-01T00:00:00.000001', '00000000-0000-0000-0000-000000000000', '{}', '[]', '[null]', '{"a":1}', '\u0000',
  '\ud800', '\ufeff', '🦆', "'; DROP TABLE wide; --", '"', '\\', '%', '*', '*a*b*', '(', '(a,"b', '(1,2)', 'x'.repeat(5000),
]; // prettier-ignore
const text = fc.oneof(fc.constantFrom(...oddTexts), fc.string({ unit: 'binary', maxLength: 12 }));
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: text },
  fc.constantFrom<unknown>(null, true, false, 0, -0, 1, 1.5, 1e308, 2 ** 53, {}, [], [null], [[1]], { a: 1 }),
  fc.jsonValue({ maxDepth: 3 }),
);
const operators = ['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'like', 'ilike', 'in', 'is', 'not.eq', 'not.in', 'nope'];

interface Shot {
  readonly table: string;
  readonly method: string;
  /** A place among the table's rows and columns. */
  readonly place: number;
  readonly way: 'all' | 'key' | 'filter' | 'odd key';
  readonly operator: string;
  readonly text: string;
  readonly values: readonly unknown[];
  readonly rows: number;
}

const shot: fc.Arbitrary<Shot> = fc.record({
  table: fc.constantFrom(...names),
  method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'PATCH', 'PATCH', 'DELETE', 'HEAD'),
  place: fc.nat(1000),
  way: fc.constantFrom('all', 'key', 'filter', 'odd key'),
  operator: fc.constantFrom(...operators),
  text,
  values: fc.array(value, { maxLength: 4 }),
  rows: fc.nat(3),
});

type Known = ReadonlyMap<string, { readonly rows: readonly Row[]; readonly key: readonly string[] }>;

function requestOf(known: Known, { table, method, place, way, operator, text: odd, values, rows }: Shot): Request {
  const { rows: sample, key } = known.get(table)!;
  const row = sample[place % Math.max(sample.length, 1)] ?? {};
  const columns = Object.keys(row);
  const column = columns[place % Math.max(columns.length, 1)] ?? 'id';
  const segment = key.map((each) => encodeURIComponent(wellFormed(JSON.stringify(row[each] ?? null)))).join(',');
  const paths = {
    all: '',
    key: `/${segment}`,
    'odd key': `/${encodeURIComponent(wellFormed(odd))}`,
    filter: `?${encodeURIComponent(`"${column}"`)}=${encodeURIComponent(`${operator}.${wellFormed(odd)}`)}`,
  };
  const mutated = (): Row => {
    const changed = values.map((each, index) => [columns[(place + index) % Math.max(columns.length, 1)] ?? odd, each]);
    return { ...(method === 'PATCH' ? {} : row), ...Object.fromEntries(changed) } as Row;
  };
  const body = rows > 1 ? Array.from({ length: rows }, mutated) : mutated();
  const url = new URL(`/api/${encodeURIComponent(table)}${paths[way]}`, 'http://localhost');
  const hasBody = ['POST', 'PUT', 'PATCH'].includes(method);
  const headers = { ...fromThisMachine, ...(hasBody ? { 'content-type': 'application/json' } : {}) };
  return new Request(url, { method, headers, ...(hasBody ? { body: JSON.stringify(body) } : {}) });
}

const wellFormed = (odd: string): string => odd.toWellFormed();

async function adopt(): Promise<Service> {
  const drive = join(await temporaryFolder(), 'drive');
  await mkdir(drive);
  await makeManyTables(join(drive, 'test.db'));
  return startReplicated({ store: createDirectoryStore({ root: drive, create: false, runtime: systemRuntime }) });
}

async function learn(service: Service): Promise<Known> {
  const known = new Map<string, { rows: Row[]; key: readonly string[] }>();
  for (const name of names) {
    const response = await service.send('GET', `/api/${encodeURIComponent(name)}?limit=10`);
    const { data } = (await response.json()) as { data: Row[] };
    known.set(name, { rows: data, key: manyTables.find((table) => table.name === name)?.key ?? [] });
  }
  return known;
}

test('none is a fault of the server', { timeout: 300_000 }, async () => {
  const service = await adopt();
  const known = await learn(service);
  const { database } = await service.app.open();
  const statuses = new Set<number>();
  const version = async (): Promise<number> => (await database.status()).version;
  await fc.assert(
    fc.asyncProperty(shot, async (each) => {
      const before = await version();
      const response = await answerRequest(service.endpoints, requestOf(known, each));
      const answer = await response.text();
      statuses.add(response.status);
      const isRefused = response.status >= 400;
      const problem =
        isRefused && each.method !== 'HEAD' ? 'application/problem+json' : response.headers.get('content-type');
      expect([
        response.status < 500,
        response.headers.get('content-type'),
        isRefused && (await version()) !== before,
        answer,
      ]).toEqual([true, problem, false, answer]);
    }),
    { numRuns: 2500, endOnFailure: true },
  );
  expect([...statuses]).toEqual(expect.arrayContaining([200, 201, 204, 400, 404, 405, 409, 422]));
  expect(service.log.filter(({ level }) => level === 'error')).toEqual([]);
});
