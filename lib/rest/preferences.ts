/** The header Prefer. https://docs.postgrest.org/en/stable/references/api/preferences.html */
import { RestError } from './faults.ts';

export interface Preferences {
  readonly return: 'minimal' | 'headers-only' | 'representation';
  /** All counts are exact. */
  readonly count: boolean;
  readonly resolution: 'merge' | 'ignore' | null;
  readonly missingIsDefault: boolean;
  readonly maxAffected: number | null;
  /** The transaction is rolled back. */
  readonly isRolledBack: boolean;
  /** For the header Preference-Applied; empty where none was. */
  readonly applied: string;
}

const known: Readonly<Record<string, RegExp>> = {
  return: /^(?:minimal|headers-only|representation)$/,
  count: /^(?:exact|planned|estimated)$/,
  resolution: /^(?:merge-duplicates|ignore-duplicates)$/,
  missing: /^(?:default|null)$/,
  handling: /^(?:strict|lenient)$/,
  'max-affected': /^\d{1,9}$/,
  tx: /^(?:commit|rollback)$/,
  timezone: /^UTC$/i,
};

/** Of several preferences of a kind the first counts. @throws RestError PGRST122 */
export function parsePreferences(header: string | null): Preferences {
  const given = new Map<string, string>();
  const invalid: string[] = [];
  for (const part of (header ?? '').split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const [name = '', word = ''] = part.split('=').map((each) => each.trim());
    if (!Object.hasOwn(known, name) || known[name]?.test(word) !== true) invalid.push(part);
    else if (!given.has(name)) given.set(name, word);
  }
  const isStrict = given.get('handling') === 'strict';
  if (isStrict && invalid.length > 0)
    throw new RestError('PGRST122', 400, 'Invalid preferences given with handling=strict', {
      details: `Invalid preferences: ${invalid.join(', ').slice(0, 500)}`,
    });
  // Without `strict` PostgREST takes it for a hint.
  if (!isStrict) given.delete('max-affected');
  const resolution = given.get('resolution');
  const most = given.get('max-affected');
  return {
    return: (given.get('return') ?? 'minimal') as Preferences['return'],
    count: given.has('count'),
    resolution: resolution === undefined ? null : resolution === 'merge-duplicates' ? 'merge' : 'ignore',
    missingIsDefault: given.get('missing') === 'default',
    maxAffected: most === undefined ? null : Number(most),
    isRolledBack: given.get('tx') === 'rollback',
    applied: [...given].map(([name, word]) => `${name}=${word}`).join(', '),
  };
}
