/** Types of columns, each with literals that are likely to go wrong: edges, equals that differ, things that look like others. */
import type { Picker } from './picker.ts';

/** By type as DuckDB names it: what stands before `::TYPE`. The first is plain. */
const literals: Readonly<Record<string, readonly string[]>> = {
  INTEGER: ['1', '0', '-1', '2', '3', '2147483647', '-2147483648'],
  VARCHAR: [
    `'a'`,
    `''`,
    `'b'`,
    `'NULL'`,
    `chr(65279) || 'mark'`,
    `chr(65279)`,
    `'🦆' || chr(1114111)`,
    `'it''s; -- "DELETE" /*'`,
    `'A'`,
    `e'\\t\\n\\\\'`,
    `'true'`,
    `'12'`,
    `repeat('long ', 60)`,
  ],
  BIGINT: ['1', '0', '9007199254740993', '9223372036854775807', '-9223372036854775808'],
  DOUBLE: [
    `'1.5'`,
    `'0'`,
    `'-0'`,
    `'NaN'`,
    `'Infinity'`,
    `'-Infinity'`,
    `'5e-324'`,
    `'1.7976931348623157e308'`,
    `'0.1'`,
  ],
  // Nothing else, as a checkpoint changes signs only then.
  FLOAT: [`'0'`, `'-0'`],
  BOOLEAN: ['true', 'false'],
  'DECIMAL(9,2)': ['1.50', '0', '-9999999.99', '0.01'],
  'DECIMAL(38,10)': [`'1'`, `'-9999999999999999999999999999.9999999999'`, `'0.0000000001'`],
  DATE: [`'2026-02-28'`, `'infinity'`, `'-infinity'`, `'0044-03-15 (BC)'`, `'5881580-07-10'`, `'0001-01-01'`],
  TIMESTAMP: [
    `'2026-02-28 12:00:00'`,
    `'infinity'`,
    `'-infinity'`,
    `'1969-12-31 23:59:59.999999'`,
    `'290309-12-22 (BC) 00:00:00'`,
  ],
  'TIMESTAMP WITH TIME ZONE': [
    `'2026-02-28 12:00:00+00'`,
    `'infinity'`,
    `'2026-02-28 12:00:00.000001+05:30'`,
    `'0044-03-15 (BC) 12:00:00+00'`,
  ],
  TIMESTAMP_S: [`'2026-02-28 12:00:00'`, `'infinity'`, `'1900-01-01 00:00:00'`],
  TIMESTAMP_MS: [`'2026-02-28 12:00:00.001'`, `'-infinity'`],
  TIMESTAMP_NS: [`'2026-02-28 12:00:00.000000001'`, `'infinity'`, `'1677-09-22 00:00:00'`],
  TIME: [`'12:00:00'`, `'24:00:00'`, `'00:00:00.000001'`],
  'TIME WITH TIME ZONE': [`'12:00:00+00'`, `'14:00:00+02'`, `'00:00:00-15:59:59'`],
  INTERVAL: [`'1 month'`, `'30 days'`, `'720 hours'`, `'-1 month 30 days'`, `'0 days'`, `'178956970 years'`],
  HUGEINT: [`'1'`, `'-170141183460469231731687303715884105728'`, `'99999999999999999999'`],
  UBIGINT: [`'1'`, `'18446744073709551615'`, `'9007199254740993'`],
  TINYINT: ['1', '-128', '127'],
  UUID: [
    `'00000000-0000-4000-8000-000000000001'`,
    `'ffffffff-ffff-ffff-ffff-ffffffffffff'`,
    `'00000000-0000-0000-0000-000000000000'`,
  ],
  BLOB: [`'ab'`, `''`, `'\\x00\\xFF'`, `'NULL'`],
  BIT: [`'101'`, `'0'`, `'00000000001'`],
  JSON: [
    `'{"a": 1}'`,
    `'null'`,
    `'[ 1 , 2.0 ]'`,
    `'"x"'`,
    `'{"a": {"b": [null, -0.0, 12345678901234567890]}, "a": 2}'`,
  ],
  'INTEGER[]': ['[1, 2]', '[]', '[NULL]', '[NULL, 1]'],
  'VARCHAR[]': [`['a']`, `['NULL', NULL]`, `['']`, `['a, b', '"', '[]']`, `[chr(65279)]`],
  'FLOAT[]': [`['0.1'::FLOAT]`, `['NaN'::FLOAT, 'inf'::FLOAT]`, `['3.4028235e38'::FLOAT, '-0'::FLOAT, NULL]`],
  'DOUBLE[2]': [`[1.5, 2]`, `['NaN'::DOUBLE, NULL]`, `['-0'::DOUBLE, 0]`],
  'STRUCT(a INTEGER, "b c" VARCHAR[])': [`{a: 1, "b c": ['x']}`, `{a: NULL, "b c": NULL}`, `{a: NULL, "b c": [NULL]}`],
  'MAP(VARCHAR, INTEGER)': [`MAP {'a': 1}`, `MAP {}`, `MAP {'': NULL, 'b': 2}`],
  'UNION(num INTEGER, word VARCHAR)': [
    `union_value(num := 1)`,
    `union_value(word := '1')`,
    `union_value(word := NULL)`,
  ],
  "ENUM('x', 'y', '')": [`'x'`, `'y'`, `''`],
  BIGNUM: [`'1'`, `'-123456789012345678901234567890123456789012345678901234567890'`],
};

const types = Object.keys(literals);
/** Half of all columns have one of these, so that statements meet each other's rows. */
const commonTypes = ['INTEGER', 'VARCHAR', 'BIGINT', 'DOUBLE', 'FLOAT', 'INTERVAL'];

/** Values that DuckDB finds equal, though they are not the same. */
const equals: Readonly<Record<string, readonly string[]>> = {
  DOUBLE: [`'0'`, `'-0'`],
  FLOAT: [`'0'`, `'-0'`],
  INTERVAL: [`'1 month'`, `'30 days'`, `'720 hours'`],
  'DOUBLE[2]': [`['0'::DOUBLE, '-0'::DOUBLE]`, `['-0'::DOUBLE, '0'::DOUBLE]`],
};
const keyTypes = [
  'INTEGER',
  'VARCHAR',
  'INTEGER',
  'BIGINT',
  'DATE',
  'TIMESTAMP',
  'TIMESTAMP WITH TIME ZONE',
  'UUID',
  'DECIMAL(9,2)',
  'BOOLEAN',
  'HUGEINT',
  'DOUBLE',
  'BLOB',
  'TIME WITH TIME ZONE',
  "ENUM('x', 'y', '')",
];

/** The type of a new column. */
export function anyType(pick: Picker): string {
  return pick.chance(50) ? pick.of(types) : pick.of(commonTypes);
}

export function anyKeyType(pick: Picker): string {
  return pick.of(keyTypes);
}

/** A value of the type as SQL; NULL at times. Of a type that is not known here: NULL. */
export function anyValue(type: string, pick: Picker, nullPercent = 15): string {
  const choices = literals[type];
  if (!choices || pick.chance(nullPercent)) return 'NULL';
  return `(${pick.of(choices)})::${type}`;
}

/** Another value that equals those of other indexes; null where equal values of the type are the same. */
export function equalValue(type: string, index: number): string | null {
  const choices = equals[type];
  return choices ? `(${choices[index % choices.length]})::${type}` : null;
}

/** A value that is never NULL, where the type is known. Rows side by side get others by their `index`. */
export function anyKeyValue(type: string, pick: Picker, index = 0): string {
  const choices = literals[type];
  if (!choices) return 'NULL';
  return `(${choices[(pick.index(choices.length) + index) % choices.length]})::${type}`;
}

/** An expression that gives another value each time it runs. */
export function volatileValue(type: string, pick: Picker): string {
  const choices: Readonly<Record<string, readonly string[]>> = {
    UUID: ['uuid()', 'gen_random_uuid()', 'uuidv7()'],
    DOUBLE: ['random()'],
    'TIMESTAMP WITH TIME ZONE': ['now()', 'current_timestamp', 'get_current_timestamp()'],
    TIMESTAMP: ['now()::TIMESTAMP', 'localtimestamp'],
    DATE: ['current_date', 'today()'],
    VARCHAR: ['uuid()::VARCHAR', 'random()::VARCHAR'],
  };
  if (isNumeric(type)) return `(random() * 100)::INTEGER::${type}`;
  return choices[type] ? pick.of(choices[type]) : anyValue(type, pick);
}

/** A type of which `volatileValue` gives other values in each row, or each time. */
export function anyVolatileType(pick: Picker): string {
  return pick.of(['DOUBLE', 'UUID', 'VARCHAR', 'INTEGER', 'TIMESTAMP WITH TIME ZONE']);
}

/** Whether a number can be added to it. */
export function isNumeric(type: string): boolean {
  return /^(?:INTEGER|BIGINT|DOUBLE|HUGEINT|TINYINT|UBIGINT|DECIMAL\(\d+,\d+\))$/.test(type);
}

/** Whether it can have a minus before it. */
export function isSigned(type: string): boolean {
  return isNumeric(type) || type === 'FLOAT' || type === 'INTERVAL';
}
