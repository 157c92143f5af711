import { afterAll, beforeAll } from 'vitest';
import { restContract } from './contract.ts';
import { onDuckDb, type Place } from './place.ts';

let place: Place;
beforeAll(async () => {
  place = await onDuckDb();
});
afterAll(() => place.close());

restContract(() => place);
