/** Values of every type that both engines have: what is written comes back, in the same form. */
import * as fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import type { Migration } from '../../../lib/catalog/migrations.ts';
import type { PlainValue } from '../../../lib/values.ts';
import { type MakePlace, openWith } from './place.ts';

const micros = { min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n };

/** Microseconds since 1970 as rows write moments: years 1 to 9999. */
function moment(value: bigint): string {
  const fraction = ((value % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const iso = new Date(Number((value - fraction) / 1000n)).toISOString();
  return `${iso.slice(0, 19)}.${String(fraction).padStart(6, '0')}`;
}

const anyMoment = fc.bigInt(micros).map(moment);
const decimal = fc
  .bigInt({ min: -(10n ** 17n), max: 10n ** 17n })
  .map((digits) => `${digits < 0n ? '-' : ''}${String(digits < 0n ? -digits : digits).padStart(4, '0')}`)
  .map((digits) => `${digits.slice(0, -3)}.${digits.slice(-3)}`);
/** What is no number in JSON is a word. */
const plainDouble = (value: number): PlainValue =>
  Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value);

const columns: Readonly<Record<string, { readonly type: string; readonly value: fc.Arbitrary<PlainValue> }>> = {
  yes: { type: 'boolean', value: fc.boolean() },
  small: { type: 'smallint', value: fc.integer({ min: -32_768, max: 32_767 }) },
  whole: { type: 'integer', value: fc.integer() },
  large: { type: 'bigint', value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
  exact: { type: 'decimal(20, 3)', value: decimal },
  narrow: { type: 'real', value: fc.float().map(plainDouble) },
  wide: { type: 'double precision', value: fc.double().map(plainDouble) },
  // Neither engine's text is anything but well-formed Unicode without NUL.
  words: { type: 'varchar', value: fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '')) },
  uid: { type: 'uuid', value: fc.uuid() },
  day: { type: 'date', value: anyMoment.map((text) => text.slice(0, 10)) },
  clock: { type: 'time', value: anyMoment.map((text) => text.slice(11)) },
  local: { type: 'timestamp', value: anyMoment },
  instant: { type: 'timestamptz', value: anyMoment.map((text) => `${text}Z`) },
  // PostgreSQL's feed cannot tell JSON's own null from NULL.
  structure: { type: 'json', value: fc.json().filter((text) => text !== 'null') },
};
const names = Object.keys(columns);

const everyType: Migration = {
  name: '0001_every_type',
  sql: `CREATE TABLE t (id INTEGER PRIMARY KEY, ${names.map((name) => `${name} ${columns[name]!.type}`).join(', ')})`,
};

const anyRow = fc.record(Object.fromEntries(names.map((name) => [name, fc.option(columns[name]!.value)])));

export function typeContract(makePlace: MakePlace): void {
  describe('values', () => {
    it('come back as they were written, NULL included, and so does the feed tell them', async () => {
      const database = await openWith(makePlace, [everyType]);
      let last = (await database.read(async () => null)).version;
      await fc.assert(
        fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 10 }), async (generated) => {
          const rows = generated.map((row, id) => ({ id, ...row }));
          const { value, version } = await database.write(async (queries) => {
            await queries.deleteFrom('t').execute();
            return queries.insertInto('t').values(rows).returningAll().execute();
          });
          expect(value).toEqual(rows);
          const { value: read } = await database.read((queries) =>
            queries.selectFrom('t').selectAll().orderBy('id').execute(),
          );
          expect(read).toEqual(rows);
          const { sets } = (await database.changes({ after: last, limit: 1000 })).value;
          const put = sets.at(-1)?.changes.at(-1);
          expect(put).toEqual({ kind: 'put', table: 't', rows });
          last = version;
        }),
        { numRuns: 25 },
      );
    });

    it('have the forms that JSON can carry', async () => {
      const database = await openWith(makePlace, [everyType]);
      const { value } = await database.read(async (queries) => {
        const { rows } = await sql`SELECT count(*) AS counted, cast(1 AS integer) AS one, 'text' AS words, true AS yes,
          cast('-0' AS double precision) AS zero, cast('NaN' AS double precision) AS nothing,
          cast('2026-11-24 04:05:06+02' AS timestamptz) AS instant, NULL AS absent FROM t`.execute(queries);
        return rows;
      });
      expect(value).toEqual([
        {
          counted: '0',
          one: 1,
          words: 'text',
          yes: true,
          zero: '-0',
          nothing: 'NaN',
          instant: '2026-11-24T02:05:06.000000Z',
          absent: null,
        },
      ]);
    });
  });
}
