/**
 * Rows as an Arrow IPC stream. https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format
 *
 * Owns: the Arrow type of each column. What has none that holds it exactly goes as text, as in JSON. The worst that can
 * happen: digits that are lost on the way.
 */
import type { DataType } from '#packages/apache-arrow';
import type { QueryResult } from '../../db/database.ts';
import type { PlainValue } from '../../schema/values.ts';

type Arrow = typeof import('#packages/apache-arrow');

export async function arrowStream({ columns, rows }: QueryResult): Promise<Uint8Array<ArrayBuffer>> {
  const arrow = await import('#packages/apache-arrow');
  const kinds = columns.map(({ type }) => kindOf(arrow, type));
  const vectors = kinds.map(({ type, convert }, index) =>
    arrow.vectorFromArray(
      rows.map((row) => {
        const value = row[index] ?? null;
        return value === null ? null : convert(value);
      }),
      type,
    ),
  );
  const schema = new arrow.Schema(columns.map(({ name }, index) => new arrow.Field(name, kinds[index]!.type, true)));
  const children = vectors.map((vector) => vector.data[0]!);
  const data = arrow.makeData({ type: new arrow.Struct(schema.fields), length: rows.length, nullCount: 0, children });
  return arrow.tableToIPC(
    new arrow.Table(schema, [new arrow.RecordBatch(schema, data)]),
    'stream',
  ) as Uint8Array<ArrayBuffer>;
}

interface Kind {
  readonly type: DataType;
  readonly convert: (value: PlainValue) => unknown;
}

const msADay = 86_400_000;

function kindOf(arrow: Arrow, type: string): Kind {
  const { Bool, Int8, Int16, Int32, Int64, Uint8, Uint16, Uint32, Uint64, Float32, Float64 } = arrow;
  const whole = (made: DataType): Kind => ({ type: made, convert: Number });
  const kinds: Readonly<Record<string, () => Kind>> = {
    BOOLEAN: () => ({ type: new Bool(), convert: Boolean }),
    TINYINT: () => whole(new Int8()),
    SMALLINT: () => whole(new Int16()),
    INTEGER: () => whole(new Int32()),
    UTINYINT: () => whole(new Uint8()),
    USMALLINT: () => whole(new Uint16()),
    UINTEGER: () => whole(new Uint32()),
    BIGINT: () => ({ type: new Int64(), convert: (value) => BigInt(value as string) }),
    UBIGINT: () => ({ type: new Uint64(), convert: (value) => BigInt(value as string) }),
    FLOAT: () => whole(new Float32()),
    DOUBLE: () => whole(new Float64()),
    BLOB: () => ({ type: new arrow.Binary(), convert: (value) => Buffer.from(value as string, 'base64') }),
    DATE: () => ({ type: new arrow.DateDay(), convert: (value) => Math.round(Date.parse(value as string) / msADay) }),
  };
  return Object.hasOwn(kinds, type) ? kinds[type]!() : { type: new arrow.Utf8(), convert: asText };
}

function asText(value: PlainValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
