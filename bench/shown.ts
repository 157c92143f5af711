/** Figures as people read them. */
import type { Figure } from './harness.ts';

export function shownCell(cell: string | number | null): string {
  return cell === null ? '' : typeof cell === 'string' ? cell : shownNumber(cell);
}

export const shownTarget = ({ target }: Figure): string =>
  'atMost' in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`;

/** Three significant digits, and no exponent. @example shownNumber(1234.5) // '1,235' */
export function shownNumber(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3);
}
