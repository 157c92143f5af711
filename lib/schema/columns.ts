/**
 * Short constructors for the columns of a table definition. Required unless `nullable` or `default` is given.
 *
 * Owns: the defaults of each kind. Knows nothing of tables. The worst that can happen: a limit wider than the database
 * takes, so that input passes validation and fails later.
 */
import type {
  BooleanColumn,
  DateColumn,
  EnumColumn,
  IntegerColumn,
  NumberColumn,
  TextColumn,
  TimestampColumn,
  UuidColumn,
} from './table.ts';

interface Common<T> {
  readonly nullable?: boolean;
  /** What a row gets when the input leaves the column out. */
  readonly default?: T;
  readonly description?: string;
}

interface TextOptions extends Common<string> {
  /** Characters after trimming; 1 unless given. */
  readonly minLength?: number;
  readonly maxLength: number;
}

interface RangeOptions extends Common<number> {
  readonly min?: number;
  readonly max?: number;
}

const base = { nullable: false, origin: 'client' } as const;

/** One line of text. */
export const text = (options: TextOptions): TextColumn => ({
  kind: 'text',
  format: 'line',
  minLength: 1,
  ...base,
  ...options,
});

/** Text that may have line feeds and tabs. */
export const lines = (options: TextOptions): TextColumn => ({ ...text(options), format: 'lines' });

/** One e-mail address, at most 254 characters, kept in lower case. */
export const email = (options: Common<string> = {}): TextColumn => ({
  ...text({ maxLength: 254, minLength: 3, ...options }),
  format: 'email',
});

/** A whole number of 32 bits. */
export const integer = (options: RangeOptions = {}): IntegerColumn => ({
  kind: 'integer',
  min: -(2 ** 31),
  max: 2 ** 31 - 1,
  ...base,
  ...options,
});

/** A finite double. */
export const number = (options: RangeOptions = {}): NumberColumn => ({
  kind: 'number',
  min: -Number.MAX_VALUE,
  max: Number.MAX_VALUE,
  ...base,
  ...options,
});

export const boolean = (options: Common<boolean> = {}): BooleanColumn => ({ kind: 'boolean', ...base, ...options });

/** A day, `2026-11-24`. */
export const date = (options: Common<string> = {}): DateColumn => ({ kind: 'date', ...base, ...options });

/** A moment, to the microsecond. */
export const timestamp = (options: Common<string> = {}): TimestampColumn => ({
  kind: 'timestamp',
  ...base,
  ...options,
});

/** A UUID; give it `references` when it names a row of a table. */
export const uuid = (options: Common<string> & { readonly references?: string } = {}): UuidColumn => ({
  kind: 'uuid',
  ...base,
  ...options,
});

/** One of `values`. */
export const oneOf = (values: readonly [string, ...string[]], options: Common<string> = {}): EnumColumn => ({
  kind: 'enum',
  values,
  ...base,
  ...options,
});
