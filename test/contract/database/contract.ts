/** The Database contract as one suite, run on every backend: the same answers, the same errors. */
import { commandContract } from './commands.ts';
import { listContract } from './lists.ts';
import type { MakePlace } from './place.ts';
import { transactionContract } from './transactions.ts';
import { typeContract } from './types.ts';

export function databaseContract(makePlace: MakePlace): void {
  commandContract(makePlace);
  listContract(makePlace);
  transactionContract(makePlace);
  typeContract(makePlace);
}
