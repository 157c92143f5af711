/** What PostgreSQL holds and shows is taken back as the same value: by JSON, by text, one by one and many at once. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { findRelation } from '../../../lib/catalog/catalog.ts';
import { openPostgresDatabase } from '../../../lib/db/postgres/postgres-database.ts';
import { bind, valueTable } from '../../../lib/rows/bind.ts';
import { runStatement } from '../../../lib/rows/statements.ts';
import { parseText, parseValue, textOf, valueSchema } from '../../../lib/rows/values.ts';
import { systemRuntime as runtime } from '../../../lib/runtime.ts';
import { join, name, sql } from '../../../lib/sql/compose.ts';
import type { PlainValue, Row } from '../../../lib/values.ts';
import { validator } from '../../support/schemas.ts';
import { type PostgresServer, startPostgres } from '../../support/servers/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const words = fc.string({ unit: 'binary', maxLength: 8 }).map((text) => text.replaceAll('\0', ''));
const day = fc.oneof(
  fc.integer({ min: -2_440_000, max: 2_000_000_000 }).map((days) => `date '1970-01-01' + ${days}`),
  fc.constantFrom("date 'infinity'", "date '-infinity'", "date '4713-01-01 BC'"),
);
const moment = fc.oneof(
  fc
    .tuple(fc.integer({ min: -1_000_000, max: 100_000_000 }), fc.bigInt({ min: 0n, max: 86_399_999_999n }))
    .map(([days, micros]) => `timestamptz '1970-01-01' + interval '${days} days ${micros} microseconds'`),
  fc.constantFrom("timestamptz 'infinity'", "timestamptz '-infinity'"),
);
const interval = fc
  .tuple(
    fc.integer({ min: -178_000_000, max: 178_000_000 }),
    fc.integer(),
    fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n }),
  )
  .map(([months, days, micros]) => `interval '${months} months ${days} days ${micros} microseconds'`);
const decimal = fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }).map((digits) => `${digits} / 1000.0`);
const double = fc.double().map((value) => quoted(Object.is(value, -0) ? '-0' : String(value)));
const listOf = (item: fc.Arbitrary<string>, type: string): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof({ weight: 5, arbitrary: item }, { weight: 1, arbitrary: fc.constant('null') }))
    .map((items) => `array[${items.join(', ')}]::${type}[]`);
const mood = fc.constantFrom("'sad'::mood", "'so so'::mood", "'it''s \"x\"'::mood");

/** Expressions of random values, by type. */
const types: Readonly<Record<string, fc.Arbitrary<string>>> = {
  boolean: fc.constantFrom('true', 'false'),
  smallint: fc.integer({ min: -32768, max: 32767 }).map((value) => `(${value})`),
  integer: fc.integer().map((value) => `(${value})`),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => `(${quoted(String(value))}::bigint)`),
  numeric: fc.oneof(decimal, fc.constantFrom("'NaN'", "'Infinity'", "'-Infinity'", '1e-30', '1.50', '1e40')),
  'numeric(20,3)': fc.oneof(decimal, fc.constant("'NaN'")),
  real: fc.float().map((value) => quoted(Object.is(value, -0) ? '-0' : String(value))),
  'double precision': double,
  text: words.map(quoted),
  'varchar(20)': words.map(quoted),
  'char(5)': fc.constantFrom("'ab'", "''", "'äöüßé'"),
  uuid: fc.uuid().map(quoted),
  bytea: fc.uint8Array().map((bytes) => `'\\x${Buffer.from(bytes).toString('hex')}'::bytea`),
  date: day,
  time: fc
    .bigInt({ min: 0n, max: 86_400_000_000n })
    .map((micros) => (micros === 86_400_000_000n ? "'24:00:00'" : `time '00:00' + interval '${micros} microseconds'`)),
  timetz: fc
    .tuple(fc.integer({ min: 0, max: 86_399 }), fc.integer({ min: -15, max: 15 }))
    .map(
      ([seconds, hours]) =>
        `(time '00:00' + interval '${seconds} seconds')::text || '${hours < 0 ? '' : '+'}${hours}:30:15'`,
    )
    .map((text) => `(${text})::timetz`),
  timestamp: moment.map((text) => `(${text}) at time zone 'UTC'`),
  timestamptz: moment,
  'timestamptz(3)': moment,
  interval,
  json: fc.json().map(quoted),
  jsonb: fc.jsonValue().map((value) => quoted(JSON.stringify(value).replaceAll(String.raw`\u0000`, ''))),
  mood,
  'integer[]': listOf(fc.integer().map(String), 'integer'),
  'text[]': listOf(words.map(quoted), 'text'),
  'numeric(20,3)[]': listOf(decimal, 'numeric(20,3)'),
  'date[]': listOf(day, 'date'),
  'timestamptz[]': listOf(moment, 'timestamptz'),
  'interval[]': listOf(interval, 'interval'),
  'bytea[]': listOf(fc.constantFrom("'\\x00ff'::bytea"), 'bytea'),
  'boolean[]': listOf(fc.constantFrom('true', 'false'), 'boolean'),
  'double precision[]': listOf(double, 'float8'),
  'mood[]': listOf(mood, 'mood'),
  // Dimensions are no part of a type.
  'bigint[]': fc.constantFrom("'{{1,2},{3,null}}'", "'{}'", "'[2:3]={5,6}'"),
  inet: fc.constantFrom("'10.0.0.1/8'", "'::1'"),
  int4range: fc.constantFrom("'[1,5)'", "'empty'"),
  'bit varying': fc.constantFrom("'0101'", "''"),
};
const columns = Object.keys(types).map((type, index) => ({ column: `c${index}`, type, value: types[type]! }));
const anyRow = fc.record(
  Object.fromEntries(
    columns.map(({ column, value }) => [
      column,
      fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: fc.constant('null') }),
    ]),
  ),
);

describe('values that a table shows', () => {
  it('are taken back exactly', async () => {
    const url = await server.createDatabase();
    const declared = columns.map(({ column, type }) => `${column} ${type}`).join(', ');
    await server.run(
      `CREATE TYPE mood AS ENUM ('sad', 'so so', 'it''s "x"'); ${['source', 'single', 'many'].map((table) => `CREATE TABLE ${table} (id integer, ${declared});`).join(' ')}`,
      new URL(url).pathname.slice(1),
    );
    const database = await openPostgresDatabase({ connectionString: url, driver: 'pg', migrations: [], runtime });
    onTestFinished(() => database.close());
    const relation = findRelation(await database.catalog(), 'source')!;
    const fits = relation.columns.map(({ type }) => validator(valueSchema(type)));
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 8 }), async (given) => {
        await database.write(async (_queries, scope) => {
          for (const table of ['source', 'single', 'many']) await scope.run(`DELETE FROM ${table}`);
          for (const [id, row] of given.entries())
            await scope.run(
              `INSERT INTO source VALUES (${[id, ...columns.map(({ column }) => row[column]!)].join(', ')})`,
            );
          const shown = (await scope.run('SELECT * FROM source ORDER BY id')).rows;
          const rows = shown.map((values): Row => {
            const entries = relation.columns.map(({ name: column, type, sqlType }, index) => {
              const value = values[index] ?? null;
              if (value === null) return [column, null] as const;
              const isDescribed = sqlType === 'bigint[]' || fits[index]!(value);
              expect(isDescribed, `${sqlType} ${JSON.stringify(value)}`).toBe(true);
              const parsed = parseValue(type, JSON.parse(JSON.stringify(value)) as PlainValue);
              expect(parsed, sqlType).toEqual(value);
              expect(parseText(type, textOf(value)), sqlType).toEqual(value);
              return [column, parsed] as const;
            });
            return Object.fromEntries(entries);
          });
          for (const row of rows) {
            const values = relation.columns.map((column) => bind('postgres', column, row[column.name] ?? null));
            await runStatement(scope, sql`INSERT INTO single VALUES (${join(values)})`);
          }
          const table = valueTable('postgres', relation.columns, rows);
          const names = join(relation.columns.map((column) => name(column.name)));
          await runStatement(
            scope,
            sql`INSERT INTO many (${names}) SELECT ${join(table.columns)} FROM ${table.from} ORDER BY ${table.place}`,
          );
          for (const copy of ['single', 'many']) {
            const other = await scope.run(`SELECT * FROM ${copy} ORDER BY id`);
            expect(other.rows, copy).toEqual(shown);
            const texts = (of: string): string => `SELECT r::text FROM ${of} r ORDER BY id`;
            // But for the bounds of an array, which no value shows.
            const plain = (values: readonly (readonly PlainValue[])[]): string =>
              JSON.stringify(values).replaceAll('[2:3]=', '');
            expect(plain((await scope.run(texts(copy))).rows)).toBe(plain((await scope.run(texts('source'))).rows));
          }
        });
      }),
      { numRuns: 40, endOnFailure: true },
    );
  }, 60_000);
});
