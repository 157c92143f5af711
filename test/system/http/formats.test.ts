/** What the formats of answers hold, as readers of them see it: Arrow by its own library, Parquet by a plain DuckDB. */
import { DuckDBInstance } from '@duckdb/node-api';
import { tableFromIPC } from 'apache-arrow';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { QueryResult } from '../../../lib/db/database.ts';
import { ParquetWriter } from '../../../lib/db/duckdb/files/parquet.ts';
import { arrowStream } from '../../../lib/http/formats/arrow.ts';
import type { PlainValue } from '../../../lib/values.ts';
import { temporaryFolder } from '../../support/engine.ts';

interface Sample {
  readonly type: string;
  readonly value: PlainValue;
  /** As Arrow's library gives it; of a date the ms since 1970. */
  readonly arrow: unknown;
  /** As DuckDB writes it. */
  readonly text: string;
}

const day = 86_400_000;
const same = (type: string, value: string, text = value): Sample => ({ type, value, arrow: value, text });
const samples: readonly Sample[] = [
  { type: 'BOOLEAN', value: true, arrow: true, text: 'true' },
  { type: 'TINYINT', value: -128, arrow: -128, text: '-128' },
  { type: 'UTINYINT', value: 255, arrow: 255, text: '255' },
  { type: 'SMALLINT', value: -32768, arrow: -32768, text: '-32768' },
  { type: 'USMALLINT', value: 65535, arrow: 65535, text: '65535' },
  { type: 'INTEGER', value: -2147483648, arrow: -2147483648, text: '-2147483648' },
  { type: 'UINTEGER', value: 4294967295, arrow: 4294967295, text: '4294967295' },
  { type: 'BIGINT', value: '-9223372036854775808', arrow: -(2n ** 63n), text: '-9223372036854775808' },
  { type: 'UBIGINT', value: '18446744073709551615', arrow: 2n ** 64n - 1n, text: '18446744073709551615' },
  same('HUGEINT', '170141183460469231731687303715884105727'),
  { type: 'FLOAT', value: 1.5, arrow: 1.5, text: '1.5' },
  { type: 'DOUBLE', value: 0.1, arrow: 0.1, text: '0.1' },
  { type: 'DOUBLE', value: '-0', arrow: -0, text: '-0.0' },
  { type: 'DOUBLE', value: 'NaN', arrow: NaN, text: 'nan' },
  { type: 'DOUBLE', value: '-Infinity', arrow: -Infinity, text: '-inf' },
  same('DECIMAL(18,3)', '-123456789012345.678'),
  // Arrow's library drops it when it reads.
  { type: 'VARCHAR', value: '\ufeffmark 🦆', arrow: 'mark 🦆', text: '\ufeffmark 🦆' },
  same('UUID', 'ffffffff-ffff-4fff-bfff-ffffffffffff'),
  { type: 'BLOB', value: 'AP9/', arrow: new Uint8Array([0, 255, 127]), text: '\\x00\\xFF\\x7F' },
  { type: 'DATE', value: '2026-01-01', arrow: Date.UTC(2026, 0, 1), text: '2026-01-01' },
  { type: 'DATE', value: '1969-12-31', arrow: -day, text: '1969-12-31' },
  { type: 'DATE', value: 'infinity', arrow: 2_147_483_647 * day, text: 'infinity' },
  same('TIME', '23:59:59.999999'),
  same('TIMESTAMP', '2026-02-28T23:59:59.999999', '2026-02-28 23:59:59.999999'),
  same('TIMESTAMP_S', 'infinity'),
  same('TIMESTAMP WITH TIME ZONE', '2026-02-28T23:59:59.999999Z', '2026-02-28 23:59:59.999999+00'),
  {
    type: 'INTERVAL',
    value: { months: -1, days: 2, micros: '1' },
    arrow: '{"months":-1,"days":2,"micros":"1"}',
    text: '{"months":-1,"days":2,"micros":"1"}',
  },
  { type: 'INTEGER[]', value: [1, null, -3], arrow: '[1,null,-3]', text: '[1, NULL, -3]' },
  { type: 'STRUCT(a INTEGER)', value: { a: 1 }, arrow: '{"a":1}', text: '{"a":1}' },
];

/** A row of nulls behind the row of values, as nulls shift what a reader finds. */
const result: QueryResult = {
  columns: samples.map(({ type }, index) => ({ name: `c${index}`, type })),
  rows: [samples.map(() => null), samples.map(({ value }) => value)],
  truncated: null,
};

it('are what Arrow reads', () => {
  const table = tableFromIPC(arrowStream(result));
  for (const [index, { type, arrow }] of samples.entries()) {
    const column = table.getChildAt(index)!;
    expect([type, column.get(0), column.get(1)]).toEqual([type, null, arrow]);
  }
});

it('are what DuckDB reads from Parquet', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'out.parquet');
  const writer = await ParquetWriter.open(folder, result.columns);
  writer.append(result.rows);
  await writer.finish(path);
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`SET TimeZone = 'UTC'`);
  // As bytes, as the driver drops a U+FEFF that begins a text.
  const columns = samples.map((_, index) => `encode(c${index}::VARCHAR)::VARCHAR`).join(', ');
  const [, row = []] = (await connection.runAndReadAll(`SELECT ${columns} FROM '${path}'`)).getRows();
  const bytes = (text: string) => Buffer.from(text).toString('latin1');
  const decoded = row.map((text) =>
    String(text).replaceAll(/\\x([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
  );
  expect(decoded).toEqual(samples.map(({ text }) => bytes(text)));
  connection.closeSync();
  instance.closeSync();
});
