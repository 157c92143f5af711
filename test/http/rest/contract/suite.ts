/** Everyday calls through unmodified clients, and what those never send: the same on either engine. */
import { describe } from 'vitest';
import { embedCases } from './embeds.ts';
import { filterCases } from './filters.ts';
import { selectCases } from './selects.ts';
import type { UsePlace } from './support.ts';

export function restSuite(place: UsePlace): void {
  describe('filters', () => {
    filterCases(place);
  });
  describe('selects', () => {
    selectCases(place);
  });
  describe('embeddings', () => {
    embedCases(place);
  });
}
