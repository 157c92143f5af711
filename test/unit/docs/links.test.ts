import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');
const pages = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md'], { cwd: root, exclude: ['**/node_modules/**'] });

const withoutCode = (text: string): string => text.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');

/** As GitHub makes them: https://docs.github.com/en/get-started/writing-on-github */
function anchorsOf(path: string): Set<string> {
  const headings = readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, title]) =>
      title!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function isBroken(page: string, target: string): boolean {
  if (/^(?:https?:|mailto:)/.test(target)) return !URL.canParse(target);
  const [path, anchor] = target.split('#') as [string, string?];
  const file = path === '' ? join(root, page) : join(root, dirname(page), path);
  return !existsSync(file) || (anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).has(anchor));
}

test('the pages are found', () => expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/README.md'])));

test.each(pages)('the links of %s lead somewhere', (page) => {
  const text = withoutCode(readFileSync(join(root, page), 'utf8'));
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
  expect(targets.filter((target) => isBroken(page, target))).toEqual([]);
});

test('the index leads to every page', () => {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8');
  const names = globSync('*.md', { cwd: join(root, 'docs') }).filter((name) => name !== 'README.md');
  expect(names.filter((name) => !index.includes(`(${name})`))).toEqual([]);
});

test('every type of problem has its section', () => {
  const source = readFileSync(join(root, 'lib/http/problem.ts'), 'utf8');
  const types = [...source.matchAll(/\btype: '([a-z-]+)'/g)].map(([, type]) => type!);
  const sections = anchorsOf(join(root, 'docs/errors.md'));
  expect(types).toContain('conflict');
  expect(types.filter((type) => !sections.has(type))).toEqual([]);
});
