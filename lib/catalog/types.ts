/** The same words on either engine: from them follow validation, literals, casts and JSON Schema. */
export type ValueType =
  | { readonly kind: 'boolean' }
  /** Both ends included. */
  | { readonly kind: 'integer'; readonly min: bigint; readonly max: bigint }
  /** `width` digits, `scale` of them behind the point; null where the engine sets no limit. */
  | { readonly kind: 'decimal'; readonly width: number | null; readonly scale: number | null }
  | { readonly kind: 'float'; readonly bits: 32 | 64 }
  /** `maxLength` in characters, from the type itself; null: none. */
  | { readonly kind: 'text'; readonly maxLength: number | null }
  | { readonly kind: 'json' }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'uuid' }
  | { readonly kind: 'blob' }
  | { readonly kind: 'bit' }
  | { readonly kind: 'date' }
  | { readonly kind: 'time'; readonly withZone: boolean }
  /** `digits` of a second's fraction: 0, 3, 6 or 9. */
  | { readonly kind: 'timestamp'; readonly withZone: boolean; readonly digits: number }
  | { readonly kind: 'interval' }
  /** `length`: of an array of fixed length, otherwise null. */
  | {
      readonly kind: 'list';
      readonly item: ValueType;
      readonly length: number | null;
      /** PostgreSQL's may have any number of dimensions, independent of the type. */
      readonly nests?: true;
    }
  | { readonly kind: 'struct'; readonly fields: readonly (readonly [name: string, type: ValueType])[] }
  | { readonly kind: 'map'; readonly key: ValueType; readonly value: ValueType }
  | { readonly kind: 'union'; readonly members: readonly (readonly [tag: string, type: ValueType])[] }
  /** Of the engine's own: its values are text, and read by its cast. */
  | { readonly kind: 'other' };
