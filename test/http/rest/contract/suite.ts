/** Everyday calls through unmodified clients, and what those never send: the same on either engine. */
import { describe } from 'vitest';
import { filterCases } from './filters.ts';
import type { UsePlace } from './support.ts';

export function restSuite(place: UsePlace): void {
  describe('filters', () => {
    filterCases(place);
  });
}
