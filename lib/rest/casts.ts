/** The types that `::` may name. */
import type { ValueType } from '../catalog/types.ts';
import type { EngineName } from '../values.ts';
import { RestError } from './faults.ts';

export interface Cast {
  readonly sqlType: string;
  readonly type: ValueType;
}

const integer = (bits: bigint): ValueType => ({
  kind: 'integer',
  min: -(2n ** (bits - 1n)),
  max: 2n ** (bits - 1n) - 1n,
});
const text: ValueType = { kind: 'text', maxLength: null };
const decimal: ValueType = { kind: 'decimal', width: null, scale: null };
const timestamp = (withZone: boolean): ValueType => ({ kind: 'timestamp', withZone, digits: 6 });

/** Names, the type in SQL (on DuckDB, where that is another one), what its values are. */
const known: readonly (readonly [names: string, sqlType: string, type: ValueType, onDuckDb?: string])[] = [
  ['text,varchar,character varying', 'text', text],
  ['smallint,int2', 'smallint', integer(16n)],
  ['integer,int,int4', 'integer', integer(32n)],
  ['bigint,int8', 'bigint', integer(64n)],
  // DuckDB's own has three digits behind the point.
  ['numeric,decimal', 'numeric', decimal, 'decimal(38,10)'],
  ['real,float4', 'real', { kind: 'float', bits: 32 }],
  ['double precision,float8,float', 'double precision', { kind: 'float', bits: 64 }],
  ['boolean,bool', 'boolean', { kind: 'boolean' }],
  ['date', 'date', { kind: 'date' }],
  ['time', 'time', { kind: 'time', withZone: false }],
  ['timestamp', 'timestamp', timestamp(false)],
  ['timestamptz', 'timestamptz', timestamp(true)],
  ['uuid', 'uuid', { kind: 'uuid' }],
  ['json', 'json', { kind: 'json' }],
  ['jsonb', 'jsonb', { kind: 'json' }, 'json'],
];

/** @throws RestError 42704 */
export function castNamed(engine: EngineName, name: string): Cast {
  const found = known.find(([names]) => names.split(',').includes(name.toLowerCase()));
  if (!found) throw new RestError('42704', 400, `type "${name}" does not exist`);
  const [, sqlType, type, onDuckDb = sqlType] = found;
  return { sqlType: engine === 'duckdb' ? onDuckDb : sqlType, type };
}
