/** Several processes write to one database at once, and some are killed: nothing acknowledged is lost or doubled. */
import { expect, it } from 'vitest';
import { testSite } from '../../support/processes.ts';
import { writeFromMany } from './many-writers.ts';

it(
  'four processes with 32 clients, two of them killed in the middle, lose and double nothing',
  { timeout: 60_000 },
  async () => expect(writeFromMany(await testSite())).resolves.toBeUndefined(),
);
