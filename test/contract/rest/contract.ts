/** Everyday calls through unmodified clients, and what those never send: the same on either engine. */
import { describe } from 'vitest';
import { callCases } from './calls.ts';
import { embedCases } from './embeds.ts';
import { envelopeCases } from './envelope.ts';
import { escapeCases } from './escapes.ts';
import { filterCases } from './filters.ts';
import { selectCases } from './selects.ts';
import type { UsePlace } from './support.ts';
import { writeCases } from './writes.ts';

export function restContract(place: UsePlace): void {
  describe('filters', () => {
    filterCases(place);
  });
  describe('selects', () => {
    selectCases(place);
  });
  describe('embeddings', () => {
    embedCases(place);
  });
  describe('writes', () => {
    writeCases(place);
  });
  describe('what clients never send', () => {
    envelopeCases(place);
  });
  describe('a reader escapes by no text', () => {
    escapeCases(place);
  });
  describe('calls', () => {
    callCases(place);
  });
}
