/**
 * The text in which DuckDB writes a type, as a `ValueType`; what is not known is `other`, and a table that has it is
 * only read.
 */
import { type Token, tokensOf } from '../sql/tokens.ts';
import type { ValueType } from './types.ts';

const scalars: Readonly<Record<string, ValueType>> = {
  BOOLEAN: { kind: 'boolean' },
  ...integers('TINYINT', 8n),
  ...integers('SMALLINT', 16n),
  ...integers('INTEGER', 32n),
  ...integers('BIGINT', 64n),
  ...integers('HUGEINT', 128n),
  BIGNUM: { kind: 'decimal', width: null, scale: 0 },
  FLOAT: { kind: 'float', bits: 32 },
  DOUBLE: { kind: 'float', bits: 64 },
  VARCHAR: { kind: 'text', maxLength: null },
  JSON: { kind: 'json' },
  UUID: { kind: 'uuid' },
  BLOB: { kind: 'blob' },
  BIT: { kind: 'bit' },
  DATE: { kind: 'date' },
  TIME: { kind: 'time', withZone: false },
  TIMESTAMP: { kind: 'timestamp', withZone: false, digits: 6 },
  TIMESTAMP_S: { kind: 'timestamp', withZone: false, digits: 0 },
  TIMESTAMP_MS: { kind: 'timestamp', withZone: false, digits: 3 },
  TIMESTAMP_NS: { kind: 'timestamp', withZone: false, digits: 9 },
  INTERVAL: { kind: 'interval' },
};

function integers(name: string, bits: bigint): Record<string, ValueType> {
  const half = 2n ** (bits - 1n);
  return {
    [name]: { kind: 'integer', min: -half, max: half - 1n },
    [`U${name}`]: { kind: 'integer', min: 0n, max: 2n * half - 1n },
  };
}

/**
 * The type that DuckDB writes as `text`; `other` for one that is not known.
 *
 * @example parseDuckDbType('DECIMAL(10,2)[]') // { kind: 'list', item: { kind: 'decimal', width: 10, scale: 2 }, length: null }
 */
export function parseDuckDbType(text: string): ValueType {
  try {
    const reader = new TypeReader(tokensOf(text));
    const type = reader.type();
    return reader.isAtEnd ? type : { kind: 'other' };
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: 'other' };
    throw error;
  }
}

/** Whether a type that only DuckDB has is part of it. */
export function hasUnknownPart(type: ValueType): boolean {
  switch (type.kind) {
    case 'other':
      return true;
    case 'list':
      return hasUnknownPart(type.item);
    case 'map':
      return hasUnknownPart(type.key) || hasUnknownPart(type.value);
    case 'struct':
      return type.fields.some(([, field]) => hasUnknownPart(field));
    case 'union':
      return type.members.some(([, member]) => hasUnknownPart(member));
    default:
      return false;
  }
}

class TypeReader {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#tokens.length;
  }

  type(): ValueType {
    let type = this.#base();
    while (this.#take('[')) {
      const length = this.#peek()?.kind === 'number' ? this.#number() : null;
      this.#expect(']');
      type = { kind: 'list', item: type, length };
    }
    return type;
  }

  #base(): ValueType {
    const name = this.#next().keyword;
    switch (name) {
      case 'DECIMAL':
        return this.#decimal();
      case 'ENUM':
        return { kind: 'enum', values: this.#list(() => unquoted(this.#next())) };
      case 'STRUCT':
        return { kind: 'struct', fields: this.#list(() => this.#field()) };
      case 'UNION':
        return { kind: 'union', members: this.#list(() => this.#field()) };
      case 'MAP': {
        const [key, value] = this.#list(() => this.type());
        return key && value ? { kind: 'map', key, value } : { kind: 'other' };
      }
      default:
        return this.#scalar(name);
    }
  }

  #scalar(name: string): ValueType {
    const type = Object.hasOwn(scalars, name) ? scalars[name] : undefined;
    if (!type) return { kind: 'other' };
    const withZone = this.#peek()?.keyword === 'WITH';
    if (withZone) this.#at += 'WITH TIME ZONE'.split(' ').length;
    return type.kind === 'time' || type.kind === 'timestamp' ? { ...type, withZone } : type;
  }

  #decimal(): ValueType {
    const [width = null, scale = null] = this.#list(() => this.#number());
    return { kind: 'decimal', width, scale };
  }

  #field(): readonly [string, ValueType] {
    return [this.#next().text, this.type()];
  }

  #list<T>(item: () => T): T[] {
    this.#expect('(');
    const items = [item()];
    while (this.#take(',')) items.push(item());
    this.#expect(')');
    return items;
  }

  #number(): number {
    return Number(this.#next().text);
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #next(): Token {
    const token = this.#tokens[this.#at++];
    if (!token) throw new SyntaxError('the type ends too early');
    return token;
  }

  #take(symbol: string): boolean {
    const token = this.#peek();
    if (token?.kind !== 'symbol' || token.text !== symbol) return false;
    this.#at++;
    return true;
  }

  #expect(symbol: string): void {
    if (!this.#take(symbol)) throw new SyntaxError(`${symbol} is missing`);
  }
}

function unquoted({ text }: Token): string {
  return text.slice(1, -1).replaceAll("''", "'");
}
