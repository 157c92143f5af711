import { afterAll, beforeAll } from 'vitest';
import { restSuite } from './contract/suite.ts';
import { onDuckDb, type Place } from './place.ts';

let place: Place;
beforeAll(async () => {
  place = await onDuckDb();
});
afterAll(() => place.close());

restSuite(() => place);
