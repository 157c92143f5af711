/** A column, or what a path of JSON leads to in it: `settings->theme->>colour`. */
import type { JsonStep } from '../rows/filter.ts';
import type { Scanner } from './scanner.ts';

export interface Field {
  readonly column: string;
  readonly path: readonly JsonStep[];
}

export function readField(scanner: Scanner): Field {
  return { column: scanner.name('a column').text, path: readPath(scanner) };
}

/** The steps that come next; empty without an arrow. */
export function readPath(scanner: Scanner): JsonStep[] {
  const steps: JsonStep[] = [];
  while (scanner.sees('->')) {
    const asText = scanner.take('->>') || !scanner.take('->');
    const index = scanner.match(/-?\d{1,9}(?![^\s.,:()\->])/uy);
    steps.push({ key: index ? Number(index[0]) : scanner.name('a key').text, asText });
    if (asText) break;
  }
  return steps;
}
