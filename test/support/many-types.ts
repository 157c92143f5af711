/** Tables of every type of value that a column may have, with the values at its edges. */
import type { ManyTable } from './many-tables.ts';

export const manyTypes: readonly ManyTable[] = [
  {
    name: 'numbers',
    key: ['id'],
    ddl: [
      `CREATE TABLE numbers (id HUGEINT PRIMARY KEY, tiny TINYINT, small SMALLINT, normal INTEGER, big BIGINT, utiny UTINYINT, usmall USMALLINT, unormal UINTEGER, ubig UBIGINT,
         uhuge UHUGEINT, real FLOAT, precise DOUBLE, cents DECIMAL(4,2), sum DECIMAL(18,3), giant DECIMAL(38,10), endless BIGNUM)`,
    ],
    rows: [
      `VALUES (-170141183460469231731687303715884105728, -128, -32768, -2147483648, -9223372036854775808, 0, 0, 0, 0, 0, '-inf', '-inf', -99.99, -999999999999999.999, -9999999999999999999999999999.9999999999, '-123456789012345678901234567890123456789012345678901234567890'),
         (170141183460469231731687303715884105727, 127, 32767, 2147483647, 9223372036854775807, 255, 65535, 4294967295, 18446744073709551615, 340282366920938463463374607431768211455, 'inf', 'inf', 99.99, 999999999999999.999, 9999999999999999999999999999.9999999999, '123456789012345678901234567890123456789012345678901234567890'),
         (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'NaN', 'NaN', 0, 0.000, 0, '0'),
         (1, 1, 1, 1, 9007199254740993, 1, 1, 1, 9007199254740993, 1, '-0', '-0', 0.1, 0.001, 0.0000000001, '1'),
         (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 3.4028235e38, 5e-324, NULL, NULL, NULL, NULL)`,
    ],
  },
  {
    name: 'times',
    key: ['at'],
    ddl: [
      `CREATE TABLE times ("at" TIMESTAMPTZ PRIMARY KEY, day DATE, "time" TIME, time_tz TIMETZ, ts TIMESTAMP, ts_s TIMESTAMP_S, ts_ms TIMESTAMP_MS, ts_ns TIMESTAMP_NS, span INTERVAL)`,
    ],
    rows: [
      `VALUES ('2026-02-28 23:59:59.999999+00', '2026-02-28', '23:59:59.999999', '23:59:59.999999+15:59:59', '2026-02-28 23:59:59.999999', '2026-02-28 23:59:59', '2026-02-28 23:59:59.999', '2026-02-28 23:59:59.999999999', '1 month 30 days 24 hours'),
         ('infinity', 'infinity', '24:00:00', '00:00:00-15:59:59', 'infinity', 'infinity', 'infinity', 'infinity', '-1 month -1 day -0.000001 seconds'),
         ('-infinity', '-infinity', '00:00:00', '00:00:00+00', '-infinity', '-infinity', '-infinity', '-infinity', '0 days'),
         ('0044-03-15 (BC) 12:00:00+00', '5877642-06-25 (BC)', '12:00', '12:00:00+02', '290309-12-22 (BC) 00:00:00', '0001-01-01 00:00:00', '0001-01-01 (BC) 00:00:00', '1677-09-22 00:00:00', '60 days'),
         ('294247-01-10 04:00:54.775806+00', '5881580-07-10', NULL, NULL, '294247-01-10 04:00:54.775806', '9999-12-31 23:59:59', '9999-12-31 23:59:59.999', '2262-04-11 23:47:16.854775806', '178956970 years 7 months'),
         ('1970-01-01 00:00:00+00', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)`,
    ],
  },
  {
    name: 'texts',
    key: ['id'],
    ddl: [
      `CREATE TABLE texts (id VARCHAR PRIMARY KEY, plain VARCHAR, document JSON, bytes BLOB, bits BIT, uuid UUID, flag BOOLEAN)`,
    ],
    rows: [
      `VALUES ('empty', '', '{}', ''::BLOB, '0', '00000000-0000-0000-0000-000000000000', false),
         ('mark', chr(65279) || 'after a byte order mark', '{"a": [1, 1.0, null, "ü", {"b": -0.0}], "a": 2}', '\\x00\\xFF\\x7F'::BLOB, '10101010101', 'ffffffff-ffff-ffff-ffff-ffffffffffff', true),
         ('surrogates', '🦆𝒳' || chr(1114111), '"text"', 'text'::BLOB, '111', NULL, NULL),
         ('controls', chr(1) || chr(9) || chr(10) || chr(13) || chr(127) || chr(8232) || '\\', 'null', NULL, NULL, NULL, NULL),
         ('long', repeat('x', 100000), '12345678901234567890', repeat('y', 70000)::BLOB, NULL, NULL, NULL),
         (chr(65279), 'NULL', '[ 1 , 2 ]', NULL, NULL, NULL, NULL), ('NULL', NULL, NULL, NULL, NULL, NULL, NULL)`,
    ],
  },
  {
    name: 'keys_of_many_kinds',
    key: ['u', 'b', 'd', 't', 'x', 'h'],
    ddl: [
      `CREATE TABLE keys_of_many_kinds (note VARCHAR, u UUID, b BOOLEAN, d DECIMAL(5,2), t TIMESTAMP, x BLOB, h HUGEINT, PRIMARY KEY (u, b, d, t, x, h))`,
    ],
    rows: [
      `VALUES ('first', '00000000-0000-4000-8000-000000000001', true, 1.50, '2026-01-01 00:00:00.000001', 'ab'::BLOB, 99999999999999999999), (NULL, '00000000-0000-4000-8000-000000000001', false, -0.01, 'infinity', ''::BLOB, -1)`,
    ],
  },
];
