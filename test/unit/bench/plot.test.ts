import { expect, test } from 'vitest';
import { type Plot, svgOf } from '../../../bench/plot.ts';

const plot = (more: Partial<Plot> = {}): Plot => ({
  id: 'p',
  title: 'Writes <a> & "b"',
  x: { label: 'clients', isLog: true },
  y: { label: 'ms' },
  lines: [
    {
      name: 'ours',
      points: [
        [1, 10],
        [10, 20],
        [100, 40],
      ],
    },
    {
      name: 'theirs',
      points: [
        [1, 0],
        [100, 5],
      ],
    },
  ],
  ...more,
});

/** The corners of each line. */
const places = (svg: string): number[][][] =>
  [...svg.matchAll(/<polyline points="([^"]*)"/g)].map(([, points]) =>
    points!.split(' ').map((point) => point.split(',').map(Number)),
  );
const texts = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text!);

test('each line has its points, in proportion, and its name', () => {
  const svg = svgOf(plot());
  const [ours, theirs] = places(svg) as [number[][], number[][]];

  expect([ours.length, theirs.length]).toEqual([3, 2]);
  // A logarithmic axis: ten is half-way from one to a hundred.
  expect(ours[1]![0]).toBeCloseTo((ours[0]![0]! + ours[2]![0]!) / 2, 0);
  // A linear one: twice as much is twice as high over nothing.
  const zero = theirs[0]![1]!;
  expect(zero - ours[1]![1]!).toBeCloseTo(2 * (zero - ours[0]![1]!), 0);
  expect(texts(svg)).toEqual(expect.arrayContaining(['ours', 'theirs', 'clients', 'ms', '1', '10', '100', '40']));
});

test('nothing is drawn outside of the picture', () => {
  const svg = svgOf(plot({ y: { label: 'ms', isLog: true } }));
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
  for (const [x, y] of places(svg).flat()) {
    expect(x).toBeGreaterThan(0);
    expect(x).toBeLessThan(width!);
    expect(y).toBeGreaterThan(0);
    expect(y).toBeLessThan(height!);
  }
});

test('titles are text and no markup', () => {
  expect(svgOf(plot())).toContain('>Writes &lt;a> &amp; &quot;b&quot;</text>');
});

test('lines without a value above nothing can be drawn', () => {
  const svg = svgOf(
    plot({
      lines: [
        {
          name: 'none lost',
          points: [
            [1, 0],
            [2, 0],
          ],
        },
      ],
    }),
  );
  expect(svg).not.toContain('NaN');
});
