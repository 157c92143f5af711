/** docs/performance.md, made of the results of a run: no figure in it is typed by hand. */
import { type Bench, type Extent, type Figure, isMet, type Results, type Table } from './harness.ts';
import type { Plot } from './plot.ts';
import { settings } from './settings.ts';
import { shownCell, shownNumber, shownTarget } from './shown.ts';

/** What a reader needs to know of the machine to make sense of absolute times. */
export interface Machine {
  readonly node: string;
  readonly duckdb: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
}

export interface Report {
  /** When it began. */
  readonly at: string;
  readonly extent: Extent;
  readonly machine: Machine;
  /** By the names of the benches. */
  readonly results: Readonly<Record<string, Results>>;
}

export function pageOf(report: Report, benches: readonly Bench[]): string {
  const { at, extent, machine, results } = report;
  const measured = benches.filter(({ name }) => results[name] !== undefined);
  const figures = measured.flatMap(({ name }) => results[name]!.figures);
  const sections = measured.flatMap(({ name, title, about }) => [
    `## ${title}`,
    about,
    ...results[name]!.plots.map(picture),
    ...results[name]!.tables.map(tableText),
  ]);
  return [
    '<!-- Made by `npm run bench`. Change the texts in bench/, and run it, or `npm run bench -- --page`. -->',
    '# Performance',
    `\`npm run bench\` measures Eider against what one would write by hand for the same work, and makes this page of what it
finds. Read the ratios: times depend on the machine. All that is compared was measured in turns in one run, on
${machine.cores} × ${machine.cpu}, ${shownNumber(machine.memoryMb / 1024)} GB, Node ${machine.node}, DuckDB ${machine.duckdb}, on
${at.slice(0, 10)}${extents[extent]}. Servers, clients, S3 and PostgreSQL share those cores.`,
    '## Targets',
    targetsTable(figures),
    ...missedOnes(figures),
    ...sections,
    '## Settings',
    settings,
  ].join('\n\n');
}

const extents = {
  quick:
    ', with `--quick`: **fewer points and rounds, so that these figures show no more than that the measurement works**',
  default: '',
  full: ', with `--full`',
} as const;

function targetsTable(figures: readonly Figure[]): string {
  return markdownTable(
    ['what', 'measured', 'target', '', 'from'],
    figures.map((figure) => [
      figure.name,
      `${shownNumber(figure.value)} ${figure.unit}`,
      shownTarget(figure),
      isMet(figure) ? 'met' : '**missed**',
      Object.entries(figure.parts)
        .map(([part, amount]) => `${part}: ${shownNumber(amount)}`)
        .join('; '),
    ]),
  );
}

/** Why what is missed is what it is. */
function missedOnes(figures: readonly Figure[]): string[] {
  const missed = figures.filter((figure) => !isMet(figure));
  if (missed.length === 0) return ['Every target is met.'];
  const bounds = new Set(missed.map(({ bound }) => bound));
  const lines = [...bounds].map((bound) => {
    const names = missed.filter((figure) => figure.bound === bound).map(({ name }) => name);
    return `- ${names.join('; ')}: ${bound}`;
  });
  return ['What is missed, and what bounds it:', lines.join('\n')];
}

const picture = ({ id, title }: Plot): string => `![${title}](../bench/results/${id}.svg)`;

const tableText = ({ title, columns, rows }: Table): string =>
  `**${title}**\n\n${markdownTable(
    columns,
    rows.map((row) => row.map(shownCell)),
  )}`;

function markdownTable(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}
