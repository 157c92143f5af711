/** Figures as a table for people and as JSON for later comparison. */
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { type Figure, isMet } from './harness.ts';

/** What a reader needs to know of the machine to make sense of absolute times. */
export interface Machine {
  readonly node: string;
  readonly duckdb: string;
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
}

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

/** The figures as lines of text, one a figure, columns aligned. */
export function formatTable(figures: readonly Figure[]): string {
  const rows = [['figure', 'value', 'target', '', 'from'], ...figures.map(formatFigure)];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}

function formatFigure(figure: Figure): string[] {
  const { name, value, unit, target, parts } = figure;
  const met = isMet(figure);
  const wanted = !target ? '' : 'atMost' in target ? `<= ${target.atMost}` : `>= ${target.atLeast}`;
  const verdict = met === null ? '' : met ? 'met' : 'MISSED';
  const from = Object.entries(parts).map(([part, amount]) => `${part} ${formatNumber(amount)}`);
  return [name, `${formatNumber(value)} ${unit}`, wanted, verdict, from.join(', ')];
}

/** Three significant digits, and no exponent. */
function formatNumber(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toFixed(digits);
}

/** Writes the figures to `<folder>/<name>.json` and answers the path. */
export async function writeResults(
  folder: string,
  name: string,
  results: { readonly at: string; readonly machine: Machine; readonly figures: readonly Figure[] },
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  const figures = results.figures.map((figure) => ({ ...figure, met: isMet(figure) }));
  await writeFile(path, `${JSON.stringify({ ...results, figures }, null, 2)}\n`);
  return path;
}
