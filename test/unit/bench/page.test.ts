import { expect, test } from 'vitest';
import type { Bench, Figure, Results } from '../../../bench/harness.ts';
import { pageOf, type Report } from '../../../bench/page.ts';

const figure = (name: string, value: number, bound: string): Figure => ({
  name,
  value,
  unit: 'x',
  target: { atMost: 1.5 },
  parts: { 'ours ms': value * 2, 'theirs ms': 2 },
  bound,
});

const none: Results = { figures: [], tables: [], plots: [] };
const bench = (name: string): Bench => ({
  name,
  title: `Part ${name}`,
  about: `What ${name} is about.`,
  run: () => Promise.resolve(none),
});

function reportOf(results: Report['results'], extent: Report['extent'] = 'default'): Report {
  const machine = { node: 'v24', duckdb: 'v1.5', platform: 'linux x64', cpu: 'CPU', cores: 2, memoryMb: 2048 };
  return { at: '2026-11-29T12:00:00Z', extent, machine, results };
}

test('figures are held against their targets, and only of those that are missed it is said what bounds them', () => {
  const figures = [
    figure('quick', 1.5, 'It is bound by nothing.'),
    figure('slow', 1.501, 'It is bound by light.'),
    { ...figure('much', 2, 'It is bound by gravity.'), target: { atLeast: 2.1 } },
  ];
  const page = pageOf(reportOf({ one: { ...none, figures } }), [bench('one')]);

  expect(page).toMatch(/^\| quick \| 1\.50 x \| ≤ 1\.5 \| met \| ours ms: 3; theirs ms: 2 \|$/m);
  expect(page).toMatch(/^\| slow \| 1\.50 x \| ≤ 1\.5 \| \*\*missed\*\* \|/m);
  expect(page).toMatch(/^\| much \| 2 x \| ≥ 2\.1 \| \*\*missed\*\* \|/m);
  expect(page).toContain('- slow: It is bound by light.');
  expect(page).toContain('- much: It is bound by gravity.');
  expect(page).not.toContain('bound by nothing');
});

test('when nothing is missed, the page says so', () => {
  const page = pageOf(reportOf({ one: { ...none, figures: [figure('quick', 1, 'Never said.')] } }), [bench('one')]);
  expect(page).toContain('Every target is met.');
  expect(page).not.toContain('Never said.');
});

test('each part has its text, its plots and its tables; one that was not measured has none', () => {
  const measured: Results = {
    figures: [],
    tables: [
      {
        title: 'rates',
        columns: ['a|b', '1 client'],
        rows: [
          ['ours', 1234.5],
          ['theirs', null],
        ],
      },
    ],
    plots: [{ id: 'rates', title: 'Rates', x: { label: 'x' }, y: { label: 'y' }, lines: [] }],
  };
  const page = pageOf(reportOf({ one: measured }), [bench('one'), bench('two')]);

  expect(page).toContain('## Part one\n\nWhat one is about.\n\n![Rates](../bench/results/rates.svg)\n\n**rates**');
  expect(page).toContain('| a\\|b | 1 client |\n| --- | --- |\n| ours | 1,235 |\n| theirs |  |');
  expect(page).not.toContain('Part two');
});

test('the figures of a quick run are marked as such', () => {
  expect(pageOf(reportOf({}, 'quick'), [])).toContain('`--quick`');
  expect(pageOf(reportOf({}), [])).not.toContain('`--quick`');
});
