/** Line plots as SVG that can be read on a light page and on a dark one. */

export interface Axis {
  readonly label: string;
  readonly isLog?: boolean;
}

export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** What the others are held against. */
  readonly isDashed?: boolean;
}

export interface Plot {
  /** Its file's name. */
  readonly id: string;
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
}

const width = 760;
const area = { left: 70, top: 40, width: 660, height: 300 };
const legendTop = area.top + area.height + 70;
/** Of Okabe and Ito, who chose them for all kinds of eyes; all of them stand out from white and from near-black. */
const colours = ['#2f81d6', '#d55e00', '#009e73', '#cc79a7', '#b8860b', '#56b4e9', '#8a6fd1', '#808080'];
/** Marks tell the lines apart without colours. */
const marks: readonly ((x: number, y: number) => string)[] = [
  (x, y) => `<circle cx="${x}" cy="${y}" r="4"/>`,
  (x, y) => `<rect x="${x - 4}" y="${y - 4}" width="8" height="8"/>`,
  (x, y) => `<path d="M${x} ${y - 5}l5 9h-10z"/>`,
  (x, y) => `<path d="M${x} ${y - 5}l5 5l-5 5l-5 -5z"/>`,
];

const style = `text { font: 13px system-ui, sans-serif; fill: #1f2328; } .title { font-weight: 600; font-size: 15px; }
.page { fill: #ffffff; } .grid { stroke: #d1d9e0; stroke-width: 1; } polyline { fill: none; stroke-width: 2; } .dashed { stroke-dasharray: 6 5; }
@media (prefers-color-scheme: dark) { text { fill: #f0f6fc; } .page { fill: #0d1117; } .grid { stroke: #3d444d; } }`;

/** @example svgOf({ id: 'a', title: 'A', x: { label: 'clients' }, y: { label: 'ms' }, lines: [{ name: 'b', points: [[1, 2]] }] }) */
export function svgOf(plot: Plot): string {
  const points = plot.lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(([value]) => value))];
  const [first, last] = [Math.min(...xs), Math.max(...xs)];
  const x = scaleBetween(first, last, plot.x, [area.left, area.left + area.width]);
  const y = scaleOver(
    points.map(([, value]) => value),
    plot.y,
  );
  const height = legendTop + Math.ceil(plot.lines.length / 2) * 22;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(plot.title)}">`,
    `<style>${style}</style>`,
    `<rect class="page" width="${width}" height="${height}"/>`,
    label(plot.title, area.left, 24, 'start', 'title'),
    ...xs.flatMap((value) => [
      gridLine(x.place(value), area.top, x.place(value), area.top + area.height),
      label(shortNumber(value), x.place(value), area.top + area.height + 20, 'middle'),
    ]),
    ...ticksOf(y).flatMap((value) => [
      gridLine(area.left, y.place(value), area.left + area.width, y.place(value)),
      label(shortNumber(value), area.left - 8, y.place(value) + 4, 'end'),
    ]),
    label(plot.x.label, area.left + area.width / 2, area.top + area.height + 42, 'middle'),
    `<text transform="translate(16 ${area.top + area.height / 2}) rotate(-90)" text-anchor="middle">${escaped(plot.y.label)}</text>`,
    ...plot.lines.map((line, index) => drawn(line, index, x, y)),
    ...plot.lines.map(({ name }, index) => legend(name, index)),
    '</svg>\n',
  ].join('\n');
}

interface Scale {
  readonly from: number;
  readonly to: number;
  readonly isLog: boolean;
  readonly place: (value: number) => number;
}

function scaleBetween(
  from: number,
  to: number,
  { isLog = false }: Axis,
  [start, end]: readonly [number, number],
): Scale {
  const linear = (value: number): number => (isLog ? Math.log10(Math.max(value, from)) : value);
  const extent = linear(to) - linear(from) || 1;
  return {
    from,
    to,
    isLog,
    place: (value) => round(start + ((end - start) * (linear(value) - linear(from))) / extent),
  };
}

/** From nothing, or from a power of ten to another one. */
function scaleOver(values: readonly number[], axis: Axis): Scale {
  const most = Math.max(...values, 1e-9);
  const from = axis.isLog === true ? powerOf10(Math.min(...values.filter((value) => value > 0)), Math.floor) : 0;
  const to = axis.isLog === true ? Math.max(powerOf10(most, Math.ceil), from * 10) : most * 1.05;
  return scaleBetween(from, to, axis, [area.top + area.height, area.top]);
}

const powerOf10 = (value: number, rounded: (exponent: number) => number): number =>
  10 ** rounded(Math.log10(value) + (rounded === Math.ceil ? -1e-9 : 1e-9));

/** Powers of ten, or about five round numbers. */
function ticksOf({ from, to, isLog }: Scale): number[] {
  const ticks: number[] = [];
  if (isLog) {
    for (let tick = from; tick <= to * 1.001; tick *= 10) ticks.push(tick);
    return ticks;
  }
  const rough = to / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough)!;
  for (let index = 0; index * step <= to; index++) ticks.push(index * step);
  return ticks;
}

function drawn({ points, isDashed = false }: Line, index: number, x: Scale, y: Scale): string {
  const colour = colours[index % colours.length]!;
  const places = points.map(([atX, atY]) => [x.place(atX), y.place(atY)] as const);
  const path = places.map((place) => place.join(',')).join(' ');
  const mark = marks[index % marks.length]!;
  const dashed = isDashed ? ' class="dashed"' : '';
  return `<polyline points="${path}" stroke="${colour}"${dashed}/><g fill="${colour}">${places.map((place) => mark(...place)).join('')}</g>`;
}

function legend(name: string, index: number): string {
  const [left, top] = [area.left + (index % 2) * (area.width / 2), legendTop + Math.floor(index / 2) * 22];
  const mark = marks[index % marks.length]!(left + 6, top - 4);
  return `<g fill="${colours[index % colours.length]}">${mark}</g>${label(name, left + 18, top, 'start')}`;
}

function label(text: string, x: number, y: number, anchor: string, name?: string): string {
  const named = name === undefined ? '' : ` class="${name}"`;
  return `<text x="${x}" y="${y}" text-anchor="${anchor}"${named}>${escaped(text)}</text>`;
}

const gridLine = (x1: number, y1: number, x2: number, y2: number): string =>
  `<line class="grid" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

const round = (value: number): number => Math.round(value * 10) / 10;

const shortNumber = (value: number): string => Number(value.toPrecision(3)).toLocaleString('en-US');
