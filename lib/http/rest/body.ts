import { RestError } from '../../rest/faults.ts';
import type { PlainValue } from '../../values.ts';
import { type Incoming, readJson } from '../body.ts';
import { RequestError } from '../problem.ts';

/** The body as JSON. @throws RestError PGRST102 for what is none; RequestError 413, 415 */
export async function readRestJson(incoming: Incoming): Promise<PlainValue> {
  try {
    return await readJson(incoming);
  } catch (error) {
    if (!(error instanceof RequestError) || error.status !== 400) throw error;
    throw new RestError('PGRST102', 400, error.message);
  }
}
