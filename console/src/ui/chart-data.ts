/** What a chart shows. Apart from the chart itself, which is loaded late. */

export const chartTypes = ['bar', 'line', 'area', 'scatter'] as const;
export type ChartType = (typeof chartTypes)[number];

export interface ChartData {
  readonly type: ChartType;
  readonly x:
    | { readonly kind: 'category'; readonly title: string; readonly labels: readonly string[] }
    /** Times are milliseconds since 1970. */
    | { readonly kind: 'time' | 'number'; readonly title: string; readonly values: readonly number[] };
  readonly series: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  readonly isStacked?: boolean;
}
