/** DuckDB values as plain JSON values and back, exactly, for every type that a replicated table may hold. */
import {
  DuckDBArrayValue,
  DuckDBBitValue,
  DuckDBBlobValue,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBIntervalValue,
  DuckDBListValue,
  DuckDBMapValue,
  DuckDBStructValue,
  DuckDBTimeTZValue,
  DuckDBTimeValue,
  DuckDBTimestampMillisecondsValue,
  DuckDBTimestampNanosecondsValue,
  DuckDBTimestampSecondsValue,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTypeId,
  DuckDBUUIDValue,
  DuckDBUnionValue,
  DuckDBUnionVector,
  type DuckDBStructVector,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import dataAccessors from '@duckdb/node-api/lib/vectors/dataAccessors.js';
import { AppError } from '../errors.ts';
import type { PlainValue } from '../values.ts';
import {
  formatDate,
  formatTime,
  formatTimeTz,
  formatTimestamp,
  parseDate,
  parseTime,
  parseTimeTz,
  parseTimestamp,
} from '../datetime.ts';

// The client library decodes every text with this one, which takes U+FEFF at its beginning for a mark and drops it.
Object.assign(dataAccessors, { textDecoder: new TextDecoder('utf-8', { ignoreBOM: true }) });

// The client library makes NULL of all members of a union that is NULL, and leaves the union itself a value.
const unions = DuckDBUnionVector.prototype;
const setUnion = Reflect.get(unions, 'setItem');
unions.setItem = function (this: DuckDBUnionVector, index, value) {
  if (value === null) (Reflect.get(this, 'structVector') as DuckDBStructVector).setItem(index, null);
  else setUnion.call(this, index, value);
};

/** How the values of one type are encoded and decoded. NULL never reaches either function. */
export interface Codec {
  encode(value: DuckDBValue): PlainValue;
  decode(plain: PlainValue): DuckDBValue;
}

/** A codec of a value class: the casts live here and nowhere else. */
function codec<Value, Plain extends PlainValue>(
  encode: (value: Value) => Plain,
  decode: (plain: Plain) => Value & DuckDBValue,
): Codec {
  return { encode: (value) => encode(value as Value), decode: (plain) => decode(plain as Plain) };
}

const same: Codec = { encode: (value) => value as PlainValue, decode: (plain) => plain as DuckDBValue };
const digits = codec<bigint, string>(String, BigInt);
const double = codec<number, number | string>(
  (value) => (Number.isFinite(value) && !Object.is(value, -0) ? value : Object.is(value, -0) ? '-0' : String(value)),
  Number,
);

const micros = 1_000_000n;
const timestamp = (text: string): bigint => parseTimestamp(text, micros);

const scalarCodecs: Partial<Record<DuckDBTypeId, Codec>> = {
  [DuckDBTypeId.BOOLEAN]: same,
  [DuckDBTypeId.TINYINT]: same,
  [DuckDBTypeId.SMALLINT]: same,
  [DuckDBTypeId.INTEGER]: same,
  [DuckDBTypeId.UTINYINT]: same,
  [DuckDBTypeId.USMALLINT]: same,
  [DuckDBTypeId.UINTEGER]: same,
  [DuckDBTypeId.BIGINT]: digits,
  [DuckDBTypeId.UBIGINT]: digits,
  [DuckDBTypeId.HUGEINT]: digits,
  [DuckDBTypeId.UHUGEINT]: digits,
  [DuckDBTypeId.BIGNUM]: digits,
  [DuckDBTypeId.FLOAT]: double,
  [DuckDBTypeId.DOUBLE]: double,
  [DuckDBTypeId.VARCHAR]: same,
  [DuckDBTypeId.ENUM]: same,
  [DuckDBTypeId.BLOB]: codec<DuckDBBlobValue, string>(
    (value) => Buffer.from(value.bytes).toString('base64'),
    (text) => new DuckDBBlobValue(Buffer.from(text, 'base64')),
  ),
  [DuckDBTypeId.BIT]: codec<DuckDBBitValue, string>(
    (value) => value.toString(),
    (text) => DuckDBBitValue.fromString(text),
  ),
  [DuckDBTypeId.UUID]: codec<DuckDBUUIDValue, string>(
    (value) => value.toString(),
    (text) => DuckDBUUIDValue.fromUint128(BigInt(`0x${text.replaceAll('-', '')}`)),
  ),
  [DuckDBTypeId.DATE]: codec<DuckDBDateValue, string>(
    (value) => formatDate(value.days),
    (text) => new DuckDBDateValue(parseDate(text)),
  ),
  [DuckDBTypeId.TIME]: codec<DuckDBTimeValue, string>(
    (value) => formatTime(value.micros),
    (text) => new DuckDBTimeValue(parseTime(text)),
  ),
  [DuckDBTypeId.TIME_TZ]: codec<DuckDBTimeTZValue, string>(
    (value) => formatTimeTz(value.micros, value.offset),
    (text) => {
      const { micros: time, offset } = parseTimeTz(text);
      return DuckDBTimeTZValue.fromMicrosAndOffset(time, offset);
    },
  ),
  [DuckDBTypeId.TIMESTAMP]: codec<DuckDBTimestampValue, string>(
    (value) => formatTimestamp(value.micros, micros, ''),
    (text) => new DuckDBTimestampValue(timestamp(text)),
  ),
  [DuckDBTypeId.TIMESTAMP_TZ]: codec<DuckDBTimestampTZValue, string>(
    (value) => formatTimestamp(value.micros, micros, 'Z'),
    (text) => new DuckDBTimestampTZValue(timestamp(text)),
  ),
  [DuckDBTypeId.TIMESTAMP_S]: codec<DuckDBTimestampSecondsValue, string>(
    (value) => formatTimestamp(value.seconds, 1n, ''),
    (text) => new DuckDBTimestampSecondsValue(parseTimestamp(text, 1n)),
  ),
  [DuckDBTypeId.TIMESTAMP_MS]: codec<DuckDBTimestampMillisecondsValue, string>(
    (value) => formatTimestamp(value.millis, 1_000n, ''),
    (text) => new DuckDBTimestampMillisecondsValue(parseTimestamp(text, 1_000n)),
  ),
  [DuckDBTypeId.TIMESTAMP_NS]: codec<DuckDBTimestampNanosecondsValue, string>(
    (value) => formatTimestamp(value.nanos, 1_000_000_000n, ''),
    (text) => new DuckDBTimestampNanosecondsValue(parseTimestamp(text, 1_000_000_000n)),
  ),
  [DuckDBTypeId.INTERVAL]: codec<DuckDBIntervalValue, { months: number; days: number; micros: string }>(
    (value) => ({ months: value.months, days: value.days, micros: String(value.micros) }),
    (plain) => new DuckDBIntervalValue(plain.months, plain.days, BigInt(plain.micros)),
  ),
};

const cache = new Map<string, Codec>();

/** The codec of a type. `invalid` when the type cannot be captured. */
export function codecFor(type: DuckDBType): Codec {
  const scalar = scalarCodecs[type.typeId];
  if (scalar) return scalar;
  const name = type.toString();
  let found = cache.get(name);
  if (!found) cache.set(name, (found = composeCodec(type)));
  return found;
}

function composeCodec(type: DuckDBType): Codec {
  switch (type.typeId) {
    case DuckDBTypeId.DECIMAL:
      return decimalCodec(type.width, type.scale);
    case DuckDBTypeId.LIST:
      return itemsCodec(codecFor(type.valueType), (items) => new DuckDBListValue(items));
    case DuckDBTypeId.ARRAY:
      return itemsCodec(codecFor(type.valueType), (items) => new DuckDBArrayValue(items));
    case DuckDBTypeId.STRUCT:
      return structCodec(type.entryNames, type.entryTypes.map(codecFor));
    case DuckDBTypeId.MAP:
      return mapCodec(codecFor(type.keyType), codecFor(type.valueType));
    case DuckDBTypeId.UNION:
      return unionCodec(type.memberTags, type.memberTypes.map(codecFor));
    default:
      throw new AppError('invalid', `The type ${type.toString()} cannot be captured in a record.`, {
        hint: 'Store it as another type, for example VARCHAR, JSON or BLOB.',
      });
  }
}

function decimalCodec(width: number, scale: number): Codec {
  return codec<DuckDBDecimalValue, string | number>(
    (value) => value.toString(),
    (text) => new DuckDBDecimalValue(scaled(String(text), scale), width, scale),
  );
}

/** A client may write fewer digits behind the point than rows do. */
function scaled(text: string, scale: number): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  if (fraction.length > scale) throw new RangeError(`${text} has more than ${scale} digits behind the point`);
  return BigInt(whole + fraction.padEnd(scale, '0'));
}

/** The workaround for NULL inside a nested value. */
export function encodeNullable(item: Codec, value: DuckDBValue): PlainValue {
  return value === null ? null : item.encode(value);
}

export function decodeNullable(item: Codec, plain: PlainValue): DuckDBValue {
  return plain === null ? null : item.decode(plain);
}

function itemsCodec(item: Codec, make: (items: DuckDBValue[]) => DuckDBListValue | DuckDBArrayValue): Codec {
  return codec<DuckDBListValue | DuckDBArrayValue, readonly PlainValue[]>(
    (value) => value.items.map((each) => encodeNullable(item, each)),
    (plain) => make(plain.map((each) => decodeNullable(item, each))),
  );
}

function structCodec(names: readonly string[], codecs: readonly Codec[]): Codec {
  const entries = names.map((name, index) => [name, codecs[index] ?? same] as const);
  return codec<DuckDBStructValue, Readonly<Record<string, PlainValue>>>(
    (value) =>
      Object.fromEntries(entries.map(([name, item]) => [name, encodeNullable(item, value.entries[name] ?? null)])),
    (plain) =>
      new DuckDBStructValue(
        Object.fromEntries(entries.map(([name, item]) => [name, decodeNullable(item, plain[name] ?? null)])),
      ),
  );
}

type PlainEntries = readonly (readonly [PlainValue, PlainValue])[];

function mapCodec(keys: Codec, values: Codec): Codec {
  return codec<DuckDBMapValue, PlainEntries>(
    (map) => map.entries.map(({ key, value }) => [keys.encode(key), encodeNullable(values, value)] as const),
    (plain) =>
      new DuckDBMapValue(
        plain.map(([key, value]) => ({ key: keys.decode(key), value: decodeNullable(values, value) })),
      ),
  );
}

function unionCodec(tags: readonly string[], codecs: readonly Codec[]): Codec {
  const byTag = new Map(tags.map((tag, index) => [tag, codecs[index] ?? same]));
  return codec<DuckDBUnionValue, { readonly tag: string; readonly value: PlainValue }>(
    (union) => ({ tag: union.tag, value: encodeNullable(byTag.get(union.tag) ?? same, union.value) }),
    (plain) => new DuckDBUnionValue(plain.tag, decodeNullable(byTag.get(plain.tag) ?? same, plain.value)),
  );
}
