/**
 * No regular expression of ours goes back over a text: neither in the power of its length nor in its square, so that what
 * reads a line reads a megabyte, too. Told by their structure, whatever the machine takes.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { analyse } from 'scslre';
import { expect, it } from 'vitest';
import { parseAst } from 'vitest/node';

const root = join(import.meta.dirname, '../..');

/** Put together of parts that are looked at here by hand. */
const composed = [
  'lib/catalog/typescript/drizzle.ts', 'lib/catalog/typescript/kysely.ts', 'lib/db/duckdb/constraint-errors.ts', 'lib/db/postgres/values.ts', 'lib/rows/names.ts', 'lib/rows/times.ts',
  'lib/sql/tokens.ts',
]; // prettier-ignore

interface Node {
  readonly type: string;
  readonly regex?: { readonly pattern: string; readonly flags: string };
  readonly callee?: { readonly name?: string };
}

function* walk(node: unknown): Generator<Node> {
  if (Array.isArray(node)) for (const each of node) yield* walk(each);
  if (typeof node !== 'object' || node === null || typeof Reflect.get(node, 'type') !== 'string') return;
  yield node as Node;
  for (const child of Object.values(node)) yield* walk(child);
}

const nodes = globSync(['lib/**/*.ts', 'api/**/*.ts', 'server.ts'], { cwd: root }).flatMap((file) =>
  [...walk(parseAst(readFileSync(join(root, file), 'utf8'), { lang: 'ts' }))].map((node) => ({ file, node })),
);

function faultsOf(pattern: string, flags: string): string[] {
  const { reports } = analyse(new RegExp(pattern, flags));
  return reports.map(({ type, exponential }) => `${exponential ? 'exponential' : 'quadratic'} (${type})`);
}

it('takes each text once', () => {
  const found = nodes.flatMap(({ file, node: { regex } }) => (regex ? [{ file, ...regex }] : []));
  expect(found.length).toBeGreaterThan(300);
  const faults = found.flatMap(({ file, pattern, flags }) =>
    faultsOf(pattern, flags).map((fault) => `${file}: /${pattern}/${flags} is ${fault}`),
  );
  expect(faults).toEqual([]);
  expect(faultsOf('^(?:a+)+$', '')).toContain('exponential (Self)');
  expect(faultsOf(String.raw`^\d+\.?\d*$`, '')).toEqual(['quadratic (Trade)']);
});

it('is a literal, but for those that are put together of parts', () => {
  const made = nodes.filter(
    ({ node: { type, callee } }) => ['NewExpression', 'CallExpression'].includes(type) && callee?.name === 'RegExp',
  );
  expect([...new Set(made.map(({ file }) => file))].toSorted()).toEqual(composed);
});
