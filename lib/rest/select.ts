/** The parameter `select`: columns, aggregates, and what is embedded. */
import { type Field, readPath } from './field.ts';
import { type Name, Scanner } from './scanner.ts';

export const aggregates = ['sum', 'avg', 'count', 'max', 'min'] as const;
export type Aggregate = (typeof aggregates)[number];

export interface FieldItem extends Field {
  readonly kind: 'field';
  readonly alias: string | null;
  readonly cast: string | null;
  readonly aggregate: Aggregate | null;
  /** Of the aggregate's result. */
  readonly resultCast: string | null;
}

/** All columns. */
interface StarItem {
  readonly kind: 'star';
}

export interface EmbedItem {
  readonly kind: 'embed';
  readonly alias: string | null;
  /** A table, a foreign key, or the column of one. */
  readonly target: string;
  readonly hint: string | null;
  /** Rows of the parent without any are left out. */
  readonly inner: boolean;
  /** Its columns become the parent's. */
  readonly spread: boolean;
  readonly items: readonly SelectItem[];
}

export type SelectItem = StarItem | FieldItem | EmbedItem;

/**
 * @throws RestError PGRST100
 * @example parseSelect('id,full:name,orders(total.sum())')
 */
export function parseSelect(text: string): readonly SelectItem[] {
  const scanner = new Scanner('select parameter', text);
  if (scanner.isAtEnd) return [];
  const items = scanner.list(() => readItem(scanner));
  scanner.end();
  return items;
}

function readItem(scanner: Scanner): SelectItem {
  if (scanner.take('*')) return { kind: 'star' };
  if (scanner.take('...')) return readEmbed(scanner, { alias: null, name: scanner.name(), spread: true });
  const first = scanner.name('a column, an embedding or "*"');
  const isAlias = !scanner.sees('::') && scanner.take(':');
  const alias = isAlias ? first.text : null;
  const name = isAlias ? scanner.name('a column or an embedding') : first;
  if (isCount(scanner, name)) return readAggregated(scanner, { alias, column: '', path: [], cast: null }, 'count');
  if (scanner.sees('(') || scanner.sees('!')) return readEmbed(scanner, { alias, name, spread: false });
  return readColumn(scanner, { alias, column: name.text });
}

/** `count()`; a table of this name embeds something, or is written in quotes. */
function isCount(scanner: Scanner, { text, isQuoted }: Name): boolean {
  return text === 'count' && !isQuoted && scanner.take('()');
}

function readColumn(scanner: Scanner, { alias, column }: { alias: string | null; column: string }): FieldItem {
  const path = readPath(scanner);
  const field = { alias, column, path, cast: readCast(scanner) };
  if (!scanner.take('.')) return { kind: 'field', ...field, aggregate: null, resultCast: null };
  const name = scanner.name('an aggregate').text;
  const aggregate = aggregates.find((each) => each === name);
  if (!aggregate || !scanner.take('()')) throw scanner.fault(aggregates.map((each) => `"${each}()"`).join(', '));
  return readAggregated(scanner, field, aggregate);
}

function readAggregated(
  scanner: Scanner,
  field: Pick<FieldItem, 'alias' | 'column' | 'path' | 'cast'>,
  aggregate: Aggregate,
): FieldItem {
  return { kind: 'field', ...field, aggregate, resultCast: readCast(scanner) };
}

function readCast(scanner: Scanner): string | null {
  return scanner.take('::') ? scanner.name('a type').text : null;
}

function readEmbed(
  scanner: Scanner,
  { alias, name, spread }: { alias: string | null; name: Name; spread: boolean },
): EmbedItem {
  let hint: string | null = null;
  let inner = false;
  while (scanner.take('!')) {
    const { text, isQuoted } = scanner.name('a foreign key, a join table, "inner" or "left"');
    if (!isQuoted && (text === 'inner' || text === 'left')) inner = text === 'inner';
    else hint = text;
  }
  scanner.expect('(');
  const items = scanner.nested(() => (scanner.sees(')') ? [] : scanner.list(() => readItem(scanner))));
  scanner.expect(')');
  return { kind: 'embed', alias, target: name.text, hint, inner, spread, items };
}
