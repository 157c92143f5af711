/** The results of a run: as text for who waits, as JSON for later comparison, as plots and a page. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { repository } from '../scripts/deployable.ts';
import { type Bench, type Figure, isMet } from './harness.ts';
import { type Machine, pageOf, type Report } from './page.ts';
import { svgOf } from './plot.ts';
import { shownCell, shownNumber, shownTarget } from './shown.ts';

const folder = join(import.meta.dirname, 'results');
const jsonPath = join(folder, 'performance.json');
const pagePath = join(repository, 'docs/performance.md');

export function describeMachine(duckdb: string): Machine {
  const cores = cpus();
  return {
    node: process.version,
    duckdb,
    platform: `${process.platform} ${process.arch}`,
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryMb: Math.round(totalmem() / 2 ** 20),
  };
}

/** The figures and tables as lines of text, columns aligned. */
export function formatResults({ results }: Report): string {
  const all = Object.values(results);
  const figures = all.flatMap((each) => each.figures);
  const tables = all.flatMap((each) => each.tables);
  const texts = tables.map(({ title, columns, rows }) => `${title}\n${aligned([columns, ...rows.map(shownRow)])}`);
  const first = ['figure', 'value', 'target', '', 'from'];
  return `${[...texts, aligned([first, ...figures.map(shownFigure)])].join('\n\n')}\n`;
}

const shownRow = (row: readonly (string | number | null)[]): string[] => row.map(shownCell);

function shownFigure(figure: Figure): string[] {
  const { name, value, unit, parts } = figure;
  const from = Object.entries(parts).map(([part, amount]) => `${part} ${shownNumber(amount)}`);
  return [
    name,
    `${shownNumber(value)} ${unit}`,
    shownTarget(figure),
    isMet(figure) ? 'met' : 'MISSED',
    from.join(', '),
  ];
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')).join('\n');
}

export async function readReport(): Promise<Report> {
  return JSON.parse(await readFile(jsonPath, 'utf8')) as Report;
}

/** Writes the JSON, the plots and the page; answers where the JSON is. */
export async function writeReport(report: Report, benches: readonly Bench[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(jsonPath, `${JSON.stringify(report, shortNumbers, 1)}\n`);
  for (const plot of Object.values(report.results).flatMap(({ plots }) => plots)) {
    await writeFile(join(folder, `${plot.id}.svg`), svgOf(plot));
  }
  const settings = await resolveConfig(pagePath);
  await writeFile(pagePath, await format(pageOf(report, benches), { ...settings, filepath: pagePath }));
  return jsonPath;
}

/** What was measured has no more digits than four that mean something. */
const shortNumbers = (_name: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
