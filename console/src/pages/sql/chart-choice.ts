/** Which chart a result asks for, by the kinds of its columns. */
import type { SqlValue, ValueKind } from '../../api/sql.ts';
import type { ChartData, ChartType } from '../../ui/chart-data.ts';

export interface ChartColumn {
  readonly name: string;
  readonly kind: ValueKind;
}

export interface ChartChoice {
  readonly type: ChartType;
  /** Index of a column. */
  readonly x: number;
  readonly ys: readonly number[];
  /** Index of a column: each of its values is a series of its own. */
  readonly split: number | null;
}

type Rows = readonly (readonly SqlValue[])[];

/** More points than this are not told apart. */
export const mostPoints = 5000;
export const mostBars = 200;
/** As many as there are colours. */
const mostSeries = 8;

/** Null without a column of numbers beside another one. */
export function chooseChart(columns: readonly ChartColumn[], rows: Rows): ChartChoice | null {
  const all = columns.map(({ kind }, index) => ({ kind, index }));
  const numbers = all.filter(({ kind }) => kind === 'number').map(({ index }) => index);
  const find = (...kinds: ValueKind[]): number | undefined => all.find(({ kind }) => kinds.includes(kind))?.index;
  const time = find('time');
  const x = time ?? find('text', 'boolean') ?? numbers[0];
  if (x === undefined) return null;
  const ys = numbers.filter((index) => index !== x);
  if (ys.length === 0) return null;
  const measured = ys.filter((index) => !isKey(columns[index]?.name ?? ''));
  const type = time !== undefined ? 'line' : columns[x]?.kind === 'number' ? 'scatter' : 'bar';
  const isRepeated = new Set(rows.map((row) => row[x])).size < rows.length;
  const other = all.find(({ kind, index }) => index !== x && (kind === 'text' || kind === 'boolean'))?.index;
  const split = isRepeated && type !== 'scatter' ? (other ?? null) : null;
  const most = type === 'scatter' || split !== null ? 1 : 4;
  return { type, x, split, ys: (measured.length > 0 ? measured : ys).slice(0, most) };
}

/** A column for each value of the one that is split by. */
function pivot(columns: readonly ChartColumn[], rows: Rows, { x, ys: [y = 0], split }: ChartChoice) {
  const names = [...new Set(rows.map((row) => row[split ?? 0] ?? 'NULL'))].slice(0, mostSeries);
  const lines = new Map<SqlValue, SqlValue[]>();
  for (const row of rows) {
    const at = row[x] ?? null;
    const line = lines.get(at) ?? [at, ...names.map(() => null)];
    const series = names.indexOf(row[split ?? 0] ?? 'NULL');
    if (series >= 0) line[series + 1] = row[y] ?? null;
    lines.set(at, line);
  }
  const [first = { name: '', kind: 'text' as const }] = columns.slice(x, x + 1);
  return { columns: [first, ...names.map((name) => ({ name, kind: 'number' as const }))], rows: [...lines.values()] };
}

/** What names rows measures nothing. */
function isKey(name: string): boolean {
  return /(?:^|_)id$|^(?:key|year)$/i.test(name);
}

export function chartData(columns: readonly ChartColumn[], rows: Rows, choice: ChartChoice): ChartData {
  const { type, x, ys, split } = choice;
  if (split !== null && split !== x) {
    const turned = pivot(columns, rows, choice);
    const all = turned.columns.slice(1).map((_, index) => index + 1);
    return chartData(turned.columns, turned.rows, { type, x: 0, ys: all, split: null });
  }
  const title = columns[x]?.name ?? '';
  const kind = columns[x]?.kind;
  const isLabelled = kind !== 'time' && (kind !== 'number' || type === 'bar');
  const seen = rows.slice(0, isLabelled && type === 'bar' ? mostBars : mostPoints);
  const times = isLabelled
    ? []
    : seen.map((row) => (kind === 'time' ? timeOf(row[x]) : numberOf(row[x])) ?? Number.NaN);
  // A time of the day, an interval: no place on a calendar.
  const isPlaced = !isLabelled && times.some((value) => !Number.isNaN(value));
  const sorted = isPlaced
    ? seen.map((row, index) => ({ row, at: times[index] ?? Number.NaN })).filter(({ at }) => !Number.isNaN(at))
    : seen.map((row) => ({ row, at: 0 }));
  if (isPlaced && type !== 'scatter') sorted.sort((a, b) => a.at - b.at);
  const series = ys.map((index) => ({
    name: columns[index]?.name ?? '',
    values: sorted.map(({ row }) => numberOf(row[index])),
  }));
  return {
    type,
    series,
    x: isPlaced
      ? { kind: kind === 'time' ? 'time' : 'number', title, values: sorted.map(({ at }) => at) }
      : { kind: 'category', title, labels: sorted.map(({ row }) => row[x] ?? 'NULL') },
  };
}

function numberOf(text: SqlValue | undefined): number | null {
  if (text === null || text === undefined || text === '') return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** `2026-01-31`, `2026-01-31 10:00:00.5+00`: as the clock on the wall shows it where there is no zone. */
function timeOf(text: SqlValue | undefined): number | null {
  const [, date, time = '00:00:00', zone = ''] =
    /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d:\d\d(?:\.\d+)?))?([+-]\d\d(?::?\d\d)?|Z)?$/.exec(text ?? '') ?? [];
  if (date === undefined) return null;
  const value = Date.parse(`${date}T${time.slice(0, 12)}${/^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone}`);
  return Number.isNaN(value) ? null : value;
}
