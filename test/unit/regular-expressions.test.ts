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
  'lib/catalog/typescript/drizzle.ts', 'lib/catalog/typescript/kysely.ts', 'lib/db/postgres/values.ts', 'lib/rows/names.ts', 'lib/rows/times.ts',
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

const nodes = globSync(['lib/**/*.ts', 'api/**/*.ts', 'eider.ts', 'server.ts'], { cwd: root }).flatMap((file) =>
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

/** What it begins with, as far as that is fixed. */
function beginningOf(pattern: string): string {
  const [fixed = ''] = /^(?:[^\\^$.*+?()[\]{}|]|\\\W)+/.exec(pattern) ?? [];
  return fixed.replaceAll('\\', '');
}

function takesLong(pattern: string, flags: string): boolean {
  const text = beginningOf(pattern).repeat(10_000);
  const started = process.cpuUsage();
  new RegExp(pattern, flags).exec(text);
  const { user, system } = process.cpuUsage(started);
  return user + system > 200_000;
}

// Of a text between two fixed ones the structure alone does not tell.
it('does not look to the end of a text at each of its own beginnings', () => {
  const slow = nodes.flatMap(({ file, node: { regex } }) =>
    regex && takesLong(regex.pattern, regex.flags) ? [`${file}: /${regex.pattern}/${regex.flags}`] : [],
  );
  expect(slow).toEqual([]);
  expect(takesLong('key "(.*)" violates', 's')).toBe(true);
});

it('is a literal, but for those that are put together of parts', () => {
  const made = nodes.filter(
    ({ node: { type, callee } }) => ['NewExpression', 'CallExpression'].includes(type) && callee?.name === 'RegExp',
  );
  expect([...new Set(made.map(({ file }) => file))].toSorted()).toEqual(composed);
});
